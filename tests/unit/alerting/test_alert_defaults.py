"""The default rules: what they are, and how the configuration replaces them."""

from dataclasses import replace

import pytest

from aggregator.summary import enough
from alerting.defaults import default_min_samples, default_rules, merge
from alerting.detection import Detection, detection
from alerting.engine import Engine, Snapshot, matching
from alerting.expression import parse
from alerting.metric import Measured, Percentile
from alerting.rule import Rule, Severity, Subject
from alerting.state import Edge
from probes.result import Operation
from tests.unit.alerting.windows import CHAT, GROK, ListedWindows, Sample

EMBEDDINGS = replace(CHAT, name="embed-small", operation=Operation.EMBEDDINGS)
TARGETS = (CHAT, EMBEDDINGS, GROK)
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


@pytest.mark.parametrize(
    ("name", "when", "over_s", "hold_s", "severity", "targets"),
    [
        ("Down", "consecutive_failures(provider, network) >= 3", 3600, 0, CRITICAL, "ceg"),
        ("ErrorRate", "error_rate(provider) > 5%", 900, 300, CRITICAL, "ce"),
        ("ErrorRate", "error_rate(provider) > 20%", 900, 120, CRITICAL, "g"),
        ("HighLatency", "latency.p95 > 5s", 900, 120, WARNING, "cg"),
        ("CriticalLatency", "latency.p95 > 10s", 900, 60, CRITICAL, "cg"),
        ("SlowMean", "latency.mean > 30s", 900, 300, WARNING, "g"),
        ("LowThroughput", "coverage < 50%", 900, 600, WARNING, "ceg"),
        ("Account", "failures(account) >= 2", 900, 0, CRITICAL, "ceg"),
        ("Request", "failures(request) >= 2", 900, 0, WARNING, "ceg"),
    ],
)
def test_the_default_rules(
    name: str, when: str, over_s: float, hold_s: float, severity: Severity, targets: str
) -> None:
    """Each default has the documented condition, window, hold, severity and targets."""
    (rule,) = [r for r in default_rules() if r.name == name and str(r.when) == when]
    assert (rule.over_s, rule.hold_s, rule.severity) == (over_s, hold_s, severity)
    initials = {"c": CHAT, "e": EMBEDDINGS, "g": GROK}
    assert matching(rule, TARGETS, "fra1") == tuple(initials[letter] for letter in targets)


def test_there_are_no_others() -> None:
    """Eighteen rules under fifteen names."""
    assert len(default_rules()) == 18
    assert len({rule.name for rule in default_rules()}) == 15


@pytest.mark.parametrize(
    ("name", "when", "hold_s", "severity", "subjects"),
    [
        ("BudgetNear", "budget.used > 80%", 0, WARNING, "provider location"),
        ("Budget", "budget.used >= 100%", 0, CRITICAL, "provider location"),
        ("MonitorEgress", "egress.failing", 30, CRITICAL, "location"),
        ("ProviderDown", "provider.failing_share > 50%", 0, CRITICAL, "provider"),
        ("Undelivered", "channels.failing > 0", 0, CRITICAL, "location"),
        ("Retirement", "retirement.days < 30", 0, WARNING, "target"),
        ("Drift", "drift.events > 0", 0, Severity.INFO, "target"),
    ],
)
def test_the_default_rules_over_facts(
    name: str, when: str, hold_s: float, severity: Severity, subjects: str
) -> None:
    """Each has the documented condition, hold and severity, and a rule for each of its subjects."""
    rules = [rule for rule in default_rules() if rule.name == name]
    assert [rule.subject for rule in rules] == subjects.split()
    assert {(str(r.when), r.hold_s, r.severity, r.over_s) for r in rules} == {
        (when, hold_s, severity, 0)
    }
    assert all(matching(rule, TARGETS, "fra1") == TARGETS for rule in rules)


def test_a_bad_key_is_told_once_per_provider() -> None:
    """Account speaks of the key, and of windows no other rule looks at targets together."""
    together = {r.name for r in default_rules() if r.over_s and r.subject is not Subject.TARGET}
    assert together == {"Account"}


def test_defaults_that_share_a_name_never_share_a_target() -> None:
    """An engine takes all defaults at once: no two of them make the same alert."""
    engine = Engine(default_rules(), TARGETS, location="fra1")
    assert engine.views


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: f"{rule.name} {rule.when}")
def test_each_default_can_fire_with_the_shipped_intervals(rule: Rule) -> None:
    """No default is there for show: each has an outage that makes it fire on its own targets."""
    (target, *_) = matching(rule, (GROK,) if rule.name == "SlowMean" else TARGETS, "fra1")
    assert isinstance(detection(rule, target, evaluate_every_s=5.0), Detection)


@pytest.mark.parametrize(
    ("when", "min_failures", "expected"),
    [
        ("latency.p50 > 5s", 0, 5),
        ("latency.p95 > 5s", 0, 5),
        ("latency.p99 > 5s", 0, 20),
        ("latency.p99.9 > 5s", 0, 200),
        ("latency.mean > 5s", 0, 5),
        ("latency.max > 5s", 3, 5),
        ("latency.std > 5s", 0, 5),
        ("error_rate > 5%", 0, 5),
        ("error_rate > 5%", 3, 0),
        ("failures > 5", 0, 0),
        ("consecutive_failures > 5", 0, 0),
        ("samples < 5", 0, 0),
        ("rate < 5", 0, 0),
        ("coverage < 5%", 0, 0),
    ],
)
def test_usual_min_samples(when: str, min_failures: int, expected: int) -> None:
    """A rule that does not say asks for as much as its figure needs to mean something."""
    assert default_min_samples(parse(when).metric, min_failures) == expected


@pytest.mark.parametrize("statistic", ["p50", "p90.5", "p95", "p99", "p99.9"])
def test_usual_min_samples_agree_with_the_windows(statistic: str) -> None:
    """A percentile asks for exactly the number from which a window states it."""
    metric = parse(f"latency.{statistic} > 1s").metric
    assert isinstance(metric, Measured)
    assert isinstance(metric.statistic, Percentile)
    n, q = default_min_samples(metric), metric.statistic.q
    assert enough(n, q)
    assert not enough(n - 1, q)


def told(rule: Rule, slow: tuple[int, ...]) -> list[str]:
    """Evaluate for half an hour of minutely answers, those of these minutes slow; return edges."""
    windows = ListedWindows([Sample(60 * m, latency_s=6 if m in slow else 0.7) for m in range(30)])
    engine = Engine((rule,), (CHAT,), location="fra1")
    edges: list[str] = []
    for now in range(900, 1800, 5):
        summaries = {view: windows.summary(view.over_s, now) for view in engine.views}
        edges += [change.edge for change in engine.evaluate(Snapshot(now, summaries))]
    return edges


@pytest.mark.parametrize("slow", [(20,), (20, 21), (20, 27)])
def test_two_slow_answers_are_luck(slow: tuple[int, ...]) -> None:
    """HighLatency asks for three slow answers: a p95 of fifteen is their second slowest."""
    (high,) = (rule for rule in default_rules() if rule.name == "HighLatency")
    assert told(high, slow) == []
    alone = replace(high, min_failures=0)
    assert (Edge.FIRED in told(alone, slow)) is (len(slow) == 2)
    assert Edge.FIRED in told(high, (*slow, 22, 23))


def named(name: str) -> Rule:
    """Return some rule of this name."""
    return Rule(name=name, when=parse("samples < 1"), over_s=60.0)


def test_an_own_rule_replaces_every_default_of_its_name() -> None:
    """Overriding ErrorRate leaves neither of the two that were shipped."""
    mine = named("ErrorRate")
    rules = merge(default_rules(), (mine,), set())
    assert [rule for rule in rules if rule.name == "ErrorRate"] == [mine]
    assert len(rules) == len(default_rules()) - 1


def test_a_new_rule_stands_beside_the_defaults() -> None:
    """A name of its own replaces nothing."""
    assert merge(default_rules(), (named("Mine"),), set()) == (*default_rules(), named("Mine"))


def test_a_disabled_name_is_gone() -> None:
    """Disabling drops defaults and own rules of that name alike."""
    rules = merge(default_rules(), (named("Mine"),), {"LowThroughput", "Mine"})
    assert {rule.name for rule in rules} == {r.name for r in default_rules()} - {"LowThroughput"}
