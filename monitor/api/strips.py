"""What the overview shows of the past: read in the background, kept in memory, ready to be sent.

Roll-ups of this location are read target by target, and all anew once an hour has been folded, so
that what was imported, rebuilt or came late is in it. In between, what was committed is counted
along, each row once, by its number. Whichever store `store.history` names, the ledger has these:
one that begins anew beside an InfluxDB is filled from it.
"""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.rollup.bucket import Bucket
from aggregator.rollup.folding import ATTEMPTS, SKIPS, Minutes, attempt, skip
from aggregator.rollup.roller import GRACE_S
from aggregator.rollup.table import points
from monitor.api.models.targets import Spark, Strip
from monitor.api.past import DAY_S, DAYS, HOUR_S, HOURS, Past, Steps
from monitor.clock import Clock
from monitor.config.values import Config

EVERY_S: Final = 60.0
FOLDED_S: Final = GRACE_S + 120.0
"""So long after its end an hour has been folded: the roller's grace, and two of its turns."""
TARGETS_A_READ: Final = 4
"""Some 20 ms of the reader's thread, for which silences may have to wait."""
PAUSE_S: Final = 0.03
"""Between two reads: probes go first."""
ROWS: Final = 5_000
"""Rows counted along in one read, some 50 ms."""
DRAWN_TOGETHER: Final = 10
"""Targets made ready to be sent in one turn of the loop, some milliseconds."""

_NEWER: Final = "id > ? AND location = ? ORDER BY id LIMIT ?"

_KINDS: Final[Sequence[tuple[Callable[..., bool], str]]] = ((attempt, ATTEMPTS), (skip, SKIPS))

Place = tuple[int, int]
"""The newest result and the newest skip that are counted."""

log = structlog.get_logger("sonde.strips")


@dataclass(slots=True)
class Known:
    """What is known of one target."""

    past: Past
    place: Place
    changed: bool = True
    """Whether it is to be drawn anew."""
    drawn: bytes = b""


class Strips:
    """The last 24 hours and 30 days of every target; used in the daemon's loop alone."""

    def __init__(self, config: Config, ledger: Ledger, clock: Clock) -> None:
        self._names = tuple(target.name for target in config.targets)
        self._location = config.location
        self._ledger = ledger
        self._clock = clock
        self.known: dict[str, Known] = {}
        """By target; without those whose past is not read yet."""
        self.folded = -1
        """The newest hour that was folded when everything was read."""
        self._waiting: list[str] = []
        self._drawn_hour = -1
        self._nothing = b""

    def take_over(self, before: "Strips") -> None:
        """Go on with what an earlier life has read, which reads no more; new targets wait."""
        self.folded = before.folded
        self.known = {name: before.known[name] for name in self._names if name in before.known}
        self._waiting = [name for name in self._names if name not in self.known]

    def of(self, target: str) -> bytes:
        """Return a target's strips as members of a JSON object: `"day":…,"month":…,"spark":…`.

        Empty steps of one whose past is not read yet.
        """
        known = self.known.get(target)
        drawn = self._nothing if known is None else known.drawn
        return drawn or _drawn(Past(), self._clock.wall())

    async def run(self) -> None:
        """Read the past, then count along, for ever."""
        while True:
            try:
                await self.refresh()
            except LedgerError as error:
                log.warning("strips.not_read", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def refresh(self) -> None:
        """Take in what is new. Raises LedgerError; what was read until then stays."""
        folded = int((self._clock.wall() - FOLDED_S) // HOUR_S)
        if folded != self.folded:
            self.folded, self._waiting = folded, list(self._names)
        while self._waiting:
            await self._read(self._waiting[:TARGETS_A_READ])
            del self._waiting[:TARGETS_A_READ]
            await self._draw()
            await asyncio.sleep(PAUSE_S)
        await self._follow()
        await self._draw()

    async def _read(self, names: Sequence[str]) -> None:
        work = partial(_remembered, names=names, location=self._location, now=self._clock.wall())
        self.known.update(await self._ledger.read(work))

    async def _follow(self) -> None:
        """Count what was committed since."""
        more = bool(self.known)
        while more:
            places = {name: known.place for name, known in self.known.items()}
            work = partial(_newer, places=places, location=self._location)
            minutes, behind, more = await self._ledger.read(work)
            for name, known in self.known.items():
                results, skips = known.place
                known.place = max(results, behind[0]), max(skips, behind[1])
                if name in minutes:
                    known.past.add(minutes[name])
                    known.changed = True

    async def _draw(self) -> None:
        """Make ready what changed; everything, when another hour has begun."""
        wall = self._clock.wall()
        hour = int(wall // HOUR_S)
        anew = hour != self._drawn_hour
        if anew:
            self._drawn_hour, self._nothing = hour, _drawn(Past(), wall)
        changed = [known for known in self.known.values() if anew or known.changed]
        for number, known in enumerate(changed, start=1):
            known.past.forget(wall)
            known.drawn, known.changed = _drawn(known.past, wall), False
            if number % DRAWN_TOGETHER == 0:
                await asyncio.sleep(0)


def _drawn(past: Past, wall: float) -> bytes:
    day, month = past.day(wall), past.month(wall)
    p50_s, p95_s, first_token_p50_s = map(list, zip(*day.quantiles, strict=True))
    spark = Spark(
        since=day.since,
        step_s=day.step_s,
        p50_s=p50_s,
        p95_s=p95_s,
        first_token_p50_s=first_token_p50_s,
    )
    parts = (("day", _strip(day)), ("month", _strip(month)), ("spark", spark))
    return ",".join(f'"{name}":{part.model_dump_json()}' for name, part in parts).encode()


def _strip(steps: Steps) -> Strip:
    n, provider, other, missed = map(list, zip(*steps.counts, strict=True))
    return Strip(
        since=steps.since, step_s=steps.step_s, n=n, provider=provider, other=other, missed=missed
    )


def _remembered(
    connection: sqlite3.Connection, names: Sequence[str], location: str, now: float
) -> Mapping[str, Known]:
    """Return what roll-ups know of these targets, and up to which rows; in the reader's thread.

    A target with a roll-up that this version cannot read is left out.
    """
    results, skips = connection.execute("SELECT results, skips FROM rollup_cursor").fetchone()
    until = now // HOUR_S * HOUR_S + HOUR_S
    today = now // DAY_S * DAY_S
    found = {}
    for name in names:
        asked = partial(points, connection, name, until=until, location=location)
        try:
            hours = asked(since=until - HOURS * HOUR_S, step_s=HOUR_S)
            days = asked(since=today - (DAYS - 1) * DAY_S, step_s=DAY_S, figures=False)
        except ValueError as error:
            log.warning("strips.unreadable", target=name, error=str(error))
            continue
        found[name] = Known(Past(hours, days), (results, skips))
    return found


def _newer(
    connection: sqlite3.Connection, places: Mapping[str, Place], location: str
) -> tuple[Mapping[str, Mapping[int, Bucket]], Place, bool]:
    """Return what was committed behind each target's place, by minutes; up to which rows; if more.

    In the reader's thread.
    """
    minutes: Minutes = defaultdict(Bucket)
    behind, more = [], False
    for kind, (take, select) in enumerate(_KINDS):
        after = min(place[kind] for place in places.values())
        rows = connection.execute(select.format(_NEWER), (after, location, ROWS)).fetchall()
        for row in rows:
            place = places.get(row[1])
            if place is not None and row[0] > place[kind]:
                take(minutes, *row)
        behind.append(rows[-1][0] if rows else after)
        more = more or len(rows) == ROWS
    found: defaultdict[str, dict[int, Bucket]] = defaultdict(dict)
    for (name, _, number), bucket in minutes.items():
        found[name][number] = bucket
    return found, (behind[0], behind[1]), more
