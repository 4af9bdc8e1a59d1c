"""Timeouts count at their deadline: an outage never makes a latency look better."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.summary import QUANTILES, Distribution
from aggregator.window import Windows
from probes.result import ProbeResult
from tests.unit.aggregator.samples import result, timeout

DEADLINE_S = 30.0
latencies = st.lists(st.floats(0.0, DEADLINE_S), min_size=1, max_size=60)


def latency(*came: ProbeResult) -> Distribution:
    """Return the latency of a window with these results."""
    windows = Windows(1000.0)
    for number, one in enumerate(came):
        windows.ingest(one, float(number))
    found = windows.summary(("chat",), 1000.0, float(len(came))).latency
    assert found is not None
    return found


@given(latencies, st.data())
def test_an_answer_lost_to_the_deadline_lowers_nothing(
    values: list[float], data: st.DataObject
) -> None:
    """Were some answers timeouts instead, no quantile, mean or maximum would be lower."""
    lost = data.draw(st.sets(st.integers(0, len(values) - 1)))
    before = latency(*[result(total_s=value) for value in values])
    after = latency(
        *[
            timeout(DEADLINE_S) if number in lost else result(total_s=value)
            for number, value in enumerate(values)
        ]
    )
    assert after.n == before.n
    assert after.max >= before.max
    assert after.mean >= before.mean - 1e-9
    assert all(after.quantiles[q] >= value for q, value in before.quantiles.items())


@given(latencies, st.integers(1, 30))
def test_further_timeouts_lower_nothing(values: list[float], more: int) -> None:
    """Timeouts that come on top raise quantiles or leave them, and never unsay one."""
    answers = [result(total_s=value) for value in values]
    before = latency(*answers)
    after = latency(*answers, *[timeout(DEADLINE_S)] * more)
    assert after.censored_from == DEADLINE_S
    assert all(after.quantiles[q] >= value for q, value in before.quantiles.items())


@given(latencies, st.integers(0, 60))
def test_what_reaches_a_timeout_is_a_lower_bound(values: list[float], timeouts: int) -> None:
    """A quantile is marked as a bound exactly when it is at the deadline and one was cut there."""
    found = latency(*[result(total_s=v / 2) for v in values], *[timeout(DEADLINE_S)] * timeouts)
    for q in QUANTILES:
        value = found.quantile(q)
        if value is not None:
            assert found.lower_bound(value) == (timeouts > 0 and value == DEADLINE_S)
