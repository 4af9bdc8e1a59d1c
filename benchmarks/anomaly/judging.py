"""Alarms against labels: how many incidents each finder found, how late, and how often it cried."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aggregator.unusual import EVERY_S, LEAST_SAMPLES, WINDOWS_S, Hour, noise
from benchmarks.anomaly.corpus import HOUR_S, LASTS_S, START, Incident, Kind, Probe, Series
from benchmarks.anomaly.finders import Finder

MONTH_S: Final = 30 * 86_400.0
STATISTICS: Final = (("latency.p50", 0.5), ("latency.p95", 0.95), ("first_token.p50", 0.5))
SETTLE_S: Final = 900.0
"""An alarm so long after an incident's end is still one of it: windows look back."""
AFTERMATH_S: Final = 4_500.0
"""And one so long after it is not counted as false."""
APART_S: Final = 3_600.0
"""False alarms closer together than that are one."""


@dataclass(slots=True)
class Score:
    """What came of one finder."""

    delays_s: dict[Kind, list[float | None]] = field(default_factory=dict)
    """By kind, one for each incident; None: not found."""
    false: int = 0
    watched_s: float = 0.0
    """For how long it could have raised a false one."""

    @property
    def false_a_month(self) -> float:
        """False alarms for each target and month."""
        return self.false * MONTH_S / self.watched_s

    def add(self, other: "Score") -> None:
        """Take in another series' score."""
        self.false += other.false
        self.watched_s += other.watched_s
        for kind, delays in other.delays_s.items():
            self.delays_s.setdefault(kind, []).extend(delays)


@dataclass(frozen=True, slots=True)
class Window:
    """One look at one statistic."""

    at: float
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One statistic of one series, as hours and as windows."""

    q: float
    hours: tuple[Hour, ...]
    windows: tuple[Window, ...]


def figures(of: Series) -> dict[str, Figures]:
    """Work out what any finder is shown."""
    shown: dict[str, Figures] = {}
    for name, q in STATISTICS:
        probes = of.probes if name.startswith("latency") else [_as_first(p) for p in of.probes]
        shown[name] = Figures(q, tuple(_hours(probes, q)), tuple(_windows(probes, q)))
    return shown


def _as_first(probe: Probe) -> Probe:
    return Probe(probe.at, probe.first_token_s, None)


def _hours(probes: Sequence[Probe], q: float) -> Iterator[Hour]:
    for end, values in _ending(probes, HOUR_S, HOUR_S):
        value = _quantile(values, q)
        if value is not None:
            spread = noise(_quantile(values, 0.5), _quantile(values, 0.95))
            yield Hour(int(end // HOUR_S) - 1, value, len(values), spread)


def _windows(probes: Sequence[Probe], q: float) -> Iterator[Window]:
    shorter, longer = (_ending(probes, EVERY_S, over_s) for over_s in WINDOWS_S)
    for (at, short), (_, long) in zip(shorter, longer, strict=True):
        values = short if len(short) >= LEAST_SAMPLES else long
        value = _quantile(values, q)
        if value is not None:
            yield Window(at, value, len(values))


def _ending(
    probes: Sequence[Probe], every_s: float, over_s: float
) -> Iterator[tuple[float, list[float]]]:
    """Yield times and the sorted latencies of the windows that end then."""
    first = behind = 0
    for step in range(1, int(LASTS_S // every_s) + 1):
        at = START + step * every_s
        while behind < len(probes) and probes[behind].at < at:
            behind += 1
        while first < behind and probes[first].at < at - over_s:
            first += 1
        within = (probe.latency_s for probe in probes[first:behind])
        yield at, sorted(latency_s for latency_s in within if latency_s is not None)


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    """As summaries have it: five samples at least, the lower neighbour."""
    return ordered[int(q * (len(ordered) - 1))] if len(ordered) >= 5 else None


def alarms(shown: Figures, finder: Finder) -> dict[float, bool]:
    """Run a finder over a series; return what it said when, without what it did not know."""
    said: dict[float, bool] = {}
    hours = list(reversed(shown.hours))
    for window in shown.windows:
        while hours and (hours[-1].number + 1) * HOUR_S < window.at:
            finder.learn(hours.pop())
        answer = finder.unusual(window.at, window.value, window.n)
        if answer is not None:
            said[window.at] = answer
    return said


def score(of: Series, said: dict[float, bool]) -> Score:
    """Compare what was said with what is labelled."""
    found = Score()
    raised = [at for at in sorted(said) if said[at]]
    for incident in of.incidents:
        found.delays_s.setdefault(incident.kind, []).append(_delay(incident, raised))
    last = -math.inf
    for at in raised:
        if not _excused(of, at):
            found.false += at - last > APART_S
            last = at
    found.watched_s = EVERY_S * sum(not _excused(of, at) for at in said)
    return found


def _delay(incident: Incident, raised: Sequence[float]) -> float | None:
    within = (at for at in raised if incident.since <= at < incident.until + SETTLE_S)
    first = next(within, None)
    return None if first is None else first - incident.since


def _excused(of: Series, at: float) -> bool:
    return of.excused(at) or any(
        incident.since <= at < incident.until + AFTERMATH_S for incident in of.incidents
    )
