"""What a benchmark hands back, and how it is printed: for a terminal, or for a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Report:
    """Tables of what was measured, and what makes the measurement worth nothing."""

    tables: tuple[Table, ...]
    failures: tuple[str, ...] = ()
    """Each in a line; any makes the command end with 1. A missed target is not one: it is in the
    table."""


def drawn(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table whose figures stand to the right."""
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="right" if heading[-1:] != ":" else "left")
    for row in rows:
        table.add_row(*row)
    return table


def met(measured: float | None, limit: float) -> str:
    """Say whether a figure is within its limit; None: there is no figure."""
    if measured is None:
        return "unknown"
    return "met" if measured <= limit else "missed"


def markdown(table: Table) -> str:
    """Return a table in Markdown, under its title."""
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    headings = [str(column.header) for column in table.columns]
    rules = ["--:" if column.justify == "right" else "---" for column in table.columns]
    rows = [headings, rules, *(list(row) for row in zip(*columns, strict=True))]
    lines = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([f"#### {table.title}", "", *lines, ""])
