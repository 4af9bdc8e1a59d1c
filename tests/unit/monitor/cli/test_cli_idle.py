"""Rules over facts that nobody will ever know, by the configuration."""

import pytest

from alerting.expression import parse
from alerting.match import Match
from alerting.rule import Rule, Subject, subjects
from monitor.cli.idle import idle
from monitor.config.values import Baseline, Budget, Check, Config, Egress, ProviderPage
from tests.unit.alerting.windows import CHAT, GROK

EVERYTHING = Config(
    source="test",
    location="fra1",
    providers=(),
    targets=(CHAT, GROK),
    rules=(),
    budgets=(
        Budget(subject=CHAT.provider, daily_usd=5.0),
        Budget(subject="", daily_usd=50.0),
    ),
    egress=Egress(check=Check.ON),
    status_pages=(ProviderPage(CHAT.provider, "https://status.example.com/summary.json"),),
    baselines=(
        Baseline(
            name="public",
            url="https://example.com/p50.json",
            steps=("p50_ms",),
            unit_s=0.001,
            match=Match((("provider", (CHAT.provider,)),)),
            every_s=300.0,
        ),
    ),
)
NOTHING = Config(
    source="test",
    location="fra1",
    providers=(),
    targets=(CHAT,),
    rules=(),
    egress=Egress(check=Check.OFF),
)


def over(when: str, subject: Subject | None = None) -> Rule:
    """Return a rule with this condition."""
    condition = parse(when)
    over_s = 900.0 if "latency" in when else 0.0
    usual = subjects(condition)[0]
    return Rule(name="R", when=condition, over_s=over_s, subject=subject or usual)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (over("budget.used > 80%"), "no budget is configured for openai"),
        (
            over("budget.used > 80%", Subject.LOCATION),
            "no budget is configured for all providers together",
        ),
        (over("egress.failing"), "egress.check is false: nobody looks at our own way out"),
        (over("status_page.disagrees"), "no status page of openai is read"),
        (over("baseline.ratio > 3"), "no baseline is configured for gpt-chat"),
    ],
)
def test_what_is_not_configured_is_never_known(rule: Rule, reason: str) -> None:
    """The reason names what is missing; with it there, the rule may fire."""
    assert idle(rule, CHAT, NOTHING) == reason
    assert idle(rule, CHAT, EVERYTHING) is None


@pytest.mark.parametrize(
    "when", ["budget.used > 80%", "status_page.disagrees", "baseline.ratio > 3"]
)
def test_what_is_known_of_one_is_not_of_another(when: str) -> None:
    """A budget, a page or a baseline is somebody's."""
    assert idle(over(when), GROK, EVERYTHING) is not None


@pytest.mark.parametrize(
    "when", ["rate_limit.headroom < 10%", "drift.events > 0", "latency.p95 > 5s"]
)
def test_what_answers_tell_may_always_be_known(when: str) -> None:
    """Headers, models and windows come with the results."""
    assert idle(over(when), CHAT, NOTHING) is None


@pytest.mark.parametrize(
    ("when", "never"),
    [
        ("budget.used > 80% or latency.p95 > 5s", False),
        ("latency.p95 > 5s or budget.used > 80%", False),
        ("budget.used > 80% or baseline.ratio > 3", True),
        ("latency.p95 > 5s and not baseline.ratio > 3", True),
        ("latency.p95 > 5s and (drift.events > 0 or baseline.ratio > 3)", False),
        ("not (latency.p95 > 5s and baseline.ratio > 3)", False),
        ("not (latency.p95 > 5s or baseline.ratio > 3)", True),
    ],
)
def test_what_is_never_known_spoils_an_and_but_no_or(when: str, never: bool) -> None:
    """A rule that can fire without the fact is not idle, one that waits for it is."""
    assert (idle(over(when), CHAT, NOTHING) is not None) is never
    assert idle(over(when), CHAT, EVERYTHING) is None
