"""Series of probes with labelled incidents, for judging whoever says that something is unusual.

A series is what one target's probes found in eight weeks. Its usual latency has hours, weekends,
holidays and a slow drift; around it lies noise that remembers (AR(1), log-normal) and has a heavy
tail (Pareto). Probes are missing, their rate changes, and models are swapped for slower or faster
ones. A detector is tuned on `DEVELOPMENT` seeds alone; `HELD_OUT` is for what is published.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final

DEVELOPMENT: Final = tuple(range(1_000, 1_016))
HELD_OUT: Final = tuple(range(7_000, 7_024))
"""Never to be looked at while something is chosen."""

HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S
LASTS_S: Final = 8 * WEEK_S
START: Final = 1_767_571_200
"""Monday, 5 January 2026, 00:00 UTC."""
QUIET_S: Final = 2 * WEEK_S
"""Nothing is labelled in this time after the start: whoever learns may learn in it."""
ACCEPTED_AFTER_S: Final = 3 * DAY_S
"""A lasting change may be called unusual for so long: then it is usual."""


class Kind(StrEnum):
    """What happens to a target."""

    SLIGHT = "latency x1.3, 3 h"
    DOUBLE = "latency x2, 2 h"
    FOURFOLD = "latency x4, 1 h"
    SHORT = "latency x4, 15 min"
    RAMP = "latency rising to x3 in 6 h"
    TAIL = "1 of 5 answers x6, 3 h"
    FIRST_TOKEN = "first token alone x3, 2 h"
    ERRORS = "1 of 4 probes fails, 2 h"
    LONG = "latency x2, 30 h"


LASTING_S: Final = MappingProxyType(
    {
        Kind.SLIGHT: 3 * HOUR_S,
        Kind.DOUBLE: 2 * HOUR_S,
        Kind.FOURFOLD: HOUR_S,
        Kind.SHORT: HOUR_S / 4,
        Kind.RAMP: 6 * HOUR_S,
        Kind.TAIL: 3 * HOUR_S,
        Kind.FIRST_TOKEN: 2 * HOUR_S,
        Kind.ERRORS: 2 * HOUR_S,
        Kind.LONG: 30 * HOUR_S,
    }
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe found; None where there was no answer to time."""

    at: float
    latency_s: float | None
    first_token_s: float | None


@dataclass(frozen=True, slots=True)
class Incident:
    """What should be found, from `since` until before `until`."""

    kind: Kind
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class World:
    """What is usual for a target; ratios are parts of its latency."""

    base_s: float
    first_token_ratio: float
    interval_s: float
    day_ratio: float
    """How much slower the busiest hour is than the quietest."""
    peak_hour: float
    weekend_ratio: float
    drift_per_week: float
    memory: float
    """How much of the slow noise is left after ten minutes."""
    slow_noise: float
    """Standard deviations, of the logarithm."""
    fast_noise: float
    spikes: float
    """How many answers are of the tail."""
    tail: float
    """Its Pareto exponent: below 2 it has no variance."""
    failures: float
    """How many probes fail on an ordinary day."""
    holidays: frozenset[int]
    """Days since the start that are as Sundays are."""
    swaps: tuple[tuple[float, float], ...]
    """Models swapped: since when, and how many times as slow as the one before."""
    slower_rate: tuple[float, float]
    """Between these times probes come five times as seldom."""
    gaps: tuple[tuple[float, float], ...]
    """When nothing was probed."""

    def usual_s(self, at: float) -> float:
        """Return the latency that is usual at a time, without any noise."""
        day, within = divmod(at - START, DAY_S)
        swing = math.cos(math.tau * (within / DAY_S - self.peak_hour / 24)) / 2 + 0.5
        rest = int(day) % 7 >= 5 or int(day) in self.holidays
        swapped = math.prod(ratio for since, ratio in self.swaps if at >= since)
        drifted = math.exp(self.drift_per_week * (at - START) / WEEK_S)
        busy = 1 + self.day_ratio * swing * (self.weekend_ratio if rest else 1)
        return self.base_s * busy * swapped * drifted


@dataclass(frozen=True, slots=True)
class Series:
    """What one target's probes found, and what was wrong when."""

    seed: int
    world: World
    probes: tuple[Probe, ...]
    incidents: tuple[Incident, ...]

    def excused(self, at: float) -> bool:
        """Say whether an alarm at that time is of a model's swap: neither found nor false."""
        return any(since <= at < since + ACCEPTED_AFTER_S for since, _ in self.world.swaps)


def series(seed: int) -> Series:
    """Make the series of a seed, always the same one."""
    random = Random(seed)
    world = _world(random)
    incidents = tuple(_incidents(random, world))
    return Series(seed, world, tuple(_probes(random, world, incidents)), incidents)


def _world(random: Random) -> World:
    def some_time() -> float:
        return START + random.uniform(QUIET_S, LASTS_S - WEEK_S)

    swap, slower, gap, long_gap = some_time(), some_time(), some_time(), some_time()
    return World(
        base_s=random.choice((0.4, 0.9, 2.0, 6.0)),
        first_token_ratio=random.uniform(0.2, 0.6),
        interval_s=random.choice((60.0, 60.0, 300.0)),
        day_ratio=random.uniform(0.0, 0.8),
        peak_hour=random.uniform(12, 20),
        weekend_ratio=random.uniform(0.1, 1.0),
        drift_per_week=random.uniform(-0.04, 0.04),
        memory=random.uniform(0.6, 0.97),
        slow_noise=random.uniform(0.03, 0.15),
        fast_noise=random.uniform(0.08, 0.3),
        spikes=random.uniform(0.002, 0.03),
        tail=random.uniform(1.2, 2.5),
        failures=random.choice((0.0, 0.002, 0.01)),
        holidays=frozenset(random.sample(range(14, 56), 2)),
        swaps=((swap, random.choice((0.6, 1.5, 2.0))),) if random.random() < 0.5 else (),
        slower_rate=(slower, slower + 2 * DAY_S) if random.random() < 0.3 else (0.0, 0.0),
        gaps=((gap, gap + 5 * HOUR_S), (long_gap, long_gap + 2 * DAY_S)),
    )


def _incidents(random: Random, world: World) -> Iterator[Incident]:
    """Yield incidents with a day and more between them, where there are probes that could tell."""
    at = START + QUIET_S + random.uniform(0.0, DAY_S)
    while True:
        kind = random.choice(tuple(Kind))
        until = at + LASTING_S[kind]
        if until > START + LASTS_S:
            return
        if not any(_meet(at, until, *busy) for busy in _elsewhere(world)):
            yield Incident(kind, at, until)
        at = until + random.uniform(1.0, 3.0) * DAY_S


def _elsewhere(world: World) -> Iterator[tuple[float, float]]:
    yield from world.gaps
    yield from ((since, since + ACCEPTED_AFTER_S) for since, _ in world.swaps)


def _meet(since: float, until: float, other_since: float, other_until: float) -> bool:
    return since < other_until and other_since < until


def _probes(random: Random, world: World, incidents: tuple[Incident, ...]) -> Iterator[Probe]:
    at, slow = START + random.uniform(0.0, world.interval_s), 0.0
    ahead = list(reversed(incidents))
    while at < START + LASTS_S:
        slower = world.slower_rate[0] <= at < world.slower_rate[1]
        step_s = world.interval_s * (5 if slower else 1)
        kept = world.memory ** (step_s / 600.0)
        slow = kept * slow + math.sqrt(1 - kept * kept) * random.gauss(0.0, world.slow_noise)
        if ahead and at >= ahead[-1].until:
            ahead.pop()
        current = ahead[-1] if ahead and at >= ahead[-1].since else None
        found = _probe(random, world, at, slow, current)  # a gap moves no later draw
        if not any(since <= at < until for since, until in world.gaps):
            yield found
        at += step_s


def _probe(
    random: Random, world: World, at: float, slow: float, incident: Incident | None
) -> Probe:
    spike = random.paretovariate(world.tail) if random.random() < world.spikes else 1.0
    fast = random.gauss(0.0, world.fast_noise)
    split = math.exp(random.gauss(0.0, world.fast_noise / 2))
    failed, struck = random.random(), random.random()
    latency_s = world.usual_s(at) * math.exp(slow + fast) * min(spike, 30.0)
    first_token_s = min(latency_s * world.first_token_ratio * split, latency_s)
    kind = incident.kind if incident else None
    if failed < (0.25 if kind is Kind.ERRORS else world.failures):
        return Probe(at, None, None)
    if incident is None or kind is Kind.ERRORS:
        return Probe(at, latency_s, first_token_s)
    if kind is Kind.FIRST_TOKEN:  # what came later comes as much later as before
        return Probe(at, latency_s + 2 * first_token_s, 3 * first_token_s)
    ratio = _ratio(incident, at, struck)
    return Probe(at, latency_s * ratio, first_token_s * ratio)


def _ratio(incident: Incident, at: float, struck: float) -> float:
    """Return how many times as slow an answer is; `struck` is drawn evenly from 0 to 1."""
    match incident.kind:
        case Kind.SLIGHT:
            return 1.3
        case Kind.DOUBLE | Kind.LONG:
            return 2.0
        case Kind.FOURFOLD | Kind.SHORT:
            return 4.0
        case Kind.RAMP:
            return 1.0 + 2.0 * (at - incident.since) / (incident.until - incident.since)
        case Kind.TAIL:
            return 6.0 if struck < 0.2 else 1.0
        case _:
            return 1.0
