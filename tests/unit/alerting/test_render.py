"""Which transitions people hear of, and in which words."""

from dataclasses import replace

import pytest

from alerting.engine import Identity, Transition
from alerting.expression import parse
from alerting.notification import News, Status
from alerting.quorum import Quorum, Vote
from alerting.render import MAX_NOTES, fault_of, news_of, whose_fault
from alerting.rule import Rule, Severity, Subject, subjects
from alerting.state import Edge, Firing, Inactive, Pending

NOW = 1_700_000_000.0
RULE = Rule(name="HighLatency", when=parse("latency.p95 > 5s"), over_s=900.0, hold_s=120.0)
LABELS = (
    ("alertname", "HighLatency"),
    ("location", "fra1"),
    ("model", "gpt-4o-mini"),
    ("operation", "chat"),
    ("provider", "openai"),
    ("severity", "warning"),
    ("target", "gpt-chat"),
)
FIRED = Transition(
    identity=Identity("HighLatency", LABELS),
    edge=Edge.FIRED,
    previous=Pending(NOW - 120),
    state=Firing(NOW - 120, NOW),
    value="8.2 s",
    lower_bound=False,
    started_at=NOW - 120,
    fired_at=NOW,
    now=NOW,
    rule=RULE,
    targets=("gpt-chat",),
)
RESOLVED = replace(
    FIRED,
    edge=Edge.RESOLVED,
    previous=Firing(NOW - 120, NOW, NOW + 720),
    state=Inactive(),
    value="1.2 s",
    now=NOW + 720,
)
REMOVED = replace(RESOLVED, edge=Edge.RULE_REMOVED, rule=None, targets=(), value="")


def told(transition: Transition) -> News:
    """Return the news that must come of a transition."""
    news = news_of(transition)
    assert news is not None
    return news


def test_what_fired_is_told_with_everything_known() -> None:
    """The line names who, what, how much, since when, and whose fault."""
    assert told(FIRED) == News(
        status=Status.FIRING,
        alertname="HighLatency",
        severity=Severity.WARNING,
        labels=LABELS,
        fingerprint=FIRED.fingerprint,
        condition="latency.p95 > 5s",
        value="8.2 s",
        summary=(
            "gpt-chat (openai/gpt-4o-mini): latency.p95 8.2 s > 5 s for 2m \N{EM DASH} provider"
        ),
        starts_at=NOW - 120,
        fired_at=NOW,
        ends_at=None,
    )


def test_what_is_over_says_how_long_it_was() -> None:
    """The same alert, closed: same fingerprint, an end, the value it came back to."""
    notification = told(RESOLVED)
    assert notification.status is Status.RESOLVED
    assert notification.fingerprint == told(FIRED).fingerprint
    assert notification.ends_at == NOW + 720
    assert notification.summary == (
        "gpt-chat (openai/gpt-4o-mini): HighLatency is over after 14m (latency.p95 1.2 s)"
    )


def test_a_removed_rule_closes_its_alert() -> None:
    """An alert that nobody evaluates any more is closed, and says that nobody looked."""
    notification = told(REMOVED)
    assert notification.status is Status.RESOLVED
    assert notification.condition == ""
    assert notification.summary.endswith("is over after 14m, for it is not watched any more")


@pytest.mark.parametrize("edge", sorted(set(Edge) - {*map(Edge, ("fired", "resolved"))}))
def test_other_transitions_are_not_told(edge: Edge) -> None:
    """Pending, reset, clearing and relapsed are for logs; only the removed rule speaks too."""
    assert (news_of(replace(FIRED, edge=edge)) is None) is (edge is not Edge.RULE_REMOVED)


def test_what_never_fired_is_not_closed() -> None:
    """No "resolved" for an alert that nobody heard of."""
    assert news_of(replace(RESOLVED, fired_at=None)) is None


def test_a_lower_bound_says_so() -> None:
    """A p95 cut short by deadlines is at least that, in the line and in the value."""
    notification = told(replace(FIRED, value="30 s", lower_bound=True))
    assert notification.value == ">= 30 s"
    assert "latency.p95 at least 30 s > 5 s" in notification.summary


def test_an_alert_that_fires_at_once_claims_no_duration() -> None:
    """Without a hold there is no "for"."""
    assert " for " not in told(replace(FIRED, started_at=NOW)).summary


def test_an_alert_about_a_provider_names_it_alone() -> None:
    """A rule over a whole key has no target; labels it lacks are not invented."""
    rule = replace(RULE, when=parse("failures(account) >= 2"), subject=Subject.PROVIDER)
    labels = (("alertname", "Account"), ("provider", "openai"), ("severity", "critical"))
    fired = replace(
        FIRED, identity=Identity("Account", labels), rule=rule, value="2", started_at=NOW
    )
    assert told(fired).summary == "openai: failures(account) 2 >= 2 \N{EM DASH} account"
    nameless = replace(fired, identity=Identity("Account", (("severity", "critical"),)))
    assert told(nameless).summary.startswith("everything: ")


def test_over_without_a_value_says_none() -> None:
    """A window that emptied has no value to show."""
    assert told(replace(RESOLVED, value="")).summary.endswith("is over after 14m")


@pytest.mark.parametrize(
    ("when", "blame"),
    [
        ("latency.p95 > 5s", "provider"),
        ("first_token.p50 > 1s", "provider"),
        ("error_rate > 5%", "any fault"),
        ("error_rate(provider) > 5%", "provider"),
        ("consecutive_failures(provider, network) >= 3", "provider, network"),
        ("failures(timeout) > 1", "timeout"),
        ("coverage < 50%", ""),
        ("samples < 1", ""),
        ("egress.failing", "monitor"),
        ("rate_limit.headroom < 10%", "account"),
        ("drift.events > 0", "provider"),
        ("baseline.ratio > 3", "provider"),
        ("budget.used > 80%", ""),
        ("retirement.days < 30", ""),
        ("status_page.disagrees", ""),
        ("latency.p95 is anomalous", "provider"),
        ("burn_rate(1h, 5m) > 14.4", "provider"),
    ],
)
def test_blame_comes_from_the_rule(when: str, blame: str) -> None:
    """Who is blamed is what the rule counts, and nobody where it counts our own slots."""
    assert whose_fault(parse(when, "slo")) == blame


@pytest.mark.parametrize(
    ("when", "value", "holds", "text"),
    [
        ("latency.p95 > 5s", "3 s", False, "latency.p95 3 s, no longer > 5 s, after 2m"),
        ("egress.failing", "no", False, "egress.failing no longer, after 2m"),
        (
            "latency.p95 > 5s and rate > 1",
            "3 s",
            False,
            "latency.p95 > 5s and rate > 1 no longer (latency.p95 3 s), after 2m",
        ),
        ("latency.p95 > 5s", "3 s", None, "no results (latency.p95 > 5s) for 2m"),
        ("no_data", "yes", None, "no_data for 2m"),
    ],
)
def test_a_message_claims_no_more_than_is_so(
    when: str, value: str, holds: bool | None, text: str
) -> None:
    """What fires on though its figure is well again, or on no figure at all, says just that."""
    condition = parse(when)
    over_s = 0.0 if when == "egress.failing" else 900.0
    rule = Rule(name="R", when=condition, over_s=over_s, subject=subjects(condition)[0])
    told_now = told(replace(FIRED, rule=rule, value=value, holds=holds)).summary
    blame = whose_fault(condition)
    ending = f" \N{EM DASH} {blame}" if blame else ""
    assert told_now == f"gpt-chat (openai/gpt-4o-mini): {text}{ending}"


def test_nobody_to_blame_leaves_no_dash() -> None:
    """A coverage alert ends with its numbers."""
    rule = replace(RULE, when=parse("coverage < 50%"))
    summary = told(replace(FIRED, rule=rule, value="20 %")).summary
    assert summary == "gpt-chat (openai/gpt-4o-mini): coverage 20 % < 50 % for 2m"


def test_what_is_so_or_not_is_told_without_numbers() -> None:
    """The alert about our own way out names this instance, and whose fault it is."""
    rule = Rule(name="MonitorEgress", when=parse("egress.failing"), subject=Subject.LOCATION)
    labels = (("alertname", "MonitorEgress"), ("location", "fra1"), ("severity", "critical"))
    fired = replace(FIRED, identity=Identity("MonitorEgress", labels), rule=rule, value="yes")
    assert told(fired).summary == "fra1: egress.failing for 2m \N{EM DASH} monitor"
    resolved = replace(fired, edge=Edge.RESOLVED, state=Inactive(), value="no", now=NOW + 720)
    assert told(resolved).summary == "fra1: MonitorEgress is over after 14m"


def test_days_and_parts_are_told_in_their_units() -> None:
    """A fact reads as a window's figure does."""
    rule = Rule(name="Retirement", when=parse("retirement.days < 30"))
    fired = replace(FIRED, rule=rule, value="12 days", started_at=NOW)
    line = "gpt-chat (openai/gpt-4o-mini): retirement.days 12 days < 30 days"
    assert told(fired).summary == line


def test_notes_are_cleaned_counted_and_told_once() -> None:
    """What a provider wrote may go with it: one line each, no key in it, a bounded number."""
    notes = ["the key has a trailing blank", "", "reads sk-abcdefghijkl\nand more", "x" * 999]
    made = news_of(FIRED, [*notes[:1], *notes])
    assert made is not None
    first, second, third = made.notes
    assert first == notes[0]
    assert "sk-abc" not in second
    assert "\n" not in second
    assert len(third) <= 200
    assert told(FIRED).notes == ()
    many = news_of(FIRED, [str(number) for number in range(99)])
    assert many is not None
    assert many.notes == tuple(map(str, range(MAX_NOTES)))


def test_a_rules_annotations_go_with_it_to_the_end() -> None:
    """By name and filled in, beside the notes: neither pushes the other out."""
    rule = replace(RULE, annotations=(("runbook_url", "https://wiki.example/{{ target }}"),))
    pairs = (("runbook_url", "https://wiki.example/gpt-chat"),)
    assert told(replace(FIRED, rule=rule)).annotations == pairs
    assert told(replace(RESOLVED, rule=rule)).annotations == pairs
    assert told(REMOVED).annotations == ()


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("consecutive_failures(provider, network) >= 3", "provider"),
        ("error_rate(provider) > 5%", "provider"),
        ("error_rate > 5%", "any fault"),
        ("samples < 3", ""),
    ],
)
def test_alerts_are_grouped_by_the_first_fault_they_blame(when: str, fault: str) -> None:
    """Down and ErrorRate of one provider are one trouble, though one of them counts more."""
    assert fault_of(parse(when)) == fault


def test_an_alert_of_several_locations_says_which() -> None:
    """Who agrees, who does not, who is not heard of; and it is of no location."""
    rule = replace(RULE, quorum=Quorum(2, 3))
    labels = tuple(each for each in LABELS if each[0] != "location")
    votes = (
        Vote("fra1", True, "8.2 s"),
        Vote("iad1", True, "7 s"),
        Vote("sin1", None, reports=False),
    )
    fired = replace(FIRED, rule=rule, votes=votes, identity=Identity("HighLatency", labels))
    news = told(fired)
    assert news.summary == (
        "gpt-chat (openai/gpt-4o-mini): latency.p95 8.2 s > 5 s for 2m \N{EM DASH} provider;"
        " at fra1 (8.2 s) and iad1 (7 s), no report from sin1"
    )
    assert news.condition == "latency.p95 > 5s at 2 of 3 locations"
    assert "location" not in dict(news.labels)
