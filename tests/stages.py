"""Say how long each stage of the test suite took: the fast ones come first and should stay fast."""

import time
from collections.abc import Generator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

STAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unit": "unit and property",
        "property": "unit and property",
        "virtual": "virtual time",
        "simulation": "simulation",
        "contract": "contract and integration",
        "integration": "contract and integration",
        "e2e": "end to end",
        "replicas": "replicas",
        "browser": "browser",
    }
)
"""Stage of a test by the folder it is in; other folders are a stage of their own."""

_ROOT: Final = Path(__file__).parent
_seconds: Final[dict[str, float]] = {}
_count: Final[dict[str, int]] = {}


def stage_of(path: Path) -> str:
    """Return the stage a test file belongs to."""
    folder = path.relative_to(_ROOT).parts[0] if path.is_relative_to(_ROOT) else path.parent.name
    return STAGES.get(folder, folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Add a test's time, fixtures included, to its stage."""
    stage = stage_of(item.path)
    before = time.perf_counter()
    try:
        return (yield)
    finally:
        _seconds[stage] = _seconds.get(stage, 0.0) + time.perf_counter() - before
        _count[stage] = _count.get(stage, 0) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line for each stage that ran."""
    if len(_seconds) > 1:
        terminalreporter.section("stages")
    for stage, seconds in _seconds.items():
        terminalreporter.line(f"{stage}: {_count[stage]} tests in {seconds:.1f} s")
