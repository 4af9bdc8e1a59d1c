"""The table of `python -m benchmarks anomaly`."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from types import MappingProxyType
from typing import Final

from benchmarks.anomaly.corpus import HELD_OUT, Kind, series
from benchmarks.anomaly.finders import Finder, Fixed, LastHour, Make, Sonde
from benchmarks.anomaly.judging import STATISTICS, Score, alarms, figures, score
from benchmarks.report import Report, drawn

WORKERS: Final = 2

EVERYTHING: Final = "all three"


def finder(name: str, q: float) -> Finder:
    """Make a finder by its column's name."""
    return _MAKE[name](q)


def _sonde(q: float) -> Finder:
    return Sonde(q)


_MAKE: Final[Mapping[str, Make]] = MappingProxyType(
    {
        "Sonde": _sonde,
        "x2 of the first week": lambda _q: Fixed(2.0),
        "z > 3 of the last hour": lambda _q: LastHour(3.0),
    }
)

Scores = dict[tuple[str, str], Score]
"""By finder and statistic."""


def scores(seed: int) -> Scores:
    """Judge every finder on one series."""
    made = series(seed)
    shown = figures(made)
    found: Scores = {}
    for name in _MAKE:
        together: dict[float, bool] = {}
        for statistic, of in shown.items():
            said = alarms(of, finder(name, of.q))
            found[name, statistic] = score(made, said)
            for at, unusual in said.items():
                together[at] = unusual or together.get(at, False)
        found[name, EVERYTHING] = score(made, together)
    return found


def totals(seeds: Sequence[int]) -> Scores:
    """Judge every finder on all series of these seeds."""
    summed: Scores = {}
    with ProcessPoolExecutor(WORKERS) as pool:
        for found in pool.map(scores, seeds):
            for key, each in found.items():
                summed.setdefault(key, Score()).add(each)
    return summed


def report(seeds: Sequence[int] = HELD_OUT) -> Report:
    """Measure on the held-out series; the columns are finders with the statistics they look at."""
    summed = totals(seeds)
    columns = [("Sonde", name) for name, _ in STATISTICS]
    columns += [(name, EVERYTHING) for name in _MAKE]
    rows = [
        ["false alarms a target and month"]
        + [f"{summed[column].false_a_month:.2f}" for column in columns]
    ]
    rows += [[str(kind), *(_told(summed[column], kind) for column in columns)] for kind in Kind]
    months = summed["Sonde", EVERYTHING].watched_s / (30 * 86_400)
    title = f"incidents found, and median delay; {months:.0f} months of {len(seeds)} targets"
    headings = ["incident:", *(f"{name}, {of}" for name, of in columns)]
    return Report((drawn(title, headings, rows),))


def _told(of: Score, kind: Kind) -> str:
    delays = of.delays_s.get(kind, [])
    found = [delay for delay in delays if delay is not None]
    if not found:
        return f"0 of {len(delays)}"
    return f"{len(found)} of {len(delays)}, {median(found) / 60:.0f} min"
