"""What is unusual for each target, for the rules that ask: `latency.p95 is anomalous`.

Hours teach it, from roll-ups: at the start those of the last four weeks, then each when it is over.
Windows are judged every five minutes. Nobody's rule asks for a figure: nothing is kept of it.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

import structlog

from aggregator.baseline import WEEK_H, WEEKS
from aggregator.ledger import Ledger, LedgerError
from aggregator.rollup.bucket import Figure, Point
from aggregator.rollup.table import points
from aggregator.summary import Distribution, Summary
from aggregator.unusual import (
    EVERY_S,
    LEAST_SAMPLES,
    WINDOWS_S,
    Finding,
    Hour,
    Statistic,
    Watch,
    noise,
)
from aggregator.window import Windows
from alerting.metric import Anomalous, Measure, Percentile
from alerting.rule import Rule
from monitor.clock import Clock
from monitor.facts import Reading
from probes.target import Target

HOUR_S: Final = 3600
ROLLED_UP_S: Final = 180.0
"""So long after an hour's end its last results are in the roll-ups."""
PAUSE_S: Final = 0.02
"""Between two targets' hours: reading four weeks of one takes longer, and probes go first."""
FIGURES: Final = MappingProxyType(
    {
        Measure.LATENCY: Figure.LATENCY,
        Measure.FIRST_TOKEN: Figure.FIRST_TOKEN,
        Measure.INTER_TOKEN: Figure.INTER_TOKEN,
        Measure.TOKENS_PER_S: Figure.TOKENS_PER_S,
    }
)

log = structlog.get_logger("sonde.anomaly")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule asks to be watched."""

    fact: Anomalous
    measure: Measure
    statistic: Statistic


def asked_for(rules: Iterable[Rule]) -> Iterator[Asked]:
    """Yield what rules ask to be watched, be it to end an alert alone (`clear`)."""
    facts = dict.fromkeys(fact for rule in rules for fact in rule.sources.facts)
    for fact in facts:
        if isinstance(fact, Anomalous) and isinstance(fact.of.statistic, Percentile):
            worse = fact.of.measure is not Measure.TOKENS_PER_S
            yield Asked(fact, fact.of.measure, Statistic(fact.of.statistic.q, more_is_worse=worse))


class Anomalies:
    """A watch for each target and figure asked for; used in the daemon's loop alone."""

    def __init__(
        self,
        rules: Iterable[Rule],
        targets: Sequence[Target],
        location: str,
        ledger: Ledger,
        windows: Windows,
        longest_s: float,
        clock: Clock,
    ) -> None:
        """`longest_s` is how far back the windows reach."""
        self._location = location
        self._ledger = ledger
        self._windows = windows
        self._windows_s = tuple(min(over_s, longest_s) for over_s in WINDOWS_S)
        self._clock = clock
        self._asked = tuple(asked_for(rules))
        self._watches = {
            (target.name, asked): Watch(asked.statistic)
            for target in targets
            for asked in self._asked
        }
        self._learnt = {target: 0 for target, _ in self._watches}
        """By target: the hour to go on with."""
        self._grown: set[str] = set()
        self.findings: dict[tuple[Anomalous, str], Finding] = {}
        """The newest of each, for whoever explains it."""

    def take_over(self, before: "Anomalies") -> None:
        """Go on with what another one learnt; who is asked for something new is learnt anew."""
        for target in self._learnt:
            keys = [key for key in self._watches if key[0] == target]
            if keys and all(key in before._watches for key in keys):
                self._watches.update({key: before._watches[key] for key in keys})
                self._learnt[target] = before._learnt[target]
        self._grown = before._grown & self._learnt.keys()
        known = {(asked.fact, target) for target, asked in self._watches}
        self.findings.update({k: found for k, found in before.findings.items() if k in known})

    @property
    def any(self) -> bool:
        """Whether a rule asks for anything."""
        return bool(self._watches)

    def facts(self, _now: float) -> Iterator[Reading]:
        """Say of whom what is unusual; nothing of those that are still learnt."""
        for (fact, target), finding in self.findings.items():
            if finding.unusual is not None:
                yield fact, target, float(finding.unusual)

    def grown(self, target: str) -> None:
        """Hear that the ledger has got more of a target's past: it is learnt anew."""
        self._grown.add(target)

    async def run(self) -> None:
        """Learn and judge, for ever."""
        while True:
            try:
                await self.learn()
            except LedgerError as error:
                log.warning("anomaly.not_learnt", error=str(error))
            await self.judge()
            await asyncio.sleep(EVERY_S)

    async def learn(self) -> None:
        """Take in the hours that are over since the last time. Raises LedgerError."""
        for target, asked in self._watches:
            if target in self._grown:
                self._watches[target, asked] = Watch(asked.statistic)
                self._learnt[target] = 0
        self._grown.clear()
        behind = int((self._clock.wall() - ROLLED_UP_S) // HOUR_S)
        for target, since in self._learnt.items():
            first = max(since, behind - WEEKS * WEEK_H)
            if first >= behind:
                continue
            work = partial(_hours, target, self._location, first, behind, self._asked)
            found = await self._ledger.read(work, timeout_s=None)
            for asked, hours in found.items():
                self._watches[target, asked].learn(hours)
            self._learnt[target] = behind
            await asyncio.sleep(PAUSE_S)

    async def judge(self) -> None:
        """Judge each target's newest window."""
        now, wall = self._clock.steady(), self._clock.wall()
        for (target, asked), watch in self._watches.items():
            figure = self._figure(asked, target, now)
            if figure is None:
                self.findings.pop((asked.fact, target), None)
            else:
                self.findings[asked.fact, target] = watch.judge(wall, *figure)
            await asyncio.sleep(0)

    def _figure(self, asked: Asked, target: str, now: float) -> tuple[float, int] | None:
        """Return the figure of the shortest window with enough samples, and their number."""
        for over_s in self._windows_s:
            found = _distribution(self._windows.summary((target,), over_s, now), asked.measure)
            if found is not None and found.n >= LEAST_SAMPLES:
                value = found.quantile(asked.statistic.q)
                return None if value is None else (value, found.n)
        return None


def _distribution(summary: Summary, measure: Measure) -> Distribution | None:
    match measure:
        case Measure.LATENCY:
            return summary.latency
        case Measure.FIRST_TOKEN:
            return summary.first_token
        case Measure.INTER_TOKEN:
            return summary.inter_token
        case Measure.TOKENS_PER_S:
            return summary.tokens_per_s


def _hours(
    target: str,
    location: str,
    first: int,
    behind: int,
    asked: Sequence[Asked],
    connection: sqlite3.Connection,
) -> dict[Asked, list[Hour]]:
    """Read hours from the roll-ups, each bucket once; runs in the ledger's thread."""
    found = points(connection, target, first * HOUR_S, behind * HOUR_S, HOUR_S, location)
    return {each: list(_of_hours(found, each)) for each in asked}


def _of_hours(found: Iterable[Point], asked: Asked) -> Iterator[Hour]:
    for point in found:
        distribution = point.bucket.distribution(FIGURES[asked.measure])
        value = None if distribution is None else distribution.quantile(asked.statistic.q)
        if distribution is not None and value is not None:
            spread = noise(distribution.quantile(0.5), distribution.quantile(0.95))
            yield Hour(point.at // HOUR_S, value, distribution.n, spread)
