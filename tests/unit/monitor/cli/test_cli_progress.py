"""The line a long command shows: whole at every width, nowhere but on a terminal."""

import pytest
from rich.console import Console
from rich.progress import Progress

from monitor.cli.progress import columns, shown, waiting


@pytest.mark.parametrize("total", [8_640_000, None])
@pytest.mark.parametrize(
    ("width", "bar", "rate"), [(120, True, True), (60, False, True), (44, False, False)]
)
def test_it_fits_in_a_line(width: int, total: int | None, bar: bool, rate: bool) -> None:
    """What does not fit is left out: nothing is cut short, and there is no second line."""
    console = Console(width=width, force_terminal=True, color_system=None, height=9)
    progress = Progress(
        *columns("exporting", width, endless=total is None), console=console, expand=bar
    )
    task = progress.add_task("", total=total)
    for _ in range(3):
        progress.advance(task, 2_000_000)
    with console.capture() as drawn:
        console.print(progress.get_renderable())
    (line,) = drawn.get().splitlines()
    assert "6,000,000 rows" in line
    assert "…" not in line
    assert ("━" in line, "rows/s" in line) == (bar, rate)


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of a log has no use for a line that moves."""
    with shown("exporting", 10) as rows:
        rows.advance(5)
    with shown("importing", None, quiet=True) as rows:
        rows.advance(5)
    with waiting("looking"):
        pass
    assert capsys.readouterr() == ("", "")
