"""What a target's past was, whichever store is asked.

The stores give buckets and failures, and the statistics are ours, for the same question must not
have two answers: InfluxQL's percentile() takes another rank than ours (the nearest one, which in
small groups is the maximum:
https://docs.influxdata.com/influxdb/v1/query_language/functions/#percentile) and knows neither too
few samples nor lower bounds. What counts where is as in `aggregator.rollup.bucket`.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Protocol

from aggregator.rollup.bucket import Bucket, Point
from aggregator.summary import Summary
from probes.result import Fault

MOST_RESULTS: Final = 100_000
"""Results one question may look at: a day of a target probed every second. Those that are rolled up
are not looked at."""
EVIDENCE: Final = 5
"""Request ids an event names, the newest: enough for a vendor to find it."""
STEPS_S: Final = (60, 300, 900, 3_600, 21_600, 86_400)
"""Steps a chart may have: a reader can name each of them."""
MOST_STEPS: Final = 96
"""Of a day, quarters of an hour: about as many as a person looks through."""


class HistoryError(Exception):
    """The past could not be told. The text is for people and holds no secret."""


@dataclass(frozen=True, slots=True)
class Uptime:
    """How much of a stretch of time a target answered in. Ratios are None without a result."""

    n: int
    """Slots with an outcome: measured ones, and those refused that count as failures."""
    missed: int | None
    """Slots that should have had one and have none; None where the store is not told, or was not
    all of that time."""
    ratio: float | None
    """Part of the outcomes that are ok, 0..1, whosever fault the others are."""
    provider_ratio: float | None
    """Part that the provider did not fail, of those that were ok or its fault: what went wrong on
    the way there says nothing about it."""

    @property
    def due(self) -> int | None:
        """Slots that should have had an outcome."""
        return None if self.missed is None else self.n + self.missed


class Outcome(NamedTuple):
    """How one first attempt ended."""

    at: float
    """Wall time when it was sent, seconds since the epoch."""
    fault: Fault
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures in a row that are one party's fault. Times are wall times, in seconds."""

    fault: Fault
    since: float
    """When the first of them was sent."""
    until: float | None
    """When the next result was sent that was not one; None: none was until the question's end."""
    n: int
    request_ids: tuple[str, ...] = ()
    """The newest that are known, EVIDENCE of them, the oldest first."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """Answers changed: another value stood where one was known."""

    at: float
    kind: str
    """A `probes.drift.DriftKind`, or a newer version's."""
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Events:
    """What happened in a stretch of time, the oldest first."""

    troubles: list[Trouble]
    drifts: list[Drifted]
    """Empty where the store is not told of any."""


class History(Protocol):
    """A store that remembers results.

    Times are seconds since the epoch. Everything raises HistoryError, also when there are more than
    MOST_RESULTS results to look at.
    """

    knows_skips: ClassVar[bool]
    """Whether the store is told of slots without a probe."""

    async def range(self, target: str, since: int, until: int, step_s: int) -> list[Point]:
        """Return what happened from `since` until before `until`, step by step.

        Steps are whole multiples of `step_s`, itself whole minutes (else ValueError), since the
        epoch; both ends are widened to such. A step without anything has no point.
        """
        ...

    async def events(self, target: str, since: int, until: int) -> Events:
        """Return troubles and drifts between `since` and `until`, as results that are kept tell.

        A trouble that began earlier begins with the first result in that time.
        """
        ...

    async def percentiles(self, target: str, since: int, until: int) -> Summary:
        """Describe all of it as one window; both ends are widened to steps of `step_for`."""
        return (await self._whole(target, since, until)).summary

    async def uptime(self, target: str, since: int, until: int) -> Uptime:
        """Return how much of the time it answered; ends as in `percentiles`."""
        return uptime((await self._whole(target, since, until)).summary, missed=self.knows_skips)

    async def _whole(self, target: str, since: int, until: int) -> Point:
        step_s = step_for(since, until)
        found = await self.range(target, since, until, step_s)
        return whole(found, *whole_steps(since, until, step_s))


def step_for(since: int, until: int) -> int:
    """Return the finest step of which at most MOST_STEPS, or days, cover that time."""
    fitting = (step_s for step_s in STEPS_S if until - since <= MOST_STEPS * step_s)
    return next(fitting, STEPS_S[-1])


def whole_steps(since: int, until: int, step_s: int) -> tuple[int, int]:
    """Widen both ends to whole steps; raises ValueError for steps that are not whole minutes."""
    if step_s <= 0 or step_s % 60:
        raise ValueError(f"a step of {step_s} s: steps are whole minutes")
    return since // step_s * step_s, -(-until // step_s) * step_s


def whole(found: Iterable[Point], since: int, until: int) -> Point:
    """Take steps together as one stretch of time, which is at least a second long."""
    together = Bucket()
    for point in found:
        together.merge(point.bucket)
    return Point(since, max(until - since, 1), together)


def uptime(summary: Summary, *, missed: bool) -> Uptime:
    """Read how much of the time a target answered; `missed`: whether missed slots are known."""
    ok, provider = summary.count(Fault.NONE), summary.count(Fault.PROVIDER)
    return Uptime(
        n=summary.n,
        missed=summary.missed if missed else None,
        ratio=ok / summary.n if summary.n else None,
        provider_ratio=ok / (ok + provider) if ok + provider else None,
    )


def troubles(outcomes: Iterable[Outcome]) -> Iterator[Trouble]:
    """Yield the runs of failures by fault among outcomes in the order of their times.

    Raises HistoryError when there are too many outcomes.
    """
    fault, since, n = Fault.NONE, 0.0, 0
    ids: deque[str] = deque(maxlen=EVIDENCE)
    for number, outcome in enumerate(outcomes, 1):
        refuse_beyond(number)
        if outcome.fault is not fault:
            if fault is not Fault.NONE:
                yield Trouble(fault, since, outcome.at, n, tuple(ids))
            fault, since, n = outcome.fault, outcome.at, 0
            ids.clear()
        n += 1
        if outcome.request_id:
            ids.append(outcome.request_id)
    if fault is not Fault.NONE:
        yield Trouble(fault, since, None, n, tuple(ids))


def refuse_beyond(number: int) -> None:
    """Raise HistoryError for more results than one question may look at."""
    if number > MOST_RESULTS:
        raise HistoryError(f"more than {MOST_RESULTS} results in that time: ask for less of it")
