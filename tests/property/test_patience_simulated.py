"""Patience against a provider whose limit the test draws, with headers: no 429 is ever met."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.kindness.patience import Patience
from monitor.schedule import Grid
from probes.result import Fault, RateLimit, Verdict
from tests.unit.monitor.kindness.attempts import found, target

WINDOW_S = 600.0


intervals = st.lists(st.sampled_from((5.0, 15.0, 60.0, 120.0)), min_size=1, max_size=4)


@given(st.integers(1, 60), intervals)
def test_the_first_429_is_never_met(limit: int, intervals: list[float]) -> None:
    """Whatever the limit and the targets of a model."""
    lived(limit, intervals, models=1)


@given(st.integers(40, 90), intervals)
def test_models_that_share_a_bucket_find_out_in_time(limit: int, intervals: list[float]) -> None:
    """Each sees that little is left before the other has used it: one request too many at most."""
    lived(limit, intervals, models=2, beyond=1)


def lived(limit: int, intervals: list[float], *, models: int, beyond: int = 0) -> None:
    """Live through three windows of a limiter without more than `beyond` requests it refuses.

    Of what a window grants at least a third is used, where more than that was wanted.
    """
    targets = [
        target(f"t{number}", interval_s=interval_s, model=f"m{number % models}")
        for number, interval_s in enumerate(intervals)
    ]
    patience = Patience(targets)
    slots = sorted(
        (grid.slot(number).at, index)
        for index, grid in enumerate(Grid.of(each.name, each.interval_s) for each in targets)
        for number in range(1, int(3 * WINDOW_S / targets[index].interval_s))
    )
    used = [0, 0, 0, 0]
    for at, index in slots:
        if patience.refuses(targets[index], at):
            continue
        window = int(at // WINDOW_S)
        used[window] += 1
        assert used[window] <= limit + beyond
        left = max(0, limit - used[window])
        bucket = RateLimit("requests", limit, left, WINDOW_S - at % WINDOW_S)
        answer = found(targets[index], Verdict.OK, Fault.NONE, rate_limits=(bucket,), total_s=0.0)
        patience.learn(targets[index], answer, at)
    wanted = sum(WINDOW_S / interval_s for interval_s in intervals)
    assert used[1] >= min(limit, int(wanted) - len(targets)) / 3
