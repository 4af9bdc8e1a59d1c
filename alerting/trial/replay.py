"""All rules over all targets' pasts: what changed when, in the order of time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from alerting.alert import Transition
from alerting.rule import Rule
from alerting.series import Series, series_of
from alerting.trial.beats import Beats
from alerting.trial.history import History
from alerting.trial.leap import transitions
from probes.target import Target


def series_about(
    rules: Iterable[Rule], targets: Sequence[Target], location: str, chosen: frozenset[str]
) -> list[Series]:
    """Return the series of these rules, fresh, that speak of a chosen target among others."""
    return [
        series
        for rule in rules
        for series in series_of(rule, targets, location)
        if chosen.intersection(series.view.targets)
    ]


def looked_at(series: Iterable[Series]) -> frozenset[str]:
    """Return the names of all targets whose past these series look at."""
    found: set[str] = set()
    for each in series:
        if each.sources.windowed:
            for view in (each.view, *each.others.values()):
                found.update(view.targets)
    return frozenset(found)


def replay(
    series: Iterable[Series],
    histories: Mapping[str, History],
    beats: Beats,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Transition]:
    """Return every transition of these series, which must be fresh; `progress` hears of each."""
    found: list[Transition] = []
    for done, each in enumerate(series, start=1):
        found += transitions(each, histories, beats)
        progress(done)
    return sorted(found, key=attrgetter("now"))
