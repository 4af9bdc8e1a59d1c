"""The printed detection time: its figures, its words, and when there is none."""

from dataclasses import replace

import pytest

from alerting.defaults import default_rules
from alerting.detection import Detection, Unbounded, Undetectable, after_waiting, detection
from alerting.expression import parse
from alerting.quorum import Quorum
from alerting.rule import Rule
from probes.target import Target
from tests.unit.alerting.windows import CHAT, GROK

STREAMED = replace(CHAT, stream=True)


def default(name: str) -> Rule:
    """Return the first default rule of this name."""
    return next(rule for rule in default_rules() if rule.name == name)


def rule(when: str, *, over_s: float = 900.0, hold_s: float = 0.0, min_samples: int = 0) -> Rule:
    """Return a rule with this condition."""
    return Rule(name="R", when=parse(when), over_s=over_s, hold_s=hold_s, min_samples=min_samples)


def found(rule: Rule, target: Target) -> Detection:
    """Return the detection time of a rule that has one."""
    result = detection(rule, target, evaluate_every_s=5.0)
    assert isinstance(result, Detection)
    return result


def samples_of(result: Detection) -> int:
    """Return how many samples of the outage the formula speaks of."""
    return int(result.formula.partition(" s x ")[2].split()[0])


def test_down_keeps_the_promise() -> None:
    """With the shipped numbers Down is told within 230 s, at half the interval within 135 s."""
    minutely = found(default("Down"), CHAT)
    assert minutely == Detection(
        outage="every probe hangs until its deadline",
        seconds=225.0,
        formula="60 s x 3 + deadline 30 s + evaluation 5 s + hold 0 s + send 10 s = 225 s",
    )
    assert minutely.seconds <= 230
    assert found(default("Down"), replace(CHAT, interval_s=30.0)).seconds <= 135


@pytest.mark.parametrize(
    ("name", "target", "samples", "seconds"),
    [
        ("ErrorRate", CHAT, 3, 525.0),
        ("HighLatency", CHAT, 3, 345.0),
        ("CriticalLatency", CHAT, 2, 225.0),
        ("SlowMean", GROK, 3, 765.0),
        ("LowThroughput", CHAT, 8, 1125.0),
        ("Account", CHAT, 2, 165.0),
        ("Request", GROK, 2, 345.0),
    ],
)
def test_defaults(name: str, target: Target, samples: int, seconds: float) -> None:
    """Each default rule's own numbers make its figure."""
    result = found(default(name), target)
    assert (samples_of(result), result.seconds) == (samples, seconds)


@pytest.mark.parametrize(
    ("when", "samples", "outage"),
    [
        ("failures >= 4", 4, "every probe hangs until its deadline"),
        ("failures > 4", 5, "every probe hangs until its deadline"),
        ("failures == 2", 2, "every probe hangs until its deadline"),
        ("failures(server_error, timeout) >= 2", 2, "every probe hangs until its deadline"),
        ("failures(account) >= 2", 2, "every answer is an account error"),
        ("failures(network) >= 2", 2, "every answer is a network error"),
        ("failures(server_error) >= 2", 2, "every answer is a server error"),
        ("consecutive_failures(account) >= 20", 20, "every answer is an account error"),
        ("error_rate > 50%", 8, "every probe hangs until its deadline"),
        ("error_rate(timeout) >= 100%", 15, "every probe hangs until its deadline"),
        ("latency.p50 >= 30s", 8, "every probe hangs until its deadline"),
        ("latency.mean > 10s", 6, "every probe hangs until its deadline"),
        ("latency.max > 10s", 1, "every probe hangs until its deadline"),
        ("first_token.p50 > 10s", 8, "every first token comes at its deadline"),
        ("inter_token.p50 > 10s", 8, "every token comes at its deadline"),
        ("tokens_per_s.p50 < 10", 8, "every answer trickles in until its deadline"),
        ("coverage < 50%", 8, "no slot gets a result"),
        ("samples < 5", 11, "no slot gets a result"),
        ("rate < 0.5", 8, "no slot gets a result"),
    ],
)
def test_each_metric_has_its_outage(when: str, samples: int, outage: str) -> None:
    """The outage is the one the metric can see, and the samples are counted in full windows."""
    result = found(rule(when), STREAMED)
    assert (samples_of(result), result.outage) == (samples, outage)


def test_holds_are_waited_for_in_whole_evaluations() -> None:
    """A hold of 61 s is over at the evaluation after 65 s."""
    assert found(rule("failures >= 1", hold_s=61.0), CHAT).seconds == 60 + 30 + 5 + 65 + 10


def test_a_deadline_beyond_the_interval_stretches_the_outage() -> None:
    """While each probe hangs longer than the interval, only every other slot gets one."""
    slow = replace(CHAT, interval_s=20.0, deadline_s=30.0)
    assert found(rule("failures >= 2"), slow).seconds == 2 * 40 + 30 + 5 + 10


def test_the_budget_for_sending_can_be_another() -> None:
    """A channel with a longer deadline makes a longer promise."""
    result = detection(rule("failures >= 1"), CHAT, evaluate_every_s=5.0, send_s=60.0)
    assert isinstance(result, Detection)
    assert result.seconds == 155.0


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (
            rule("latency.p95 > 30s"),
            (
                "when every probe hangs until its deadline, latency.p95 is at least 30 s,"
                " which is not what it looks for"
            ),
        ),
        (
            rule("latency.p95 == 30s"),
            (
                "when every probe hangs until its deadline, latency.p95 is at least 30 s,"
                " which is not what it looks for"
            ),
        ),
        (
            rule("failures >= 20"),
            (
                "when every probe hangs until its deadline, failures is 15,"
                " which is not what it looks for"
            ),
        ),
        (
            rule("consecutive_failures(account) >= 65", over_s=36000.0),
            (
                "when every answer is an account error, consecutive_failures(account) is 64,"
                " which is not what it looks for"
            ),
        ),
        (
            rule("latency.p95 > 5s", over_s=200.0),
            "a window of 200 s with a probe every 60 s never holds as many samples as it asks for",
        ),
        (
            rule("error_rate > 5%", min_samples=16),
            "a window of 900 s with a probe every 60 s never holds as many samples as it asks for",
        ),
        (
            replace(rule("error_rate > 5%"), min_failures=16),
            "a window of 900 s with a probe every 60 s never holds as many failures as it asks for",
        ),
        (
            rule("failures >= 3", over_s=170.0, hold_s=120.0),
            (
                "a window of 170 s with a probe every 60 s does not keep its condition true for its"
                " hold"
            ),
        ),
        (
            rule("samples < 3", over_s=300.0, hold_s=600.0),
            "when no slot gets a result, its window is empty, and samples unknown",
        ),
        (
            rule("latency.max > 5s", over_s=3.0),
            (
                "when every probe hangs until its deadline, its window is empty, and latency.max"
                " unknown"
            ),
        ),
        (rule("latency.p50 < 10s"), "its condition is true while all is well"),
        (rule("samples > 3"), "its condition is true while all is well"),
        (rule("first_token.p50 > 3s"), "without a streamed chat there is no first_token.p50"),
    ],
)
def test_says_why_a_rule_never_fires(asked: Rule, reason: str) -> None:
    """A rule that no outage of this target can fire is named with what stands in its way."""
    assert detection(asked, CHAT, evaluate_every_s=5.0) == Undetectable(reason)


def test_says_that_the_window_is_not_kept() -> None:
    """A rule cannot look further back than samples are kept."""
    assert detection(
        rule("failures >= 1"), CHAT, evaluate_every_s=5.0, longest_s=300.0
    ) == Undetectable("it looks at 900 s, but only 300 s are kept")
    kept = detection(rule("failures >= 1"), CHAT, evaluate_every_s=5.0, longest_s=900.0)
    assert isinstance(kept, Detection)


def test_a_rule_over_a_fact_waits_for_no_sample() -> None:
    """Its time begins when the fact is known: evaluation, hold in whole evaluations, and sending.

    It is the same for every target, and no window is too short for it.
    """
    egress = default("MonitorEgress")
    for target in (CHAT, GROK):
        result = detection(egress, target, evaluate_every_s=20.0, longest_s=1.0)
        assert isinstance(result, Detection)
        assert result.outage == "egress.failing is known to be true"
        assert result.formula == "evaluation 20 s + hold 40 s + send 10 s = 70 s"
        assert result.seconds == 70.0


@pytest.mark.parametrize(
    ("when", "like"),
    [
        # The quickest of those joined by `or`, the slowest of those joined by `and`.
        ("consecutive_failures >= 3 or error_rate > 50%", "consecutive_failures >= 3"),
        ("consecutive_failures >= 3 or cost > 1 USD/h", "consecutive_failures >= 3"),
        ("drift.events > 0 or consecutive_failures >= 3", "consecutive_failures >= 3"),
        ("consecutive_failures >= 3 and error_rate > 50%", "error_rate > 50%"),
        ("latency.p95 > 5s and consecutive_failures >= 3", "consecutive_failures >= 3"),
        ("samples > 1 and consecutive_failures >= 3", "consecutive_failures >= 3"),
    ],
)
def test_several_comparisons_take_as_long_as_the_one_that_counts(when: str, like: str) -> None:
    """The others can only help, or have been true before."""
    assert found(rule(when), CHAT) == found(rule(like), CHAT)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("not samples > 1", "depends on more than the outage"),
        ("latency.p95 > 2 * latency.p50", "depends on more than the outage"),
        ("cost > 1 USD/h", "no outage raises it"),
        ("latency.p95 > 5s and coverage < 50%", "no one outage makes all of it true"),
        ("latency.p95 > 5s and drift.events > 0", "drift.events > 0 is known to be true"),
        ("not samples > 1 and latency.p95 > 5s", "depends on more than the outage"),
        ("cost > 1 USD/h or not samples > 1", "no outage raises it"),
    ],
)
def test_what_no_sum_can_bound_is_said_to_be_so(when: str, says: str) -> None:
    """It may fire, but how soon is not up to the outage alone."""
    result = detection(rule(when), CHAT, evaluate_every_s=5.0)
    assert isinstance(result, Unbounded)
    assert says in result.reason


@pytest.mark.parametrize("when", ["samples > 1 or latency.p95 > 5s", "samples > 1 and samples > 2"])
def test_several_comparisons_that_are_always_true(when: str) -> None:
    """Where one is always true the whole is, with `or`; with `and`, where all are."""
    result = detection(rule(when), CHAT, evaluate_every_s=5.0)
    assert result == Undetectable("its condition is true while all is well")


def test_the_groups_wait_is_in_the_sum() -> None:
    """The first message about a group waits for others; what never fires does not begin to."""
    found = Detection("every request hangs", 100.0, "interval 60 s + send 40 s = 100 s")
    waited = "interval 60 s + send 40 s + group wait 30 s = 130 s"
    assert after_waiting(found, 30.0) == Detection("every request hangs", 130.0, waited)
    assert after_waiting(found, 0.0) is found
    never = Undetectable("nobody counts")
    assert after_waiting(never, 30.0) is never


def test_several_locations_are_a_moment_later() -> None:
    """Each looks as often as the other; what they find has to be told first."""
    alone = found(default("Down"), CHAT)
    together = found(replace(default("Down"), quorum=Quorum(2, 3)), CHAT)
    assert together.seconds == alone.seconds + 1
    assert together.formula.endswith("+ send 10 s + news of others 1 s = 226 s")
    never = detection(
        replace(rule("samples > 1000000"), quorum=Quorum(2, 3)), CHAT, evaluate_every_s=5.0
    )
    assert isinstance(never, Undetectable)
