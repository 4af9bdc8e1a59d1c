"""What a day's budgets are when nobody can tell any more what was drawn of them."""

import sqlite3
from collections.abc import Collection, Sequence
from zoneinfo import ZoneInfo

from monitor.budget.day import day_of
from monitor.budget.purse import BUDGET
from monitor.config.values import Budget
from probes.estimate import nusd


def forgets_budgets(forgotten: Collection[str]) -> bool:
    """Say whether a table of budgets is among those that were not saved in full."""
    return not set(BUDGET.saved).isdisjoint(forgotten)


def count_as_drawn(
    connection: sqlite3.Connection,
    forgotten: Collection[str],
    *,
    budgets: Sequence[Budget],
    wall: float,
) -> None:
    """Count all of today's budgets as drawn, if one of their tables is among the forgotten.

    A process before us may have drawn them. Nothing under a budget is probed before midnight then
    (skipped, `budget`), and whoever wants it all the same gives it more.
    """
    if not forgets_budgets(forgotten):
        return
    connection.executemany(
        "INSERT INTO budget_days VALUES (?, ?, ?) ON CONFLICT (subject, day)"
        " DO UPDATE SET drawn_nusd = max(drawn_nusd, excluded.drawn_nusd)",
        [
            (
                each.subject,
                day_of(wall, ZoneInfo(each.timezone)).date.isoformat(),
                nusd(each.daily_usd),
            )
            for each in budgets
        ],
    )
