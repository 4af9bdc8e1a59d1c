"""`sonde`, on a machine whose wall clock is wrong: `python skewed.py SECONDS run FILE …`.

Everything of the daemon that asks for the time asks `monitor.clock`, which is given a wall clock
that many seconds ahead. Stamps of the kernel and durations stay as they are, as they would on a
machine of its own, where they would be wrong by the same amount and cancel out.
"""

import sys
import time

_AHEAD_S = float(sys.argv.pop(1))
_true = time.time


def _wrong() -> float:
    return _true() + _AHEAD_S


time.time = _wrong
import monitor.clock  # noqa: E402, F401 - it takes its clocks when it is imported

time.time = _true
from monitor.cli import main  # noqa: E402 - with the clock in place

sys.exit(main())
