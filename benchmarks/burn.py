"""Pages of burn rates, by ways of reading few probes: false ones, and how late the true ones are.

Probes fail by themselves with the ratio that the objective just allows, alone or in bursts; then an
outage begins, of which so many probes fail. Rules are the two that page, looked at once a minute.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Final

from aggregator.slo import Tallies
from alerting.burn import TIERS, Burn, Slo
from benchmarks.report import Report, drawn

SEED: Final = 20_260_105
DAY_S: Final = 86_400
HEALTHY_DAYS: Final = 90
OUTAGES: Final = 20
WARM_S: Final = DAY_S
OBJECTIVE: Final = 0.995
INTERVALS_S: Final = (60, 300)
FAILING: Final = (1.0, 0.5, 0.2)
BURST: Final = 3
"""Failures that come by themselves come so many at a time in the column of bursts."""
APART_S: Final = 3_600
SHORTEST_S: Final = 1_800
"""The longer of the two short windows."""
SLO: Final = Slo("burning", OBJECTIVE)

Way = Callable[[Burn, float], bool]
"""Says whether a burn rate is above a threshold."""


def _plainly(burn: Burn, times: float) -> bool:
    return (burn.rate or 0.0) > times


def _three(burn: Burn, times: float) -> bool:
    return burn.long.bad >= 3 and _plainly(burn, times)


def _surely(burn: Burn, times: float) -> bool:
    return (burn.sure_rate or 0.0) > times


def _surely_twice(burn: Burn, times: float) -> bool:
    return _surely(burn, times) and burn.short.at_least() / burn.allowed_ratio > times


WAYS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "ratios alone": _plainly,
        "3 failures": _three,
        "sure of the long window": _surely,
        "sure of both": _surely_twice,
    }
)


def pages(failed: Iterator[bool], interval_s: int, way: Way) -> Iterator[int]:
    """Yield the minutes' ends, in seconds, at which one of the paging rules holds."""
    tallies, at, newest = Tallies(["t"]), 0, -DAY_S
    for bad in failed:
        tallies.count("t", at, bad=int(bad), n=1)
        newest = at if bad else newest
        # No short window without a failure burns: most minutes need no look.
        if at - newest <= SHORTEST_S and any(_holds(tallies, at, way)):
            yield at
        at += interval_s


def _holds(tallies: Tallies, now: int, way: Way) -> Iterator[bool]:
    for tier in TIERS:
        if tier.pages:
            (long,) = tallies.over(["t"], tier.long_s, now)
            (short,) = tallies.over(["t"], tier.short_s, now)
            yield way(Burn(long, short, SLO.allowed_ratio), tier.times(SLO.over_s))


def healthy(random: Random, probes: int, burst: int) -> Iterator[bool]:
    """Yield failures at the ratio that is allowed, `burst` at a time."""
    left = 0
    for _ in range(probes):
        if left == 0 and random.random() < SLO.allowed_ratio / burst:
            left = burst
        yield left > 0
        left = max(left - 1, 0)


def false_a_month(interval_s: int, burst: int, way: Way) -> float:
    """Return how often a month of a target that just keeps its objective pages."""
    random = Random(SEED)
    found, last = 0, -APART_S
    probes = HEALTHY_DAYS * DAY_S // interval_s
    for at in pages(healthy(random, probes, burst), interval_s, way):
        found += at - last >= APART_S
        last = at
    return found * 30 / HEALTHY_DAYS


def delay_s(interval_s: int, failing: float, way: Way, random: Random) -> float | None:
    """Return how long an outage takes to page, None: not within six hours."""
    before = WARM_S // interval_s
    during = 6 * 3_600 // interval_s

    def probes() -> Iterator[bool]:
        yield from (False for _ in range(before))
        yield from (random.random() < failing for _ in range(during))

    first = next(pages(probes(), interval_s, way), None)
    return None if first is None else first - before * interval_s


def report() -> Report:
    """Simulate, and return the table."""
    rows = []
    for interval_s in INTERVALS_S:
        for name, way in WAYS.items():
            false = [f"{false_a_month(interval_s, burst, way):.2f}" for burst in (1, BURST)]
            delays = [_delays(interval_s, failing, way) for failing in FAILING]
            rows.append([f"{interval_s} s", name, *false, *delays])
    headings = ["every", "way:", "false pages a month", f"in bursts of {BURST}"]
    headings += [f"{failing:.0%} fail: paged after" for failing in FAILING]
    return Report((drawn(f"burn rates that page, objective {OBJECTIVE:.1%}", headings, rows),))


def _delays(interval_s: int, failing: float, way: Way) -> str:
    random = Random(SEED)
    found = [delay_s(interval_s, failing, way, random) for _ in range(OUTAGES)]
    known = [delay for delay in found if delay is not None]
    if not known:
        return f"0 of {OUTAGES}"
    missed = "" if len(known) == OUTAGES else f" ({len(known)} of {OUTAGES})"
    return f"{median(known) / 60:.0f} min{missed}"
