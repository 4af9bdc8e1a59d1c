"""Series written down, and what is said of mistakes in them."""

import pytest

from monitor.rules_test.notation import MOST, NotationError, Sample, parse_series
from probes.result import Fault, Verdict

OK = Sample(Verdict.OK)


def test_a_series_is_samples_in_their_order() -> None:
    """A verdict, how often, and what is neither a result nor a good sign."""
    assert parse_series("ok x2, timeout, missing, idle x2") == (
        OK,
        OK,
        Sample(Verdict.TIMEOUT),
        Sample(missed=True),
        Sample(),
        Sample(),
    )


def test_a_sample_says_what_was_measured() -> None:
    """In any order behind the latency, each once."""
    (found,) = parse_series("timeout@1m30s cost=0.002 fault=network first_token=200ms tokens=40")
    assert found == Sample(
        verdict=Verdict.TIMEOUT,
        latency_s=90.0,
        first_token_s=0.2,
        tokens=40,
        cost_usd=0.002,
        fault=Fault.NETWORK,
    )


def test_a_latency_grows_from_sample_to_sample() -> None:
    """Both ends are among them; a single sample has the first."""
    assert [each.latency_s for each in parse_series("ok@1s..3s x3")] == [1.0, 2.0, 3.0]
    assert [each.latency_s for each in parse_series("ok@1s..3s")] == [1.0]


def test_brackets_repeat_what_they_hold() -> None:
    """Also within each other."""
    once = (OK, OK, Sample(missed=True))
    assert parse_series("(ok x2, missing) x2") == once * 2
    assert parse_series("((ok) x2, missing)") == once


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "expected one of ok,"),
        ("fine x2", 0, "expected one of ok,"),
        ("ok x2,", 6, "expected one of ok,"),
        ("ok x2; ok", 5, "expected ',' or the end"),
        ("ok x0", 3, "expected x1 to"),
        ("ok@fast", 3, "expected a duration"),
        ("ok@1s..slow x3", 7, "expected a duration"),
        ("ok@ x3", 4, "expected a duration"),
        ("ok@", 3, "expected a value"),
        ("ok speed=3", 3, "expected first_token="),
        ("ok tokens=3 tokens=4", 12, "tokens is said twice"),
        ("ok tokens=-3", 10, "expected a whole number"),
        ("ok cost=1e3", 8, "expected an amount in dollars"),
        ("ok fault=nobody", 9, "expected one of none, provider"),
        ("ok first_token=2", 15, "expected a duration"),
        ("(ok", 3, "expected ',' or ')'"),
        ("((((((((( ok", 8, "nested more than 8 deep"),
        (f"ok x{MOST}, ok", 12, "more than 100,000 samples"),
        ("(ok x1000) x1000", 0, "more than 100,000 samples"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, position: int, says: str) -> None:
    """The character, and what was expected there."""
    with pytest.raises(NotationError) as raised:
        parse_series(text)
    assert says in raised.value.message
    assert raised.value.position == position
