"""What a long command shows of itself: a line on stderr where that is a terminal, else nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


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


@contextmanager
def shown(doing: str, total: int | None) -> Iterator[RowsShown]:
    """Show rows, their rate and the time left of `total`; None: nobody knows how many there are."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn(doing),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield RowsShown(progress, total)
