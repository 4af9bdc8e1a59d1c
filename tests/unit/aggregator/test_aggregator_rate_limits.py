"""What is said of a key's limits, and what is found."""

from typing import Any

import pytest

from aggregator.rate_limits import REMEMBERED_S, STALE_S, KeyLimits, LimitType, kind_of
from probes.result import Fault, ProbeResult, RateLimit, Verdict
from tests.unit.aggregator.samples import result


def granted(**said: Any) -> ProbeResult:  # Any: fields of all types
    return result(**{"status": 200, "total_s": 0.0, **said})


def throttled(**said: Any) -> ProbeResult:  # Any: as above
    refused = {"verdict": Verdict.THROTTLED, "fault": Fault.PROVIDER, "status": 429}
    return granted(**{**refused, **said})


def fed(*attempts: tuple[float, ProbeResult]) -> KeyLimits:
    limits = KeyLimits()
    for at, attempt in attempts:
        limits.learn(attempt, at)
    return limits


def test_headroom_is_that_of_the_tightest_bucket() -> None:
    """Of all buckets of all models, by their newest readings."""
    roomy, tight = RateLimit("requests", 100, 90, 1.0), RateLimit("tokens", 1000, 50, 1.0)
    limits = fed((0.0, granted(rate_limits=(roomy, tight))))
    assert limits.headroom(0.0) == 0.05
    limits.learn(granted(rate_limits=(RateLimit("tokens", 1000, 500, 1.0),)), 1.0)
    assert limits.headroom(1.0) == 0.5
    limits.learn(granted(model="other", rate_limits=(RateLimit("requests", 10, 1, 1.0),)), 2.0)
    assert limits.headroom(2.0) == 0.1


@pytest.mark.parametrize(("limit", "remaining"), [(None, 5), (100, None), (0, 0)])
def test_what_a_header_does_not_say_is_unknown(limit: int | None, remaining: int | None) -> None:
    """Neither empty nor full; other buckets still count."""
    silent = RateLimit("requests", limit, remaining, None)
    assert fed((0.0, granted(rate_limits=(silent,)))).headroom(0.0) is None
    both = granted(rate_limits=(silent, RateLimit("tokens", 10, 4, None)))
    assert fed((0.0, both)).headroom(0.0) == 0.4


def test_more_left_than_there_is_counts_as_all() -> None:
    """A provider that miscounts does not make a ratio above 1."""
    odd = granted(rate_limits=(RateLimit("requests", 10, 50, None),))
    assert fed((0.0, odd)).headroom(0.0) == 1.0


def test_an_old_reading_is_no_reading() -> None:
    """After a quarter of an hour without a word it is unknown."""
    limits = fed((0.0, granted(rate_limits=(RateLimit("requests", 10, 1, 1.0),))))
    assert limits.headroom(STALE_S) == 0.1
    assert limits.headroom(STALE_S + 1) is None


def test_requests_and_tokens_of_the_last_minute() -> None:
    """Every attempt that left us counts for when it was sent, whatever it is called."""
    never_left = result(verdict=Verdict.DNS_ERROR, fault=Fault.PROVIDER, total_s=1.0)
    limits = fed(
        (0.0, granted(input_tokens=1000)),
        (31.0, granted(input_tokens=20, output_tokens=3)),
        (32.0, granted(attempt=2, sent_s=0.1, status=None)),
        (33.0, never_left),
        (90.0, granted(total_s=31.0, output_tokens=7)),
        (90.5, throttled(total_s=0.5)),
    )
    assert limits.requests_per_minute(90.5) == 4  # sent at 31, 32, 59, 90
    assert limits.tokens_per_minute(90.5) == 30
    assert (limits.requests_per_minute(200.0), limits.tokens_per_minute(200.0)) == (0, 0)


def test_the_past_is_forgotten() -> None:
    """A minute's requests are all that is kept, and none at all after a pause."""
    limits = fed(*[(float(at), granted()) for at in range(1000)])
    assert limits.requests_per_minute(999.0) == 60
    limits.learn(granted(total_s=90.0), 2000.0)
    assert limits.requests_per_minute(2000.0) == 0


def test_the_observed_limit_is_what_was_granted_before_429s_began() -> None:
    """In the minute before the first; that others follow it says nothing new."""
    steady = [(float(at), granted()) for at in range(30)]
    limits = fed(*steady, (30.0, throttled()), (31.0, throttled()), (300.0, throttled()))
    assert limits.observed(300.0) == {LimitType.REQUESTS: 30}


def test_the_smallest_of_an_hour_counts() -> None:
    """A full bucket grants more at first; a limit that was raised is believed an hour later."""
    limits = fed(
        *[(float(at), granted()) for at in range(20)],
        (20.0, throttled()),
        *[(100.0 + at, granted()) for at in range(10)],
        (110.0, throttled()),
        *[(200.0 + at, granted()) for at in range(15)],
        (215.0, throttled()),
    )
    assert limits.observed(215.0) == {LimitType.REQUESTS: 10}
    assert limits.observed(110.1 + REMEMBERED_S) == {LimitType.REQUESTS: 15}
    assert limits.observed(300.0 + REMEMBERED_S) == {}


def test_tokens_that_ran_out_are_another_limit() -> None:
    """When the 429 says that requests are left, tokens were what there was too much of."""
    empty = (RateLimit("requests", 60, 40, 1.0), RateLimit("project_tokens", 1000, 3, 1.0))
    limits = fed(
        (0.0, granted(input_tokens=600)), (1.0, granted()), (2.0, throttled(rate_limits=empty))
    )
    assert limits.observed(2.0) == {LimitType.TOKENS: 600}
    both = (RateLimit("requests", 60, 0, 1.0), RateLimit("tokens", 1000, 0, 1.0))
    assert fed((0.0, granted()), (1.0, throttled(rate_limits=both))).observed(1.0) == {
        LimitType.REQUESTS: 1
    }


def test_buckets_are_of_two_kinds() -> None:
    """By name, whatever the dialect."""
    assert [kind_of(name) for name in ("requests", "tokens", "project_tokens")] == [
        LimitType.REQUESTS,
        LimitType.TOKENS,
        LimitType.TOKENS,
    ]


def test_a_promise_kept() -> None:
    """The first request after Retry-After is granted: the ratio is 1, however late it was sent."""
    limits = fed((0.0, throttled(retry_after_s=20.0)))
    assert limits.retry_after_ratio is None
    limits.learn(granted(), 60.0)
    assert limits.retry_after_ratio == 1.0


def test_a_promise_broken() -> None:
    """Refused again after it had waited: the ratio says how long it really took."""
    limits = fed(
        (0.0, throttled(retry_after_s=20.0)),
        (30.0, throttled(retry_after_s=20.0)),
        (50.0, granted()),
    )
    assert limits.retry_after_ratio == 2.5


def test_sooner_than_promised() -> None:
    """Another target did not wait, and was granted: less than 1. Refused before is no breach."""
    limits = fed(
        (0.0, throttled(retry_after_s=20.0)), (5.0, throttled(retry_after_s=9.0)), (10.0, granted())
    )
    assert limits.retry_after_ratio == 0.5


def test_promises_are_for_one_model() -> None:
    """Limits are mostly per model: that another one works says nothing of it."""
    limits = fed((0.0, throttled(retry_after_s=20.0)), (5.0, granted(model="other")))
    assert limits.retry_after_ratio is None


def test_who_was_under_way_tells_nothing() -> None:
    """A request sent before the 429, or one that failed otherwise, ends no wait."""
    limits = fed(
        (10.0, throttled(retry_after_s=20.0)),
        (11.0, granted(total_s=5.0)),
        (40.0, result(verdict=Verdict.TIMEOUT, fault=Fault.PROVIDER, sent_s=0.1, total_s=1.0)),
    )
    assert limits.retry_after_ratio is None


@pytest.mark.parametrize("retry_after_s", [None, 0.0])
def test_no_promise_no_ratio(retry_after_s: float | None) -> None:
    """A 429 that asks for nothing promises nothing."""
    limits = fed((0.0, throttled(retry_after_s=retry_after_s)), (1.0, granted()))
    assert limits.retry_after_ratio is None


def test_the_newest_reading_of_every_bucket_is_told() -> None:
    """By model, with when it was had; an older one of the same bucket is not."""
    old, new = RateLimit("requests", 100, 90, 1.0), RateLimit("requests", 100, 80, 1.0)
    tokens = RateLimit("tokens", 1000, 50, 1.0)
    limits = fed((0.0, granted(rate_limits=(old, tokens))), (1.0, granted(rate_limits=(new,))))
    model = granted().model
    assert set(limits.readings()) == {(model, 1.0, new), (model, 0.0, tokens)}
