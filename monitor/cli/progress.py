"""What a long command shows of itself: a line on stderr where that is a terminal, else nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

BAR_WIDTH: Final = 72
"""Columns a terminal must have for a bar beside the figures."""
RATE_WIDTH: Final = 52
"""And for the rate: `exporting 8,640,000 rows 100,000 rows/s 0:01:20` are 47."""


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} rows/s")


class RowsShown:
    """Rows done so far."""

    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def advance(self, rows: int) -> None:
        """Show so many more."""
        self._progress.advance(self._task, rows)


def columns(doing: str, width: int, *, endless: bool) -> Iterator[ProgressColumn]:
    """Yield what fits in a line: a second one would stay behind when the terminal scrolls."""
    yield TextColumn(doing)
    if width >= BAR_WIDTH:
        yield BarColumn(bar_width=None)
    yield TextColumn("{task.completed:,.0f} rows")
    if width >= RATE_WIDTH:
        yield _Rate()
    yield TimeElapsedColumn() if endless else TimeRemainingColumn()


@contextmanager
def shown(doing: str, total: int | None, *, quiet: bool = False) -> Iterator[RowsShown]:
    """Show rows, their rate and the time left of `total`; None: how long it takes is not known.

    Then it is the time so far. `quiet`: nothing, terminal or not.
    """
    console = Console(stderr=True)
    progress = Progress(
        *columns(doing, console.width, endless=total is None),
        console=console,
        transient=True,
        expand=console.width >= BAR_WIDTH,
        disable=quiet or not console.is_terminal,
    )
    with progress:
        yield RowsShown(progress, total)


@contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Show what is done and for how long already, where nobody knows how long it takes."""
    console = Console(stderr=True)
    progress = Progress(
        SpinnerColumn(),
        TextColumn(doing, markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    progress.add_task("", total=None)
    with progress:
        yield
