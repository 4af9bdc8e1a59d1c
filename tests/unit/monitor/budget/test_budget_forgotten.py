"""Budgets of which nobody can tell any more what was drawn."""

import asyncio
import sqlite3
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from monitor.budget.forgotten import count_as_drawn, forgets_budgets
from monitor.budget.purse import BUDGET, Drawn, LedgerPurse
from monitor.config.values import Budget

WALL = 1_795_305_600.0
"""2026-11-22 00:00 UTC, when it is still the 21st in New York."""
TODAY, YESTERDAY = date(2026, 11, 22), date(2026, 11, 21)
BUDGETS = (
    Budget(subject="", daily_usd=1.0),
    Budget(subject="p", daily_usd=0.5, timezone="America/New_York"),
)
USD = 10**9


def drawn(path: Path, *forgotten: str) -> list[Drawn]:
    """Draw a dollar of every budget of these days once that was forgotten."""

    async def draw() -> list[Drawn]:
        ledger = Ledger.open(path, (BUDGET,), inline=True)
        purse = LedgerPurse(ledger)
        await purse.draw("", TODAY, USD // 4, USD)
        await ledger.write(partial(count_as_drawn, forgotten=forgotten, budgets=BUDGETS, wall=WALL))
        try:
            return [
                await purse.draw("", TODAY, USD, USD),
                await purse.draw("p", YESTERDAY, USD, USD // 2),
                await purse.draw("p", TODAY, USD, USD // 2),
            ]
        finally:
            await ledger.close()

    return asyncio.run(draw())


@pytest.mark.parametrize("table", BUDGET.saved)
def test_what_may_have_been_drawn_counts_as_drawn(tmp_path: Path, table: str) -> None:
    """Nothing is left of the day it is where the budget has its midnight; the next is whole."""
    today, yesterday, tomorrow = drawn(tmp_path / "ledger.db", "outbox", table)
    assert (today.granted_nusd, yesterday.granted_nusd) == (0, 0)
    assert tomorrow.granted_nusd == USD // 2


def test_what_is_known_is_what_was_drawn(tmp_path: Path) -> None:
    """Other tables may be lost: that takes no money away."""
    today, yesterday, tomorrow = drawn(tmp_path / "ledger.db", "outbox")
    assert [each.granted_nusd for each in (today, yesterday, tomorrow)] == [
        USD * 3 // 4,
        USD // 2,
        USD // 2,
    ]


def test_what_is_drawn_stays_drawn(tmp_path: Path) -> None:
    """Of a budget that was made smaller during the day, more may be gone than it has."""
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.executescript(BUDGET.migrations[0])
        connection.execute("INSERT INTO budget_days VALUES ('', ?, ?)", (str(TODAY), 7 * USD))
        count_as_drawn(connection, BUDGET.saved, budgets=BUDGETS, wall=WALL)
        kept = connection.execute("SELECT max(drawn_nusd) FROM budget_days").fetchone()
    connection.close()
    assert kept == (7 * USD,)


def test_budgets_are_forgotten_with_either_table() -> None:
    """What a provider overran may have stopped it for the day."""
    assert [forgets_budgets([name]) for name in ("budget_days", "budget_overruns", "outbox")] == [
        True,
        True,
        False,
    ]
