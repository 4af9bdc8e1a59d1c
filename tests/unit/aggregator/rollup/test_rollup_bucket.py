"""What a bucket counts, and how it is written."""

import math

import pytest

from aggregator.rollup.bucket import (
    COST_UNIT_USD,
    DEFLATED,
    DEFLATED_FROM_BYTES,
    FAULT_CODES,
    PLAIN,
    SKIP_CODES,
    VERDICT_CODES,
    Attempt,
    Bucket,
    Figure,
    Sum,
)
from probes.result import Failing, Fault, SkipReason, Verdict

NONE = (None, None, None, None)
OVERLOADED = Failing(Verdict.OVERLOADED, Fault.PROVIDER)


def attempt(
    verdict: Verdict = Verdict.OK,
    fault: Fault = Fault.NONE,
    figures: tuple[float | None, ...] = (1.5, 0.25, 0.02, 50.0),
    cost_usd: float | None = 0.0001,
    *,
    first: bool = True,
    tainted: bool = False,
) -> Attempt:
    return Attempt(first, verdict, fault, tainted, figures, (21, 40, None), cost_usd)


def bucket(*attempts: Attempt) -> Bucket:
    made = Bucket()
    for each in attempts:
        made.add(each)
    return made


def test_every_word_has_a_place() -> None:
    """A new verdict, fault or reason has to be given its place at the end, once."""
    assert sorted(VERDICT_CODES) == sorted(Verdict)
    assert sorted(FAULT_CODES) == sorted(Fault)
    assert sorted(SKIP_CODES) == sorted(SkipReason)


def test_places_are_what_is_on_the_disk() -> None:
    """Places never change: these bytes are in files."""
    timeout = attempt(Verdict.TIMEOUT, Fault.NETWORK, (30.0, None, None, None), None)
    made = bucket(attempt(), timeout)
    made.skip(SkipReason.BREAKER, OVERLOADED)
    assert made.pack().hex() == (
        "01"  # version
        "03 003c49 010101"  # ok, timeout by the network, overloaded: once each
        "20 01"  # a slot skipped for an open breaker
        "8701 2a 50 c0843d 01"  # tokens in and out, cost, refused
        "0f"  # all four figures
        "05 e0c65b a0c0cb0d a0c0cb0d 80c8fe95f792cd01 a0c0cb0d 02 c905 9501 01 01"
        "02 90a10f 02 c09a0c 02 a0c21e"  # alone: a sample and nothing else
    ).replace(" ", "")


def test_a_bucket_is_a_summary_of_its_stretch() -> None:
    """Counts, rates, figures, tokens and money come out as windows have them."""
    failed = attempt(Verdict.SERVER_ERROR, Fault.PROVIDER, NONE, None)
    made = bucket(attempt(), attempt(tainted=True, figures=NONE), failed)
    said = made.summary(60.0)
    assert (said.n, said.failures, said.tainted, said.rate_per_min) == (3, 1, 1, 3.0)
    assert said.by_verdict == {Verdict.OK: 2, Verdict.SERVER_ERROR: 1}
    assert said.cost_usd == pytest.approx(0.0002)
    assert said.latency is not None
    assert (said.latency.n, said.latency.mean) == (1, pytest.approx(1.5))
    assert said.inter_token is not None
    assert said.inter_token.mean == pytest.approx(0.02)
    assert said.tokens_per_s is not None
    assert said.tokens_per_s.mean == pytest.approx(50.0)
    assert made.sums[Sum.OUTPUT_TOKENS] == 120
    assert made.attempts == 3


def test_an_empty_bucket_knows_nothing() -> None:
    """Without results every statistic is None, the rate and the cost too."""
    said = Bucket().summary(60.0)
    assert (said.n, said.error_rate, said.latency) == (0, None, None)
    assert (said.rate_per_min, said.cost_usd) == (None, None)


def test_confirming_attempts_and_our_own_faults_are_in_no_rate() -> None:
    """They are counted apart; their tokens and their money were spent all the same."""
    ours = attempt(Verdict.MONITOR_ERROR, Fault.MONITOR, NONE)
    made = bucket(attempt(first=False, figures=NONE), ours)
    said = made.summary(60.0)
    assert (said.n, said.missed, made.attempts) == (0, 1, 2)
    assert said.cost_usd == pytest.approx(0.0002)
    assert (made.sums[Sum.CONFIRMING], made.sums[Sum.SPOILED]) == (1, 1)


@pytest.mark.parametrize(
    ("reason", "failing", "n", "missed"),
    [
        (SkipReason.LATE, None, 0, 1),
        (SkipReason.BUDGET, None, 0, 0),
        (SkipReason.BREAKER, OVERLOADED, 1, 0),
        (SkipReason.THROTTLED_BY_US, OVERLOADED, 1, 0),
    ],
)
def test_skipped_slots_count_as_in_windows(
    reason: SkipReason, failing: Failing | None, n: int, missed: int
) -> None:
    """A slot is missed, a failure, or was never due; it is no attempt, and its reason is kept."""
    made = Bucket()
    made.skip(reason, failing)
    assert (made.summary(60.0).n, made.missed, made.attempts) == (n, missed, 0)
    assert made.skips == {reason: 1}


def test_a_timeout_is_a_lower_bound() -> None:
    """Its latency is its deadline, and marked."""
    latency = bucket(
        attempt(Verdict.TIMEOUT, Fault.PROVIDER, (30.0, None, None, None))
    ).distribution(Figure.LATENCY)
    assert latency is not None
    assert latency.censored_from == pytest.approx(30.0)


@pytest.mark.parametrize("figure", [math.nan, math.inf, -1.0, 2e12])
def test_figures_that_cannot_be_are_counted_and_left_out(figure: float) -> None:
    """The result counts by its verdict; the figure is in nothing."""
    made = bucket(attempt(figures=(figure, None, None, None), cost_usd=figure))
    assert made.sums[Sum.IMPLAUSIBLE] == 2
    assert (made.summary(60.0).n, made.figures, made.cost_usd) == (1, {}, None)


def test_a_cost_of_nothing_is_known() -> None:
    """Free is not unknown."""
    assert bucket(attempt(cost_usd=0.0)).cost_usd == 0.0
    assert Bucket.unpack(bucket(attempt(cost_usd=0.0)).pack()).cost_usd == 0.0


def test_small_prices_are_whole_numbers() -> None:
    """A price of four decimals for a million tokens adds up without rounding."""
    made = bucket(*[attempt(cost_usd=0.0375e-6)] * 1000)
    assert made.sums[Sum.COST] == 1000 * round(0.0375e-6 / COST_UNIT_USD) == 375_000


def many() -> Bucket:
    made = bucket(*[attempt(figures=(0.1 * n, 0.01 * n, 1e-3 * n, n)) for n in range(1, 200)])
    for reason in SkipReason:
        made.skip(reason)
    return made


@pytest.mark.parametrize("made", [Bucket(), bucket(attempt()), many()])
def test_a_bucket_comes_back_as_it_was(made: Bucket) -> None:
    """Packing loses nothing, deflated or not."""
    assert Bucket.unpack(made.pack()) == made


def test_only_what_is_large_is_deflated() -> None:
    """A minute is written plainly, an hour deflated, and the first byte says which."""
    small, large = bucket(attempt()).pack(), many().pack()
    assert (small[0], len(small) < DEFLATED_FROM_BYTES) == (PLAIN, True)
    assert large[0] == DEFLATED


def test_a_minute_with_one_streamed_answer_takes_thirty_bytes() -> None:
    """The size on which the size of the history rests."""
    assert len(bucket(attempt()).pack()) <= 30


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x01",
        b"\x03\x00\x00\x00\x00",
        b"\x02not deflated",
        b"\x01\x01\xff\x01\x01\x00\x00\x00",
        b"\x01\x00\x80\x01\x01\x00\x00",
        b"\x01\x00\x00\x00\x00\x00",
    ],
)
def test_what_cannot_be_read_is_refused(packed: bytes) -> None:
    """Cut short, of another version, with unknown words or with more behind it: a ValueError."""
    with pytest.raises(ValueError, match=r"a bucket|unknown"):
        Bucket.unpack(packed)
