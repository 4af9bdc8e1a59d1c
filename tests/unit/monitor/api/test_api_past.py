"""Hours and days of a target, as they are counted along."""

from aggregator.rollup.bucket import Attempt, Bucket, Point
from monitor.api.past import DAY_S, HOUR_S, NONE, UNKNOWN, Past
from probes.result import Failing, Fault, SkipReason, Verdict

HOUR = 500_000
NOW = HOUR * HOUR_S + 1_800.0


def bucket(*latencies_s: float, first_s: float | None = None) -> Bucket:
    """Return a bucket of good answers that took so long."""
    made = Bucket()
    for latency_s in latencies_s:
        figures = (latency_s, first_s, None, None)
        nothing = (None, None, None)
        made.add(Attempt(True, Verdict.OK, Fault.NONE, False, figures, nothing, None))
    return made


def test_nothing_known_is_empty_steps() -> None:
    """24 hours and 30 days, the newest being the one that goes on."""
    past = Past()
    day, month = past.day(NOW), past.month(NOW)
    assert day.counts == (NONE,) * 24
    assert day.quantiles == (UNKNOWN,) * 24
    assert day.since == (HOUR - 23) * HOUR_S
    assert month.counts == (NONE,) * 30
    assert month.since == (int(NOW // DAY_S) - 29) * DAY_S


def test_what_a_step_says() -> None:
    """Outcomes by whose fault, refused slots among them, and slots without a result."""
    made = bucket(1.0, 1.0, 1.0, 1.0, 1.0, first_s=0.5)
    nothing = (None, None, None)
    for verdict, fault in ((Verdict.SERVER_ERROR, Fault.PROVIDER), (Verdict.AUTH, Fault.ACCOUNT)):
        made.add(Attempt(True, verdict, fault, False, (None,) * 4, nothing, None))
    made.skip(SkipReason.BREAKER, Failing(Verdict.OVERLOADED, Fault.PROVIDER))
    made.skip(SkipReason.LATE)
    made.skip(SkipReason.BUDGET)
    past = Past([Point(HOUR * HOUR_S, HOUR_S, made)], [Point(int(NOW // DAY_S) * DAY_S, 1, made)])
    assert past.day(NOW).counts[-1] == past.month(NOW).counts[-1] == (8, 2, 1, 1)
    assert past.day(NOW).quantiles[-1] == (1.0, 1.0, 0.5)


def test_minutes_add_to_their_hour_and_day() -> None:
    """With their figures in the newest two hours, and as numbers alone in older ones."""
    hours = [Point((HOUR - back) * HOUR_S, HOUR_S, bucket(1.0)) for back in (0, 5)]
    past = Past(reversed(hours), ())
    minute = HOUR * 60
    past.add({minute: bucket(*(9.0,) * 9), minute - 60: bucket(*(3.0,) * 6)})
    past.add({minute - 300: bucket(*(9.0,) * 9), minute - 120: bucket(2.0)})
    counts, quantiles = past.day(NOW).counts, past.day(NOW).quantiles
    assert [each[0] for each in counts[18:]] == [10, 0, 0, 1, 6, 10]
    assert quantiles[18] == quantiles[21] == UNKNOWN
    p50_s = [each[0] for each in quantiles[22:]]
    assert [round(each or 0.0) for each in p50_s] == [3, 9]
    assert past.month(NOW).counts[-1][0] + past.month(NOW).counts[-2][0] == 25


def test_hours_close_when_newer_ones_come() -> None:
    """What comes for a closed hour counts, and its figures stay what they were."""
    past = Past()
    for hour in range(HOUR - 4, HOUR + 1):
        past.add({hour * 60: bucket(*(1.0,) * 5)})
    past.add({(HOUR - 3) * 60: bucket(*(9.0,) * 50), (HOUR - 1) * 60: bucket(*(9.0,) * 50)})
    day = past.day(NOW)
    assert [each[0] for each in day.counts[19:]] == [5, 55, 5, 55, 5]
    assert day.quantiles[20][0] == 1.0
    assert round(day.quantiles[22][0] or 0.0) == 9


def test_what_is_shown_no_more_is_forgotten() -> None:
    """So a year of hours is no more memory than a day of them."""
    past = Past()
    for hour in range(HOUR - 2_000, HOUR + 1):
        past.add({hour * 60: bucket(1.0)})
        past.forget(hour * HOUR_S)
    before = past.day(NOW), past.month(NOW)
    past.forget(NOW)
    assert (past.day(NOW), past.month(NOW)) == before
    assert sum(each[0] for each in before[1].counts) > 29 * 24
    later = NOW + 100 * DAY_S
    past.forget(later)
    assert past.day(NOW).counts == (NONE,) * 24
    assert past.month(NOW).counts == (NONE,) * 30
