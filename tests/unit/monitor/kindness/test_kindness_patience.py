"""Waiting because we were told to, and stretching before we are."""

import pytest

from monitor.kindness.patience import LONGEST_S, OUTAGE_S, Patience, tokens_at_most
from probes.result import Failing, Fault, RateLimit, Verdict
from probes.target import Target
from tests.unit.monitor.kindness.attempts import found, target, throttled

A, B = target("a"), target("b")


def patience(*targets: Target) -> Patience:
    return Patience(targets or (A, B))


def limit(remaining: int | None, reset_s: float | None, of: int | None = 1000) -> RateLimit:
    return RateLimit("requests", of, remaining, reset_s)


def passed(of: Patience, which: Target, until: float, every_s: float = 60.0) -> list[float]:
    """Return the slots from the first interval on that are let through, before `until`."""
    slots = [every_s * number for number in range(1, int(until / every_s))]
    return [at for at in slots if not of.refuses(which, at)]


def test_retry_after_is_honoured_for_the_whole_key() -> None:
    """Every target of the key waits for as long as the 429 said, and no longer."""
    of = patience()
    of.learn(A, throttled(A, retry_after_s=90.0), 10.0)
    assert of.refuses(A, 99.9)
    assert of.refuses(B, 99.9)
    assert not of.refuses(A, 100.0)


def test_a_429_about_one_model_stops_that_model() -> None:
    """The error's own text names it; the others' limits are others."""
    of = patience()
    of.learn(A, throttled(A, retry_after_s=90.0, detail="limit reached for model-a: 3 RPM"), 0.0)
    assert of.refuses(A, 50.0)
    assert not of.refuses(B, 50.0)
    of.learn(A, throttled(A, retry_after_s=5.0, detail="limit reached for model-a: 3 RPM"), 1.0)
    assert of.refuses(A, 50.0)
    assert not of.refuses(A, 90.0)


def test_nobody_makes_us_blind_for_more_than_an_hour() -> None:
    """A Retry-After of a day is looked at again after an hour."""
    of = patience()
    of.learn(A, throttled(A, retry_after_s=86400.0), 0.0)
    assert of.refuses(A, LONGEST_S - 1)
    assert not of.refuses(A, LONGEST_S)


@pytest.mark.parametrize(("asked_s", "failing"), [(OUTAGE_S, False), (OUTAGE_S + 1, True)])
def test_a_long_wait_is_an_outage(asked_s: float, *, failing: bool) -> None:
    """Its slots count as the 429 that asked for it, until it is over; a short one is a courtesy."""
    of = patience()
    of.learn(A, throttled(A, retry_after_s=asked_s), 0.0)
    of.learn(B, throttled(B, retry_after_s=1.0), 1.0)
    expected = Failing(Verdict.THROTTLED, Fault.PROVIDER) if failing else None
    assert of.failing(B, asked_s - 1.0) == expected
    assert of.failing(A, asked_s) is None


def test_a_long_wait_of_one_model_is_its_own_outage() -> None:
    """The others of the key are as well as they were."""
    of = patience()
    of.learn(A, throttled(A, retry_after_s=3600.0, detail="model-a: 100 requests a day"), 0.0)
    assert of.failing(A, 60.0) is not None
    assert of.failing(B, 60.0) is None


def test_without_retry_after_the_second_429_makes_us_wait() -> None:
    """Two minutes from then; the first may have been another user's burst."""
    of = patience()
    of.learn(A, throttled(A), 0.0)
    assert not of.refuses(A, 0.0)
    of.learn(B, throttled(B), 60.0)
    assert of.refuses(A, 179.9)
    assert not of.refuses(A, 180.0)


def test_an_answer_in_between_forgets_the_first() -> None:
    """Only 429s in a row count; a probe that never got an answer is not one."""
    of = patience()
    of.learn(A, throttled(A), 0.0)
    of.learn(A, found(A), 1.0)  # no answer: no status
    of.learn(A, found(A, status=200), 2.0)
    of.learn(A, throttled(A), 60.0)
    assert not of.refuses(A, 60.0)


def test_a_shorter_wait_does_not_end_a_longer_one() -> None:
    """Two answers of different opinion: the more careful one counts."""
    of = patience()
    of.learn(A, throttled(A, retry_after_s=100.0), 0.0)
    of.learn(B, throttled(B, retry_after_s=1.0), 0.0)
    assert of.refuses(B, 99.0)


@pytest.mark.parametrize(
    "bucket",
    [
        limit(100, 600.0),  # a tenth is left: not near
        limit(99, 600.0),  # near, but it lasts
        limit(None, 600.0),
        limit(0, None),
        limit(0, 0.0),
    ],
)
def test_what_lasts_or_is_not_known_changes_nothing(bucket: RateLimit) -> None:
    """No interval is stretched for a bucket that suffices, or of which too little is said."""
    of = patience()
    of.learn(A, found(A, rate_limits=(bucket,)), 0.0)
    assert len(passed(of, A, 600.0)) == 9


def test_what_is_left_is_spread_evenly_until_the_reset() -> None:
    """Five requests for ten minutes: every other slot, and all of them after the reset."""
    of = patience(A)
    of.learn(A, found(A, rate_limits=(limit(5, 600.0),), total_s=0.0), 0.0)
    assert passed(of, A, 601.0) == [120.0, 240.0, 360.0, 480.0]
    assert not of.refuses(A, 600.0)
    assert not of.refuses(A, 660.0)


def test_a_stretch_by_a_fraction_skips_that_fraction() -> None:
    """Eight requests for ten slots: four of five slots on average, evenly."""
    of = patience(A)
    of.learn(A, found(A, rate_limits=(limit(8, 600.0),), total_s=0.0), 0.0)
    assert passed(of, A, 601.0) == [120.0, 180.0, 240.0, 300.0, 420.0, 480.0, 540.0]


def test_nothing_left_means_nothing_until_the_reset() -> None:
    """The first 429 is not waited for."""
    of = patience(A)
    of.learn(A, found(A, rate_limits=(limit(0, 300.0),)), 0.0)
    assert passed(of, A, 421.0) == [300.0, 360.0]


def test_an_empty_bucket_is_looked_at_within_an_hour() -> None:
    """A reset of a day does not make us blind, and a limit unknown does not matter."""
    of = patience(A)
    of.learn(A, found(A, rate_limits=(limit(0, 86400.0, of=None),), total_s=0.0), 0.0)
    assert passed(of, A, 7300.0) == [3600.0, 7200.0]


def test_tokens_are_counted_in_probes() -> None:
    """What a probe may take at most decides how many are left."""
    of = patience(A)
    each = tokens_at_most(A)
    assert each == len("hi") + A.max_output_tokens
    bucket = RateLimit("tokens", 100_000, 5 * each + 3, 600.0)
    of.learn(A, found(A, rate_limits=(limit(900, 1.0), bucket), total_s=0.0), 0.0)
    assert passed(of, A, 601.0) == [120.0, 240.0, 360.0, 480.0]


def test_models_may_share_what_is_left() -> None:
    """Ten requests for the ten slots of one, when there are two: each takes its share."""
    of = patience()
    for which in (A, B):
        of.learn(which, found(which, rate_limits=(limit(10, 600.0),), total_s=0.0), 0.0)
        assert len(passed(of, which, 601.0)) == 4


def test_a_stretch_ends_when_there_is_room_again() -> None:
    """The newest answer counts: a raised limit, a bucket filled early."""
    of = patience(A)
    of.learn(A, found(A, rate_limits=(limit(5, 600.0),), total_s=0.0), 0.0)
    assert of.refuses(A, 60.0)
    of.learn(A, found(A, rate_limits=(limit(900, 600.0),)), 61.0)
    assert not of.refuses(A, 120.0)


def test_a_new_answer_keeps_the_pace() -> None:
    """Learning again and again that little is left does not begin the wait anew."""
    of = patience(A)
    asked = []
    for slot in range(10):
        now = slot * 60.0
        if not of.refuses(A, now):
            asked.append(now)
            bucket = limit(5 - len(asked), 600.0 - now)
            of.learn(A, found(A, rate_limits=(bucket,), total_s=1.0), now + 1.0)
    assert asked == [0.0, 180.0, 300.0, 480.0]
