"""Hours and days of a target: counted along, they are what they are when read at once."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from aggregator.rollup.bucket import Attempt, Bucket, Point
from monitor.api.past import DAY_S, HOUR_S, Past
from probes.result import Failing, Fault, SkipReason, Verdict

DAY = 20_000
NOW = (DAY + 1) * float(DAY_S) - 1.0
KINDS = (
    (Verdict.OK, Fault.NONE),
    (Verdict.TIMEOUT, Fault.PROVIDER),
    (Verdict.RESET, Fault.NETWORK),
    (Verdict.MONITOR_ERROR, Fault.MONITOR),
)
HAPPENED = st.tuples(
    st.integers(min_value=DAY * 1_440 - 31 * 1_440, max_value=DAY * 1_440 + 1_439),
    st.sampled_from((*KINDS, SkipReason.LATE, SkipReason.BUDGET, SkipReason.BREAKER)),
    st.floats(min_value=0.001, max_value=60.0),
)
Happened = tuple[int, SkipReason | tuple[Verdict, Fault], float]


def minutes(happened: list[Happened]) -> dict[int, Bucket]:
    """Return what happened by minutes."""
    made: defaultdict[int, Bucket] = defaultdict(Bucket)
    for minute, what, latency_s in happened:
        if isinstance(what, SkipReason):
            refused = Failing(Verdict.OVERLOADED, Fault.PROVIDER)
            made[minute].skip(what, refused if what is SkipReason.BREAKER else None)
        else:
            figures = (latency_s, None, None, None)
            nothing = (None, None, None)
            made[minute].add(Attempt(True, *what, False, figures, nothing, None))
    return made


def read(happened: list[Happened]) -> Past:
    """Return the past as roll-ups of all of it tell it."""
    steps: dict[int, defaultdict[int, Bucket]] = {
        step_s: defaultdict(Bucket) for step_s in (HOUR_S, DAY_S)
    }
    for minute, bucket in minutes(happened).items():
        for step_s, found in steps.items():
            found[minute * 60 // step_s * step_s].merge(bucket)
    hours, days = (
        [Point(at, step_s, bucket) for at, bucket in found.items()]
        for step_s, found in steps.items()
    )
    return Past(hours, days)


@given(st.lists(HAPPENED, max_size=60), st.integers(min_value=0, max_value=60))
def test_counted_along_is_as_read_at_once(happened: list[Happened], known: int) -> None:
    """Every count, whatever the order; and the figures of what came in the order of its hours."""
    past = read(happened[:known])
    for each in happened[known:]:
        past.add(minutes([each]))
        past.forget(NOW)
    whole = read(happened)
    assert past.day(NOW).counts == whole.day(NOW).counts
    assert past.month(NOW) == whole.month(NOW)
    ordered = sorted(happened, key=lambda each: each[0])
    later = read(ordered[:known])
    for each in ordered[known:]:
        later.add(minutes([each]))
    assert later.day(NOW) == whole.day(NOW)
