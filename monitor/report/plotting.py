"""pygal as it is to be used: without its hook for plugins, of which there are none here.

The hook would warn at every later import that fails, so nothing is imported between the two.
"""

import sys

import pygal  # type: ignore[import-untyped] # it has no annotations

sys.meta_path[:] = [
    finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)
]

Line = pygal.Line
