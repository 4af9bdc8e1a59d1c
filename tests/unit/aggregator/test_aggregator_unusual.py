"""Whether a window is unusual, when a target is, and how it is explained."""

import math
from random import Random

import pytest

from aggregator.baseline import WEEK_H, Learning, Usual
from aggregator.unusual import Finding, Hour, Statistic, Watch, noise

FRIDAY_14H = 20_000 * 24 + 14
"""Day 0 of the epoch was a Thursday, and 20,000 days are 2,857 weeks and a day."""
P50 = Statistic(0.5)


def watched(
    statistic: Statistic, scatter: float = 0.2, hourly: float = 0.03
) -> tuple[Watch, float]:
    """Return a watch that knows two weeks around 1.0, and the time they were over."""
    random = Random(1)
    watch = Watch(statistic)
    watch.learn(
        Hour(passed, math.exp(random.gauss(0.0, hourly)), 60, scatter)
        for passed in range(24, 24 + 2 * WEEK_H)
    )
    return watch, (24 + 2 * WEEK_H) * 3600.0


def said(watch: Watch, at: float, *values: float, n: int = 60) -> list[bool | None]:
    """Return what is said of windows five minutes apart."""
    return [watch.judge(at + 300 * k, value, n).unusual for k, value in enumerate(values, 1)]


def test_three_of_four_windows_are_unusual() -> None:
    """One or two odd windows are nothing; the third of four is, until most are usual again."""
    watch, at = watched(P50)
    found = said(watch, at, 3.0, 1.0, 3.0, 3.0, 1.0, 1.0)
    assert found == [False, False, False, True, False, False]


def test_better_than_usual_is_not_unusual() -> None:
    """Latency that falls wakes nobody; throughput that rises neither, but one that falls."""
    fast, at = watched(P50)
    assert said(fast, at, *[0.2] * 4)[-1] is False
    tokens, _ = watched(Statistic(0.5, more_is_worse=False))
    assert said(tokens, at, *[5.0] * 4)[-1] is False
    assert said(tokens, at + 3600, *[0.2] * 4)[-1] is True


def test_a_little_is_not_unusual_however_sure() -> None:
    """Less than a fifth worse is no anomaly, be the target ever so steady."""
    watch, at = watched(P50, scatter=0.0)
    found = watch.judge(at + 300, 1.18, 60)
    assert isinstance(found.usual, Usual)
    assert found.usual.deviation(1.18) > P50.spreads
    assert said(watch, at + 300, *[1.18] * 4)[-1] is False


def test_a_tail_needs_more_than_a_median() -> None:
    """The same excess is unusual for a median and not for a 95th percentile."""
    tail = Statistic(0.95)
    median, at = watched(P50, scatter=0.0, hourly=0.1)
    upper, _ = watched(tail, scatter=0.0, hourly=0.1)
    usual = median.judge(at, 1.0, 60).usual
    assert isinstance(usual, Usual)
    value = usual.between((P50.spreads + tail.spreads) / 2)[1]
    assert said(median, at, *[value] * 4)[-1] is True
    assert said(upper, at, *[value] * 4)[-1] is False


def test_few_samples_scatter_more() -> None:
    """What is unusual of an hour's samples need not be of twelve, more so in the tail."""
    watch, at = watched(P50)
    tail, _ = watched(Statistic(0.95))
    spreads = []
    for each, n in ((watch, 60), (watch, 12), (tail, 12)):
        usual = each.judge(at, 1.0, n).usual
        assert isinstance(usual, Usual)
        spreads.append(usual.spread)
    assert spreads == sorted(spreads)
    assert spreads[0] < spreads[1] < spreads[2]


def test_while_learning_nothing_is_said() -> None:
    """None is not False: a rule leaves its alert as it stands."""
    watch = Watch(P50)
    watch.learn([Hour(24, 1.0, 60, None)])
    found = watch.judge(26 * 3600, 50.0, 60)
    assert found.unusual is None
    assert found.explained("s") == "learning: 0 of 7 days"


def test_an_hour_without_a_positive_value_teaches_nothing() -> None:
    """The logarithm of nothing is no figure."""
    watch, at = watched(P50)
    before = watch.judge(at, 1.0, 60).usual
    watch.learn([Hour(int(at // 3600), 0.0, 60, None)])
    assert watch.judge(at, 1.0, 60).usual == before


def test_it_is_explained_with_its_hour_and_range() -> None:
    """A person reads what it is, when that is usual, and from where to where."""
    spread = math.log(3.1 / 1.9) / 2 / 4.5
    usual = Usual(math.sqrt(1.9 * 3.1), spread)
    found = Finding(8.2, FRIDAY_14H, usual, 4.5, unusual=True)
    assert found.explained("s") == "8.2 s; usual for Fri 14h UTC: 1.9-3.1 s"
    assert (
        Finding(1.0, FRIDAY_14H, Learning(70), 4.5, None).explained("s") == "learning: 2 of 7 days"
    )


def test_noise_is_read_from_two_percentiles() -> None:
    """The 95th percentile lies 1.645 deviations up; without both nothing is known."""
    assert noise(1.0, math.exp(0.1645)) == pytest.approx(0.1)
    assert noise(None, 1.0) is None
    assert noise(1.0, None) is None
    assert noise(0.0, 1.0) is None
