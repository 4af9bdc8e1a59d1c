"""Burn rates and error budgets of all objectives, counted along with what is committed.

At the start they are what the ledger remembers, read target by target; from then on each row is
counted once, by its number. What the ledger does not take is in none of them: rules over windows
still see it.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.rollup.bucket import Bucket
from aggregator.slo import HOUR_S, HOURS, MINUTE_S, MINUTES, Tallies, Tally, budget_left, together
from aggregator.stores.history import HistoryError
from aggregator.stores.ledger_history import points_of
from alerting.burn import TIERS, Burn, Slo, Tier
from alerting.match import labels_of
from alerting.metric import BurnRate
from monitor.clock import Clock
from monitor.facts import Reading
from probes.result import Fault
from probes.target import Target

EVERY_S: Final = 5.0
"""As often as rules are evaluated by default."""
ROWS: Final = 10_000
"""Rows of one read: some ten milliseconds of the reader's thread."""

AT_ONCE: Final = 100
"""Targets that are summed up in one go: a millisecond."""

_NEWER: Final = """
SELECT id, target, at, fault FROM results
 WHERE id > ? AND location = ? AND attempt = 1 AND fault IN ('none', 'provider')
 ORDER BY id LIMIT ?
"""
_NEWER_SKIPS: Final = """
SELECT id, target, at, fault FROM skips
 WHERE id > ? AND location = ? AND fault IN ('none', 'provider') ORDER BY id LIMIT ?
"""
_PLACES: Final = (
    "SELECT (SELECT coalesce(max(id), 0) FROM results), (SELECT coalesce(max(id), 0) FROM skips)"
)

Row = tuple[int, str, float, str]
"""Number, target, wall time, fault."""
Place = tuple[int, int]
"""The newest result and the newest skip that are counted."""

log = structlog.get_logger("sonde.slo")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the ledger knew of one target."""

    place: Place
    hours: tuple[tuple[float, Tally], ...]
    minutes: tuple[tuple[float, Tally], ...]
    """By when they began, wall time."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How an objective stands."""

    slo: Slo
    period: Tally
    left_ratio: float | None
    """Of its error budget; negative: overspent, None: nothing was counted."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How an objective stands, and how fast its budget burns."""

    target: str
    """Of this target alone; empty: of all its targets together."""
    budget: Budget
    burns: tuple[tuple[Tier, Burn], ...]


class Objectives:
    """All objectives of an instance; used in the daemon's loop alone."""

    def __init__(
        self,
        slos: Sequence[Slo],
        targets: Sequence[Target],
        location: str,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._location = location
        self._ledger = ledger
        self._clock = clock
        self._of = {
            slo: tuple(
                target.name for target in targets if slo.match.matches(labels_of(target, location))
            )
            for slo in slos
        }
        names = dict.fromkeys(name for matched in self._of.values() for name in matched)
        self._tallies = Tallies(tuple(names))
        self._waiting = list(names)
        """Targets whose past is not read yet."""
        self._places: dict[str, Place] = {}
        self._grown: set[str] = set()

    def take_over(self, before: "Objectives") -> None:
        """Go on with what another one counted of targets that both have."""
        self._tallies.take_over(before._tallies)
        names = frozenset(self._waiting)
        self._places = {name: at for name, at in before._places.items() if name in names}
        self._waiting = [name for name in self._waiting if name not in self._places]
        self._grown = before._grown & names

    def facts(self, _now: float) -> Iterator[Reading]:
        """Say how fast each budget burns: each target's, and that of an objective's together.

        Of those whose past is not read yet nothing is said.
        """
        wall = self._clock.wall()
        for slo, matched in self._of.items():
            known = [target for target in matched if target in self._places]
            for tier in TIERS:
                fact = BurnRate(slo.name, int(tier.long_s), int(tier.short_s))
                all_long, all_short = Tally(), Tally()
                for first in range(0, len(known), AT_ONCE):
                    some = known[first : first + AT_ONCE]
                    longs = self._tallies.over(some, tier.long_s, wall)
                    shorts = self._tallies.over(some, tier.short_s, wall)
                    for target, long, short in zip(some, longs, shorts, strict=True):
                        yield from _burning(fact, target, Burn(long, short, slo.allowed_ratio))
                    all_long = together((all_long, *longs))
                    all_short = together((all_short, *shorts))
                if len(known) == len(matched):
                    yield from _burning(fact, "", Burn(all_long, all_short, slo.allowed_ratio))

    def budgets(self) -> Iterator[Budget]:
        """Say how each objective stands; those whose past is not read yet are left out."""
        for slo, matched in self._of.items():
            if matched and all(target in self._places for target in matched):
                period = together(self._tallies.over(matched, slo.over_s, self._clock.wall()))
                yield Budget(slo, period, budget_left(period, slo.allowed_ratio))

    def stands(self) -> Iterator[list[Stand]]:
        """Say how each objective stands and burns: of its targets together, then of each alone.

        Some targets in one go; those whose past is not read yet are left out.
        """
        for slo, matched in self._of.items():
            known = [target for target in matched if target in self._places]
            if known and len(known) == len(matched):
                windows = [[together(tallies)] for tallies in self._windows(slo, known)]
                yield list(_stands(slo, ("",), windows))
            for first in range(0, len(known), AT_ONCE):
                some = known[first : first + AT_ONCE]
                yield list(_stands(slo, some, self._windows(slo, some)))

    def _windows(self, slo: Slo, targets: Sequence[str]) -> list[list[Tally]]:
        """Return the targets' tallies of the period, then of each tier's long and short window."""
        wall = self._clock.wall()
        windows_s = (slo.over_s, *(over_s for t in TIERS for over_s in (t.long_s, t.short_s)))
        return [self._tallies.over(targets, over_s, wall) for over_s in windows_s]

    def grown(self, target: str) -> None:
        """Hear that the ledger has got more of a target's past: it is read again."""
        self._grown.add(target)

    def of(self, target: str) -> Iterator[Budget]:
        """Say how each objective stands for one of its targets alone, if its past is read."""
        for slo, matched in self._of.items():
            if target in matched and target in self._places:
                (period,) = self._tallies.over((target,), slo.over_s, self._clock.wall())
                yield Budget(slo, period, budget_left(period, slo.allowed_ratio))

    async def run(self) -> None:
        """Read the past, then count along, for ever."""
        while True:
            try:
                await self.remember()
                await self.count()
            except LedgerError as error:
                log.warning("slo.not_read", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def remember(self) -> None:
        """Read what the ledger knows of targets whose past is not read yet. Raises LedgerError."""
        for target in self._grown & self._places.keys():
            self._tallies.forget(target)
            del self._places[target]
            self._waiting.append(target)
        self._grown.clear()
        for target in self._waiting[:]:
            past = partial(_past, target=target, location=self._location, now=self._clock.wall())
            try:
                found = await self._ledger.read(past, timeout_s=None)
            except HistoryError as error:  # the roll-ups are far behind: it is tried again
                log.warning("slo.not_remembered", target=target, error=str(error))
                continue
            for at, tally in found.hours:
                self._tallies.count_hour(target, at, bad=tally.bad, n=tally.n)
            for at, tally in found.minutes:
                self._tallies.count_minute(target, at, bad=tally.bad, n=tally.n)
            self._places[target] = found.place
            self._waiting.remove(target)

    async def count(self) -> None:
        """Count what was committed since. Raises LedgerError."""
        for kind, select in enumerate((_NEWER, _NEWER_SKIPS)):
            while self._places:
                after = min(place[kind] for place in self._places.values())
                bound = (after, self._location, ROWS)
                rows = await self._ledger.read(partial(_rows, select=select, bound=bound))
                self._take(kind, rows)
                if len(rows) < ROWS:
                    break

    def _take(self, kind: int, rows: Sequence[Row]) -> None:
        for number, target, at, fault in rows:
            place = self._places.get(target)
            if place is not None and number > place[kind]:
                self._tallies.count(target, at, bad=int(fault == Fault.PROVIDER), n=1)
        if rows:
            last = rows[-1][0]
            for target, (results, skips) in self._places.items():
                moved = (max(results, last), skips) if kind == 0 else (results, max(skips, last))
                self._places[target] = moved


def _burning(fact: BurnRate, subject: str, burn: Burn) -> Iterator[Reading]:
    known = burn.known
    if known is not None:
        yield fact, subject, known


def _stands(
    slo: Slo, targets: Sequence[str], windows: Sequence[Sequence[Tally]]
) -> Iterator[Stand]:
    for place, target in enumerate(targets):
        period, *pairs = (tallies[place] for tallies in windows)
        burns = tuple(
            (tier, Burn(long, short, slo.allowed_ratio))
            for tier, long, short in zip(TIERS, pairs[::2], pairs[1::2], strict=True)
        )
        yield Stand(target, Budget(slo, period, budget_left(period, slo.allowed_ratio)), burns)


def _rows(
    connection: sqlite3.Connection, select: str, bound: tuple[int, str, int]
) -> Sequence[Row]:
    return connection.execute(select, bound).fetchall()


def _past(connection: sqlite3.Connection, target: str, location: str, now: float) -> Remembered:
    """Read one target's hours and minutes, what is in no roll-up yet among them."""
    results, skips = connection.execute(_PLACES).fetchone()
    asked = partial(points_of, connection, target=target, location=location)

    def newest(buckets: int, step_s: int) -> tuple[tuple[float, Tally], ...]:
        since = int(now) - buckets * step_s
        points = asked(since=since, until=int(now) + step_s, step_s=step_s)
        return tuple((float(point.at), _tally(point.bucket)) for point in points)

    return Remembered((results, skips), newest(HOURS, HOUR_S), newest(MINUTES, MINUTE_S))


def _tally(bucket: Bucket) -> Tally:
    bad = bucket.count(Fault.PROVIDER)
    return Tally(bad, bad + bucket.count(Fault.NONE))
