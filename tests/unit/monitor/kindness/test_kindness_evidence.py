"""How many failures a breaker waits for, so that no alert is later than `sonde check` prints."""

from dataclasses import replace

import pytest

from alerting.defaults import default_rules
from alerting.expression import parse
from alerting.rule import Rule, Severity
from monitor.kindness.evidence import LEAST, failures_needed
from probes.result import Operation
from probes.target import Target
from tests.unit.alerting.windows import CHAT


def needed(rules: tuple[Rule, ...], target: Target = CHAT) -> int:
    return failures_needed(target, rules, "here", 5.0)


def rule(when: str, over_s: float = 900.0, hold_s: float = 0.0) -> Rule:
    return Rule(name="Own", when=parse(when), over_s=over_s, hold_s=hold_s, severity=Severity.INFO)


def test_without_rules_as_many_as_make_an_outage() -> None:
    """Three."""
    assert needed(()) == LEAST == 3


def test_the_shipped_rules() -> None:
    """A chat waits until its latency rules have fired; an embedding, which has none, for three."""
    assert needed(default_rules()) == 5
    embedding = replace(CHAT, operation=Operation.EMBEDDINGS)
    assert needed(default_rules(), embedding) == LEAST


@pytest.mark.parametrize(
    ("when", "hold_s", "failures"),
    [
        ("consecutive_failures >= 7", 0.0, 7),
        ("consecutive_failures >= 2", 600.0, 3),  # a hold is waited out on refused slots
        ("latency.p50 > 5s", 0.0, 8),  # of fifteen
        ("latency.p95 > 5s", 600.0, 12),  # but a latency's on real ones
        ("coverage < 10%", 0.0, 3),  # refused slots are not missing
        ("budget.used > 1%", 0.0, 3),
    ],
)
def test_a_rule_of_ones_own(when: str, hold_s: float, failures: int) -> None:
    """What refused slots go on feeding needs no more; a latency needs all of it."""
    over_s = 0.0 if when.startswith("budget") else 900.0
    assert needed((rule(when, over_s, hold_s),)) == failures


def test_a_rule_about_others_does_not_matter() -> None:
    """Only rules that match the target."""
    others = replace(CHAT, name="other")
    own = rule("consecutive_failures >= 30")
    elsewhere = replace(own, match=type(own.match)((("target", ("other",)),)))
    assert needed((elsewhere,)) == LEAST
    assert needed((elsewhere,), others) == 30


def test_a_rule_that_never_fires_is_not_waited_for() -> None:
    """More failures than its window holds."""
    assert needed((rule("failures > 100"),)) == LEAST
