"""How alarms are counted against labels: found, late, false, and neither."""

from dataclasses import replace
from functools import cache
from statistics import median

from aggregator.unusual import EVERY_S, LEAST_SAMPLES, WINDOWS_S, Hour
from benchmarks.anomaly.corpus import DEVELOPMENT, START, Incident, Kind, Series, series
from benchmarks.anomaly.finders import Fixed, LastHour, Sonde
from benchmarks.anomaly.judging import AFTERMATH_S, MONTH_S, Score, alarms, figures, score

made = cache(series)
shown = cache(figures)
SEED = DEVELOPMENT[0]
AT = START + 30 * 86_400.0


def labelled(since: float, lasts_s: float) -> Series:
    """Return a series with one incident and no swapped model."""
    of = made(SEED)
    incident = Incident(Kind.DOUBLE, since, since + lasts_s)
    return replace(of, incidents=(incident,), world=replace(of.world, swaps=()))


def test_the_first_alarm_within_an_incident_is_its_delay() -> None:
    """What was said before it is no merit, and what is said later no second find."""
    of = labelled(AT, 7_200)
    found = score(of, {AT - 300: False, AT + 600: True, AT + 900: True})
    assert found.delays_s == {Kind.DOUBLE: [600.0]}
    assert found.false == 0


def test_an_incident_nobody_told_is_missed() -> None:
    """It counts among all, without a delay."""
    assert score(labelled(AT, 7_200), {AT + 600: False}).delays_s == {Kind.DOUBLE: [None]}


def test_alarms_elsewhere_are_false_once_an_hour() -> None:
    """A row of them is one; the aftermath of an incident is neither."""
    of = labelled(AT, 3_600)
    early, late = AT - 86_400, AT + 86_400
    said = {early: True, early + 300: True, late: True, AT + 3_600 + AFTERMATH_S - 1: True}
    found = score(of, said)
    assert found.false == 2
    assert found.watched_s == 3 * EVERY_S


def test_scores_add_up() -> None:
    """Two series of half a month each, one false alarm each: two a month."""
    total = Score()
    for delay in (60.0, None):
        total.add(Score({Kind.RAMP: [delay]}, false=1, watched_s=MONTH_S / 2))
    assert total.delays_s == {Kind.RAMP: [60.0, None]}
    assert total.false_a_month == 2.0


def test_an_hour_is_told_once_it_is_over() -> None:
    """No finder hears of the hour it is asked about."""

    class Listening:
        def __init__(self) -> None:
            self.newest = 0

        def learn(self, hour: Hour) -> None:
            self.newest = hour.number

        def unusual(self, at: float, _value: float, _n: int) -> bool:
            return (self.newest + 1) * 3_600 > at

    assert not any(alarms(shown(made(SEED))["latency.p50"], Listening()).values())


def test_windows_are_of_the_last_quarter_of_an_hour() -> None:
    """At a probe a minute fifteen are enough; after a gap, and for few probes, an hour is taken."""
    of = shown(made(SEED))["latency.p50"]
    assert made(SEED).world.interval_s == 60
    sizes = [window.n for window in of.windows]
    assert median(sizes) == WINDOWS_S[0] / 60
    assert LEAST_SAMPLES <= max(sizes) <= 60


def test_nobody_judges_in_the_first_week() -> None:
    """All three say nothing before, and something after."""
    of = shown(made(SEED))["latency.p50"]
    for finder in (Sonde(0.5), Fixed(2.0), LastHour(3.0)):
        said = alarms(of, finder)
        assert min(said) >= START + 7 * 86_400 - 3_600
        assert max(said) > START + 50 * 86_400
