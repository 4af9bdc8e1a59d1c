"""What counts in a window, where its edges are, and what is remembered."""

import math
from dataclasses import FrozenInstanceError, replace

import pytest

from aggregator.summary import RECENT_FAULTS
from aggregator.trail import LIMIT
from aggregator.window import KEPT, Windows
from probes.result import Fault, ProbeResult, Verdict
from tests.unit.aggregator.samples import result, stream, timeout

BAD = result(verdict=Verdict.SERVER_ERROR, fault=Fault.PROVIDER, total_s=0.2)
OURS = result(verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR, total_s=0.0)


def windows(*results: ProbeResult, every_s: float = 1.0, longest_s: float = 1000.0) -> Windows:
    """Return windows that got these results at 0, every_s, 2 * every_s and so on."""
    made = Windows(longest_s)
    for number, one in enumerate(results):
        made.ingest(one, number * every_s)
    return made


def test_unknown_target_is_an_empty_window() -> None:
    """Nothing known: no results, every statistic None, never an error."""
    summary = Windows(100.0).summary(("nobody",), 60.0, 5.0)
    assert (summary.n, summary.missed, summary.recent_faults) == (0, 0, ())
    assert summary.latency is None
    assert summary.rate_per_min is None
    assert summary.cost_usd is None


def test_no_targets_are_an_empty_window() -> None:
    """A rule that matches nothing sees nothing."""
    assert windows(result()).summary((), 60.0, 0.0).n == 0


@pytest.mark.parametrize("over_s", [0.0, -1.0, 100.1, math.nan, math.inf])
def test_window_must_fit_what_is_kept(over_s: float) -> None:
    """A window longer than the samples are kept would silently be shorter: it is refused."""
    with pytest.raises(ValueError, match="samples are kept for 100"):
        Windows(100.0).summary(("chat",), over_s, 0.0)


def test_window_excludes_its_beginning_and_includes_its_end() -> None:
    """A window is (now - over, now]: back to back windows count each sample once."""
    kept = windows(*[result()] * 4, every_s=10.0)  # 0, 10, 20, 30
    assert kept.summary(("chat",), 10.0, 20.0).n == 1
    assert kept.summary(("chat",), 10.0, 19.9).n == 1
    assert kept.summary(("chat",), 20.0, 20.0).n == 2
    assert kept.summary(("chat",), 30.0, 30.0).n == 3


def test_samples_after_now_are_not_in_the_window_yet() -> None:
    """Asking for a past moment, then for a later one, sees the later samples only later."""
    kept = windows(result(), BAD)
    early = kept.summary(("chat",), 60.0, 0.5)
    assert early.n == 1
    assert early.recent_faults == (Fault.NONE,)
    assert kept.summary(("chat",), 60.0, 1.0).n == 2


def test_latency_is_of_answers_and_timeouts() -> None:
    """Answers count with their latency, timeouts with their deadline, quick errors not at all."""
    mismatch = result(verdict=Verdict.CONTENT_MISMATCH, fault=Fault.PROVIDER, total_s=2.0)
    summary = windows(result(), mismatch, BAD, timeout(30.0)).summary(("chat",), 60.0, 3.0)
    assert summary.n == 4
    latency = summary.latency
    assert latency is not None
    assert (latency.n, latency.max, latency.mean) == (3, 30.0, 11.0)
    assert latency.censored_from == 30.0


def test_failures_alone_have_no_latency() -> None:
    """A window of nothing but quick errors has an error rate and no latency."""
    summary = windows(BAD, BAD).summary(("chat",), 60.0, 1.0)
    assert summary.latency is None
    assert summary.error_rate == 1.0


def test_failures_of_one_target_do_not_shift_the_timeouts_of_another() -> None:
    """Taken together, a sample stays censored or not whatever its neighbours lack."""
    kept = Windows(100.0)
    kept.ingest(replace(BAD, target="failing"), 0.0)
    kept.ingest(timeout(30.0, target="slow"), 0.0)
    kept.ingest(result(target="well"), 0.0)
    latency = kept.summary(("failing", "slow", "well"), 60.0, 0.0).latency
    assert latency is not None
    assert (latency.n, latency.max, latency.censored_from) == (2, 30.0, 30.0)


def test_streams_have_token_times() -> None:
    """Token statistics are of complete, untainted streams; latency ends at the last token.

    That of a tainted stream ends with the stream: its tokens share a stamp.
    """
    good = stream(0.5, 2.5, 5, cost_usd=0.001)
    tainted = replace(good, first_token_s=0.1, stream_tainted=True)
    cut = replace(good, first_token_s=0.2, verdict=Verdict.TRUNCATED, fault=Fault.PROVIDER)
    summary = windows(good, tainted, cut).summary(("chat",), 60.0, 2.0)
    assert summary.first_token is not None
    assert summary.inter_token is not None
    assert summary.tokens_per_s is not None
    assert summary.latency is not None
    assert (summary.first_token.n, summary.first_token.max) == (1, 0.5)
    assert (summary.inter_token.n, summary.inter_token.max) == (1, 0.5)
    assert (summary.tokens_per_s.n, summary.tokens_per_s.max) == (1, 2.5)
    assert (summary.latency.n, summary.latency.max) == (2, 3.0)


def test_unknown_cost_is_not_free() -> None:
    """The cost of a window is the sum of what is known, and None when nothing is."""
    assert windows(result()).summary(("chat",), 60.0, 0.0).cost_usd is None
    priced = windows(result(), result(cost_usd=0.25), BAD, result(cost_usd=0.5))
    assert priced.summary(("chat",), 60.0, 3.0).cost_usd == 0.75


def test_our_own_failures_are_missed_slots() -> None:
    """Fault monitor is in no rate and in no run: the slot counts as missed."""
    summary = windows(BAD, OURS, BAD).summary(("chat",), 60.0, 2.0)
    assert (summary.n, summary.missed, summary.coverage) == (2, 1, 2 / 3)
    assert summary.consecutive(Fault.PROVIDER) == 2
    assert summary.by_verdict == {Verdict.SERVER_ERROR: 2}
    assert summary.by_fault == {Fault.PROVIDER: 2}


def test_missed_slots_leave_the_window_too() -> None:
    """A slot without a probe is missed for as long as the window reaches back to it."""
    kept = Windows(100.0)
    kept.missed("chat", 0.0)
    kept.missed("chat", 10.0)
    assert kept.summary(("chat",), 60.0, 10.0).missed == 2
    assert kept.summary(("chat",), 60.0, 60.0).missed == 1
    assert kept.summary(("chat",), 60.0, 70.0).missed == 0


def test_confirming_attempts_do_not_count() -> None:
    """Only a slot's first attempt is in its windows."""
    summary = windows(BAD, result(attempt=2), replace(OURS, attempt=3)).summary(
        ("chat",), 60.0, 9.0
    )
    assert (summary.n, summary.missed, summary.error_rate) == (1, 0, 1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1e300])
def test_impossible_figures_are_left_out_and_counted(value: float) -> None:
    """A figure that cannot be poisons no sum; the verdict it came with still counts."""
    kept = windows(result(total_s=value), timeout(value), result(cost_usd=value), result())
    summary = kept.summary(("chat",), 60.0, 3.0)
    assert kept.rejected == 3
    assert (summary.n, summary.failures) == (4, 1)
    assert summary.latency is not None
    assert (summary.latency.n, summary.latency.mean, summary.latency.max) == (2, 1.0, 1.0)
    assert summary.cost_usd is None


def test_token_counts_beyond_floats_are_left_out() -> None:
    """A provider that claims 10^400 tokens has no speed, and breaks nothing."""
    kept = windows(stream(0.5, 2.5, 10**400), stream(0.5, 2.5, 5))
    speed = kept.summary(("chat",), 60.0, 1.0).tokens_per_s
    assert speed is not None
    assert (speed.n, speed.max) == (1, 2.5)
    assert kept.rejected == 1


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf])
def test_samples_without_a_time_are_refused(at: float) -> None:
    """What cannot be placed in time is counted as rejected and nowhere else."""
    kept = Windows(100.0)
    kept.ingest(result(), at)
    kept.missed("chat", at)
    assert kept.rejected == 2
    kept.ingest(result(), 1.0)
    summary = kept.summary(("chat",), 60.0, 1.0)
    assert (summary.n, summary.missed) == (1, 0)


def test_time_never_runs_backwards_in_a_series() -> None:
    """A sample of an earlier time is taken to be of the newest one, in the order it came."""
    kept = Windows(100.0)
    kept.ingest(BAD, 50.0)
    kept.ingest(result(), 10.0)
    assert kept.summary(("chat",), 5.0, 50.0).recent_faults == (Fault.PROVIDER, Fault.NONE)
    assert kept.summary(("chat",), 5.0, 50.0).n == 2


def test_recent_faults_outlive_every_window() -> None:
    """A run of failures is seen although all but the newest left the window long ago."""
    kept = windows(*[BAD] * 3, every_s=500.0)
    summary = kept.summary(("chat",), 60.0, 1000.0)
    assert summary.n == 1
    assert summary.consecutive(Fault.PROVIDER) == 3


def test_recent_faults_are_the_newest() -> None:
    """There are at most RECENT_FAULTS of them, the oldest first."""
    kept = windows(*[BAD] * RECENT_FAULTS, result(), result())
    recent = kept.summary(("chat",), 60.0, 1000.0).recent_faults
    assert recent == (Fault.PROVIDER,) * (RECENT_FAULTS - 2) + (Fault.NONE,) * 2


def test_targets_together_are_in_order_of_time() -> None:
    """Faults of several targets are merged by time, those of one moment in the order asked."""
    kept = Windows(100.0)
    kept.ingest(replace(BAD, target="b"), 1.0)
    kept.ingest(result(target="a"), 2.0)
    kept.ingest(timeout(30.0, target="b", status=None), 3.0)
    kept.ingest(result(target="a"), 3.0)
    merged = kept.summary(("a", "b"), 60.0, 3.0).recent_faults
    assert merged == (Fault.PROVIDER, Fault.NONE, Fault.NONE, Fault.PROVIDER)


def test_target_named_twice_counts_once() -> None:
    """Two patterns that match one target do not double its results."""
    assert windows(result()).summary(("chat", "chat"), 60.0, 0.0).n == 1


def test_rate_is_over_what_was_watched() -> None:
    """Until the window was watched from end to end, the rate is over the part that was."""
    kept = windows(*[result()] * 11, every_s=10.0)  # 0 … 100
    assert kept.summary(("chat",), 600.0, 59.9).rate_per_min is None
    assert kept.summary(("chat",), 600.0, 60.0).rate_per_min == 7.0
    assert kept.summary(("chat",), 600.0, 100.0).rate_per_min == pytest.approx(6.6)
    assert kept.summary(("chat",), 600.0, 600.0).rate_per_min == pytest.approx(1.0)
    assert kept.summary(("chat",), 30.0, 30.0).rate_per_min == 6.0


def test_rate_moves_on_while_nothing_comes() -> None:
    """The rate of a young window falls with time although no sample came or went."""
    kept = windows(result(), every_s=1.0)
    assert kept.summary(("chat",), 600.0, 60.0).rate_per_min == 1.0
    assert kept.summary(("chat",), 600.0, 120.0).rate_per_min == 0.5


def test_summary_is_kept_until_something_changes() -> None:
    """Asking again gives the very same summary; a new sample, or one leaving, a new one."""
    kept = windows(*[result()] * 3, every_s=10.0)  # 0, 10, 20
    first = kept.summary(("chat",), 20.0, 21.0)
    assert kept.summary(("chat",), 20.0, 29.9) is first
    assert kept.summary(("chat",), 20.0, 30.0).n == 1
    again = kept.summary(("chat",), 20.0, 30.0)
    kept.missed("chat", 30.0)
    assert kept.summary(("chat",), 20.0, 30.0).missed == again.missed + 1


def test_one_targets_result_spares_the_others() -> None:
    """A result changes only the windows its target is in."""
    kept = Windows(100.0)
    kept.ingest(result(target="a"), 0.0)
    kept.ingest(result(target="b"), 0.0)
    before = kept.summary(("a",), 10.0, 10.0), kept.summary(("a", "b"), 10.0, 10.0)
    kept.ingest(result(target="b"), 10.0)
    assert kept.summary(("a",), 10.0, 10.0) is before[0]
    assert kept.summary(("a", "b"), 10.0, 10.0).n == before[1].n + 1


def test_kept_summaries_are_bounded() -> None:
    """Someone who asks for ever other windows does not fill the memory."""
    kept = Windows(1000.0)
    kept.ingest(result(), 0.0)
    for over_s in range(1, 20 * KEPT):
        assert kept.summary(("chat",), float(over_s), 0.0).n == 1
    (series,) = kept._series.values()
    assert len(series.kept) == len(series.parts) <= KEPT


def test_a_summary_stays_as_it_is() -> None:
    """What is read of a summary late is of the moment it was made for."""
    kept = windows(result(total_s=1.0), timeout(9.0), every_s=1.0, longest_s=50.0)
    before = kept.summary(("chat",), 50.0, 1.0)
    for number in range(500):
        kept.ingest(stream(0.1, 5.0, 9, cost_usd=1.0, verdict=Verdict.OK), 2.0 + number)
    assert before.latency is not None
    assert (before.n, before.latency.n, before.latency.max) == (2, 2, 9.0)
    assert before.by_verdict == {Verdict.OK: 1, Verdict.TIMEOUT: 1}
    assert before.recent_faults == (Fault.NONE, Fault.PROVIDER)
    assert (before.first_token, before.cost_usd) == (None, None)


def test_a_past_moment_does_not_displace_the_present() -> None:
    """A summary of before the newest sample is right, and is not kept for later."""
    kept = windows(*[result()] * 4, every_s=10.0)  # 0 … 30
    assert kept.summary(("chat",), 15.0, 20.0).n == 2
    assert kept.summary(("chat",), 15.0, 30.0).n == 2
    assert kept.summary(("chat",), 15.0, 9.0).n == 1
    assert kept.summary(("chat",), 15.0, 30.0).n == 2


def test_latency_of_our_own_lateness_is_left_out_and_counted() -> None:
    """A tainted latency is in no statistic of times, and in every count."""
    late = stream(0.9, 9.0, 5, latency_tainted=True, cost_usd=0.5)
    cut = timeout(30.0, latency_tainted=True)
    summary = windows(result(total_s=1.0), late, cut, stream(0.5, 2.5, 5)).summary(
        ("chat",), 60.0, 3.0
    )
    assert summary.latency is not None
    assert (summary.latency.n, summary.latency.max) == (2, 2.5)
    assert summary.latency.censored_from is None
    for times in (summary.first_token, summary.inter_token, summary.tokens_per_s):
        assert times is not None
        assert times.n == 1
    assert (summary.n, summary.failures, summary.cost_usd) == (4, 1, 0.5)
    assert summary.by_verdict == {Verdict.OK: 3, Verdict.TIMEOUT: 1}
    assert summary.tainted == 2


def test_tainted_streams_are_counted() -> None:
    """A stream without its token times is one of the tainted; a result tainted twice is one."""
    both = stream(0.9, 9.0, 5, latency_tainted=True, stream_tainted=True)
    kept = windows(stream(0.5, 2.5, 5), stream(0.5, 2.5, 5, stream_tainted=True), both)
    assert kept.summary(("chat",), 60.0, 2.0).tainted == 2
    assert kept.summary(("chat", "other"), 60.0, 2.0).tainted == 2
    assert kept.summary(("chat",), 1.5, 3.0).tainted == 1
    assert windows(result()).summary(("chat",), 60.0, 0.0).tainted == 0


def test_young_windows_share_what_was_worked_out() -> None:
    """While only the rate moves on, the rest of a summary is the same, objects and all."""
    kept = windows(*[result()] * 5)
    first, later = (kept.summary(("chat",), 600.0, now) for now in (100.0, 200.0))
    assert first.rate_per_min != later.rate_per_min
    assert first.latency is not None
    assert first.latency is later.latency
    assert first.by_fault is later.by_fault


def test_a_summary_is_a_value() -> None:
    """It cannot be changed, equals another of the same content, and makes nothing up."""
    summary = windows(result()).summary(("chat",), 60.0, 0.0)
    assert summary == windows(result()).summary(("chat",), 60.0, 0.0)
    assert summary != windows(BAD).summary(("chat",), 60.0, 0.0)
    assert replace(summary, n=7).n == 7
    with pytest.raises(FrozenInstanceError):
        summary.n = 5  # type: ignore[misc]  # what is tried is what the type forbids
    with pytest.raises(AttributeError, match="weather"):
        getattr(summary, "weather")  # noqa: B009 - the type has no such name


def test_overflow_is_counted() -> None:
    """Samples lost to a full trail show in `overwritten`."""
    kept = Windows(1e9)
    assert kept.overwritten == 0
    number = LIMIT + LIMIT // 4 + 3
    for at in range(number):
        kept.missed("chat", float(at))
    missed = kept.summary(("chat",), 1e9, float(number)).missed
    assert kept.overwritten == number - missed > 0
