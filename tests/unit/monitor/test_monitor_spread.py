"""How an alert of ours stands at other locations, in words."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerting.engine import Transition
from alerting.expression import parse
from alerting.quorum import Quorum, Vote
from alerting.rule import Rule, Subject
from monitor.config.values import Cluster, Config
from monitor.elsewhere import Elsewhere
from monitor.spread import spread, spread_text
from probes.result import Fault, Verdict
from probes.secret import SecretSource
from tests.unit.aggregator.samples import result
from tests.unit.alerting.test_render import FIRED, NOW
from tests.unit.alerting.windows import CHAT

DOWN = Rule(name="Down", when=parse("failures >= 2"), over_s=900.0)
LOCATIONS = ("fra1", "iad1", "sin1")


def told(rule: Rule | None, elsewhere: Mapping[str, int], locations: tuple[str, ...]) -> str:
    """Return what is said of an alert of this rule; by location, how many of five probes failed."""
    group = Cluster(redis=SecretSource(), replica="a", locations=locations)
    config = Config(
        source="test",
        location="fra1",
        providers=(),
        targets=(CHAT,),
        rules=(),
        cluster=group if locations else None,
    )
    windows = Elsewhere(3_600.0)
    for location, failed in elsewhere.items():
        for n in range(5):
            bad = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER} if n < failed else {}
            windows.take(result(target="gpt-chat", location=location, **bad), NOW - 60 + n)
    transition: Transition = replace(FIRED, rule=rule)
    if rule is not None:
        transition = replace(transition, identity=replace(FIRED.identity, rule=rule.name))
    return "; ".join(spread(config, windows)(transition))


@pytest.mark.parametrize(
    ("elsewhere", "line"),
    [
        ({"iad1": 0, "sin1": 1}, "Down in fra1 only: iad1 and sin1 get answers"),
        ({"iad1": 3, "sin1": 0}, "Down in fra1 and iad1, not in sin1"),
        ({"iad1": 3, "sin1": 5}, "Down everywhere: fra1, iad1 and sin1"),
        ({"iad1": 0}, "Down in fra1 only: iad1 gets answers; no report from sin1"),
        ({"sin1": 5}, "Down in fra1 and sin1; no report from iad1"),
        ({}, "Down in fra1; no report from iad1 and sin1"),
    ],
)
def test_one_region_or_everybody(elsewhere: Mapping[str, int], line: str) -> None:
    """The same condition is asked of what other locations find; who is silent is named."""
    assert told(DOWN, elsewhere, LOCATIONS) == line


def test_who_gets_no_answers_gets_none_in_words() -> None:
    """Not every location that the condition is not true of is well."""
    votes = [(Vote("iad1", False), False), (Vote("sin1", None), False)]
    assert spread_text("Down", "fra1", votes) == "Down in fra1 only, not in iad1; not known in sin1"


@pytest.mark.parametrize(
    ("rule", "locations"),
    [
        (DOWN, ()),
        (DOWN, ("fra1",)),
        (None, LOCATIONS),
        (replace(DOWN, quorum=Quorum(2, 3)), LOCATIONS),
        (replace(DOWN, when=parse("failures >= 2 and egress.failing")), LOCATIONS),
        (Rule(name="E", when=parse("egress.failing"), subject=Subject.LOCATION), LOCATIONS),
    ],
)
def test_where_nothing_can_be_compared_nothing_is_said(
    rule: Rule | None, locations: tuple[str, ...]
) -> None:
    """One location, a rule that is gone, one that asks all of them, a fact of ours."""
    assert told(rule, {"iad1": 0, "sin1": 0}, locations) == ""


@pytest.mark.parametrize(
    ("failing", "line"),
    [
        (0, "ProviderDown in fra1 only: iad1 gets answers; no report from sin1"),
        (2, "ProviderDown in fra1 only: iad1 gets answers; no report from sin1"),
        (3, "ProviderDown in fra1 and iad1; no report from sin1"),
        (None, "ProviderDown in fra1; not known in iad1; no report from sin1"),
    ],
)
def test_a_provider_that_is_down_says_where(failing: int | None, line: str) -> None:
    """How much of a provider fails is asked of the newest probe of each of its models there."""
    targets = tuple(replace(CHAT, name=f"t{n}", model=f"m{n}") for n in range(4))
    group = Cluster(redis=SecretSource(), replica="a", locations=LOCATIONS)
    config = Config(
        source="test", location="fra1", providers=(), targets=targets, rules=(), cluster=group
    )
    elsewhere = Elsewhere(3_600.0)
    elsewhere.take(result(target="of-another-provider", location="iad1"), NOW - 1)
    for n, target in enumerate(() if failing is None else targets):
        bad = (
            {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER} if n < (failing or 0) else {}
        )
        elsewhere.take(result(target=target.name, location="iad1", **bad), NOW - 1)
    rule = Rule(
        name="ProviderDown", when=parse("provider.failing_share > 50%"), subject=Subject.PROVIDER
    )
    transition: Transition = replace(
        FIRED,
        rule=rule,
        identity=replace(FIRED.identity, rule=rule.name),
        targets=tuple(target.name for target in targets),
    )
    assert list(spread(config, elsewhere)(transition)) == [line]
