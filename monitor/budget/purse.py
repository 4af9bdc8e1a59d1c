"""Where budgets are kept: in the ledger, for a Sonde that is alone.

What is drawn is written down before any of it can be spent. A draw nobody waited for the end of (a
disk that hung, a process that was killed) is drawn all the same: money can be wasted so, never
spent twice.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final, Protocol

from aggregator.ledger import Ledger, Schema

KEPT_DAYS: Final = 400
"""A year and a bit of days stays in the file: some hundred bytes for each and each provider."""

BUDGET: Final = Schema(
    "budget",
    (
        """
        CREATE TABLE budget_days (
            subject TEXT NOT NULL, -- a provider's name; '' is all of them together
            day TEXT NOT NULL,
            drawn_nusd INTEGER NOT NULL CHECK (drawn_nusd >= 0),
            PRIMARY KEY (subject, day)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE budget_overruns (
            provider TEXT NOT NULL,
            day TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            PRIMARY KEY (provider, day)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    saved=("budget_days", "budget_overruns"),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a draw."""

    granted_nusd: int
    total_nusd: int
    """Drawn on that day by all, this draw included."""


class PurseError(Exception):
    """Nothing can be drawn now, and not for want of money. The message holds no secret."""


class Purse(Protocol):
    """Budgets of days, shared by everybody who probes.

    Every method may raise LedgerError or PurseError.
    """

    @property
    def shared(self) -> bool:
        """Whether others draw from it too, so that what they drew is to be asked for again."""

    async def draw(self, subject: str, day: date, wanted_nusd: int, cap_nusd: int) -> Drawn:
        """Draw up to `wanted_nusd`, as far as the cap allows; durable once it returns.

        Wanting 0 only asks.
        """

    async def give_back(self, subject: str, day: date, amount_nusd: int) -> None:
        """Put back what was drawn and will surely not be spent."""

    async def overrun(self, provider: str, day: date) -> None:
        """Remember that the provider billed more than it could have."""

    async def overruns(self, day: date) -> Mapping[str, int]:
        """Return how often that was so on a day, by provider."""


DrawnBefore = Callable[[sqlite3.Connection, str, str], int]
"""Says what else was drawn of a subject on a day, in nano-dollars."""


def _nothing(_connection: sqlite3.Connection, _subject: str, _day: str) -> int:
    return 0


class LedgerPurse:
    """The purse of a Sonde that is alone: its own ledger."""

    shared = False

    def __init__(self, ledger: Ledger, before: DrawnBefore = _nothing) -> None:
        """`before`: while it was not alone."""
        self._ledger = ledger
        self._before = before

    async def draw(self, subject: str, day: date, wanted_nusd: int, cap_nusd: int) -> Drawn:
        """Draw in one transaction."""
        work = partial(_draw, subject=subject, day=day, wanted_nusd=wanted_nusd, cap_nusd=cap_nusd)
        return await self._ledger.write(partial(work, before=self._before))

    async def give_back(self, subject: str, day: date, amount_nusd: int) -> None:
        """Put back in one transaction."""
        work = partial(_give_back, subject=subject, day=day, amount_nusd=amount_nusd)
        await self._ledger.write(work)

    async def overrun(self, provider: str, day: date) -> None:
        """Count it."""
        await self._ledger.write(partial(_count_overrun, provider=provider, day=day))

    async def overruns(self, day: date) -> Mapping[str, int]:
        """Read the counts."""
        return await self._ledger.read(partial(_read_overruns, day=day))


def _draw(
    connection: sqlite3.Connection,
    *,
    subject: str,
    day: date,
    wanted_nusd: int,
    cap_nusd: int,
    before: DrawnBefore,
) -> Drawn:
    row: tuple[int] | None = connection.execute(
        "SELECT drawn_nusd FROM budget_days WHERE subject = ? AND day = ?",
        (subject, day.isoformat()),
    ).fetchone()
    before_nusd = (0 if row is None else row[0]) + before(connection, subject, day.isoformat())
    granted_nusd = max(0, min(wanted_nusd, cap_nusd - before_nusd))
    if granted_nusd:
        connection.execute(
            "INSERT INTO budget_days VALUES (?, ?, ?) ON CONFLICT (subject, day)"
            " DO UPDATE SET drawn_nusd = drawn_nusd + excluded.drawn_nusd",
            (subject, day.isoformat(), granted_nusd),
        )
    if granted_nusd and row is None:
        _forget(connection, day - timedelta(days=KEPT_DAYS))
    return Drawn(granted_nusd, before_nusd + granted_nusd)


def drawn_alone(connection: sqlite3.Connection, since: date) -> list[tuple[str, str, int]]:
    """Return subject, day and what was drawn, for those who go on together with others."""
    return connection.execute(
        "SELECT subject, day, drawn_nusd FROM budget_days WHERE day >= ?", (since.isoformat(),)
    ).fetchall()


def _forget(connection: sqlite3.Connection, before: date) -> None:
    for table in ("budget_days", "budget_overruns"):
        connection.execute(
            f"DELETE FROM {table} WHERE day < ?",  # noqa: S608 - names of ours
            (before.isoformat(),),
        )


def _give_back(
    connection: sqlite3.Connection, *, subject: str, day: date, amount_nusd: int
) -> None:
    connection.execute(
        "UPDATE budget_days SET drawn_nusd = drawn_nusd - ? WHERE subject = ? AND day = ?",
        (amount_nusd, subject, day.isoformat()),
    )


def _count_overrun(connection: sqlite3.Connection, *, provider: str, day: date) -> None:
    connection.execute(
        "INSERT INTO budget_overruns VALUES (?, ?, 1) ON CONFLICT (provider, day)"
        " DO UPDATE SET attempts = attempts + 1",
        (provider, day.isoformat()),
    )


def _read_overruns(connection: sqlite3.Connection, *, day: date) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT provider, attempts FROM budget_overruns WHERE day = ?", (day.isoformat(),)
        )
    )
