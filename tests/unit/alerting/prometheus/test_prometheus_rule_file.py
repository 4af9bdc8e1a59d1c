"""What each rule becomes in Prometheus, what is said only nearly, and what is left out."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from alerting.defaults import default_rules
from alerting.expression import parse
from alerting.match import Match
from alerting.metric import Measure
from alerting.prometheus.rule_file import Exposed, rule_file
from alerting.quorum import Quorum
from alerting.rule import NoData, Rule, Subject
from monitor.config.durations import format_duration
from tests.unit.alerting.windows import CHAT

OTHER = replace(CHAT, name="other", model="other")
XAI = replace(CHAT, name="grok", provider="xai", preset="xai", model="grok")
EXPOSED = Exposed(
    targets=(CHAT, OTHER, XAI),
    location="here",
    windows={300.0: "5m", 900.0: "15m", 3600.0: "1h"},
    bounds={
        Measure.LATENCY: (1.0, 2.5, 5.0),
        Measure.FIRST_TOKEN: (0.5, 1.0),
        Measure.INTER_TOKEN: (0.5, 1.0),
    },
    every_s=5.0,
    duration=format_duration,
)
BY_TARGET = "by (provider, target, model, operation, location)"


def rule(when: str, **said: Any) -> Rule:  # Any: fields of all types
    """Make a rule over a quarter of an hour."""
    fields = {"name": "R", "when": parse(when, "slo"), "over_s": 900.0}
    return Rule(**{**fields, **said})


def text(when: str, exposed: Exposed = EXPOSED, **said: Any) -> str:
    """Return a rule's file."""
    return rule_file([rule(when, **said)], exposed)


def read(file: str) -> list[dict[str, Any]]:
    """Return the rules of a file, as YAML reads them."""
    (group,) = yaml.safe_load(file)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_the_default_rules_are_all_there() -> None:
    """None is left out, and each has its times and its severity."""
    rules = default_rules()
    written = read(rule_file(rules, EXPOSED))
    assert [each["alert"] for each in written] == [each.name for each in rules]
    assert [each["labels"] for each in written] == [
        {"severity": each.severity.value} for each in rules
    ]
    by_name = {each["alert"]: each for each in written}
    assert by_name["HighLatency"]["for"] == "2m"
    assert by_name["MonitorEgress"]["keep_firing_for"] == "4m"
    assert "for" not in by_name["Down"]
    assert "nearly" not in rule_file(
        [each for each in rules if each.name == "HighLatency"], EXPOSED
    )


@pytest.mark.parametrize(
    ("when", "said", "reason"),
    [
        ("failures(provider) of last 5 >= 3", {}, "which of the newest results failed"),
        ("latency.min > 1s", {}, "latency.min is not exposed"),
        ("tokens_per_s.p50 < 3", {}, "tokens_per_s.p50 is not exposed"),
        ("latency.p95 < 1s", {"min_failures": 3}, "min_failures would count samples"),
        ("consecutive_failures >= 3", {"subject": Subject.PROVIDER}, "the order of several"),
        ("coverage < 50%", {"subject": Subject.LOCATION}, "the slots of several targets"),
        ("samples > 3", {"over_s": 600.0}, "no window of 10m is exposed"),
        ("samples > 3", {"match": Match((("target", ("x",)),))}, "it matches no target"),
        ("samples > 3", {"labels": (("a-b", "x"),)}, "one of its labels"),
        ("samples > 3", {"annotations": (("a-b", "x"),)}, "one of its annotations"),
    ],
)
def test_what_cannot_be_said_is_left_out(when: str, said: dict[str, Any], reason: str) -> None:
    """The file says which rule is missing and why, and stays a rule file."""
    file = text(when, **said)
    assert f"# why: {reason}" in file
    assert "# left out: R: " in file
    assert read(file) == []


@pytest.mark.parametrize(
    ("when", "said", "note", "part"),
    [
        ("latency.p97 > 1s", {}, "latency.p97 is taken", "histogram_quantile(0.97, "),
        ("latency.p95 > 1s", {"subject": Subject.PROVIDER}, "latency.p95 is taken", "_bucket"),
        (
            "first_token.mean > 1s",
            {},
            "first_token.mean is taken",
            "time_to_first_token_seconds_sum",
        ),
        ("rate > 2", {}, "the rate is over the whole window", "/ 15 > 2"),
        ("cost > 3 USD/h", {}, "the cost is of every attempt", "* 3600 > 3"),
        ("coverage < 50%", {"min_samples": 3}, "min_samples is not asked for", "< 0.5"),
        ("latency.p95 < 1s", {}, "a figure that deadlines cut short", "< 1"),
        ("latency.p95 > 2 * latency.p50", {}, "a figure that deadlines cut short", "> 2 * max by"),
        ("latency.p95 > 3s", {"min_failures": 4}, "samples above 2.5 s", 'le="2.5"'),
        ("first_token.p50 > 100ms", {"min_failures": 3}, "counts every sample", "_count"),
        (
            "failures >= 2",
            {"subject": Subject.PROVIDER},
            "the newest result of any",
            'fault="none"',
        ),
    ],
)
def test_what_is_said_nearly_says_so(when: str, said: dict[str, Any], note: str, part: str) -> None:
    """A comment above the rule tells what differs from the daemon's own figure."""
    file = text(when, **said)
    assert [line for line in file.splitlines() if "# nearly: " in line and note in line]
    assert part in read(file)[0]["expr"]


@pytest.mark.parametrize(
    ("when", "said", "part"),
    [
        ("latency.max > 9s", {}, 'rank="1"}) > 9'),
        ("latency.p95 > 3s", {"min_failures": 3}, 'rank="3"}) > 3'),
        ("latency.p95 > 3s", {"min_samples": 9}, "sonde_window_latency_samples"),
        ("latency.mean > 3s", {}, f"max {BY_TARGET} (sonde_window_latency_mean_seconds"),
        ("latency.mean > 3s", {"subject": Subject.PROVIDER}, "by (provider, location) (sonde_"),
        ("consecutive_failures >= 3", {}, 'fault="none"}) >= 3'),
        ("consecutive_failures(provider) >= 3", {"min_failures": 2}, 'fault!="provider"}) >= 2'),
        ("failures(timeout, reset) > 2", {}, 'verdict=~"timeout|reset"'),
        ("failures(provider) > 2", {"min_failures": 4}, " >= 4"),
        ("samples > 2", {"min_failures": 4}, 'fault!="none"'),
        ("error_rate == 0", {}, " != 0"),
        ("no_data", {"subject": Subject.PROVIDER}, "== bool 0) == 1"),
    ],
)
def test_what_is_said_exactly_says_nothing_else(when: str, said: dict[str, Any], part: str) -> None:
    """No comment stands above it."""
    file = text(when, **said)
    assert "nearly" not in file
    assert part in read(file)[0]["expr"]


def test_facts_are_of_whom_the_rule_speaks() -> None:
    """A provider's fact is told of each of its targets, this instance's of everything."""

    def fact(when: str, subject: Subject) -> str:
        expression: str = read(text(when, over_s=0.0, subject=subject))[0]["expr"]
        return expression

    headroom = fact("rate_limit.headroom < 9%", Subject.TARGET)
    assert "on (provider) group_left () max by (provider)" in headroom
    assert 'fact="rate_limit.headroom", location="here", target=""' in headroom
    both = fact("rate_limit.headroom < 9% and egress.failing", Subject.PROVIDER)
    assert "on () group_left () max by ()" in both
    unusual = fact("latency.p95 is anomalous", Subject.TARGET)
    assert 'fact="latency.p95 is anomalous", location="here", provider=""' in unusual
    burning = fact("burn_rate(1h, 5m) > 14.4", Subject.LOCATION)
    assert 'slo="slo", bound!="high"}) > 14.4' in burning
    assert 'slo="slo", bound!="low"}) <= 14.4' in burning
    calm = fact("burn_rate(1h, 5m) < 1", Subject.LOCATION)
    assert 'bound!="low"}) < 1' in calm
    assert (
        'ALERTS{alertname="R", alertstate="firing", severity="warning", provider="", target' in calm
    )


def test_an_empty_window_means_what_the_rule_says() -> None:
    """Nothing, that all is well, or that something is wrong."""
    keep, fine, alert = (
        read(text("failures > 2", no_data=policy))[0]["expr"]
        for policy in (NoData.KEEP, NoData.OK, NoData.ALERT)
    )
    empty = f'sum {BY_TARGET} (sonde_window_samples{{location="here", window="15m"}}) == 0'
    assert empty not in keep
    assert fine.count(empty) == alert.count(empty) == 1
    assert fine.index("ALERTS") < fine.index(empty)
    assert alert.index(empty) < alert.index("sonde_window_coverage_ratio") < alert.index("ALERTS")
    of_facts = text("retirement.days < 3", over_s=0.0, no_data=NoData.OK)
    assert "== 0" not in of_facts


def test_annotations_and_labels_are_no_templates_of_others() -> None:
    """Our names become Prometheus'; everything else is text, braces in it too."""
    file = text(
        "latency.p95 > 5s",
        name='it"s {{hot}}',
        hold_s=90.0,
        labels=(("team", "{{x}}"), ("target", "mine"), ("empty", "")),
        annotations=(
            ("summary", "{{ target }}: {{ value }} > {{ threshold }} ({{ labels.team }})"),
            (
                "runbook",
                "https://x/{{ alertname }}/{{severity}}?{{ condition }}&{{ labels.target }}",
            ),
        ),
    )
    (found,) = read(file)
    literal = '{{ "{{" }}'
    assert found["alert"] == 'it"s {{hot}}'
    assert found["for"] == "1m30s"
    assert found["labels"] == {"severity": "warning", "team": f"{literal}x}}}}"}
    target = "{{ $labels.target }}"
    value = "{{ $value | humanizeDuration }}"
    assert found["annotations"] == {
        "summary": f"{target}: {value} > 5 s ({literal}x}}}})",
        "runbook": f'https://x/it"s {literal}hot}}}}/warning?latency.p95 > 5s&{target}',
    }
    assert 'team="{{x}}"' in found["expr"]


def test_a_rule_of_several_comparisons_has_no_one_threshold() -> None:
    """Its message says the condition; so does that of a rule that has no figure."""
    (found,) = read(text("latency.p95 > 5s and failures > 2"))
    assert found["annotations"]["summary"] == (
        "{{ $labels.target }}: latency.p95 > 5s and failures > 2"
    )
    (found,) = read(text("samples > 2 or rate > 1", annotations=(("x", "{{ threshold }}"),)))
    assert found["annotations"]["x"] == ""
    (found,) = read(text("no_data"))
    assert found["annotations"]["summary"] == "{{ $labels.target }}: no_data"
    (found,) = read(text("samples > 2"))
    assert "{{ $value | humanize }}" in found["annotations"]["summary"]


def test_other_targets_are_one_number() -> None:
    """A comparison with others is with a scalar, times its factor; known or not at all."""
    (found,) = read(text("latency.p95 > 2 * latency.p95 of {model: other}", min_samples=9))
    assert "> 2 * scalar((" in found["expr"]
    (found,) = read(text("samples > samples of {provider: openai}"))
    assert "> scalar(" in found["expr"]


def test_a_clear_condition_holds_on_to_what_fires() -> None:
    """It is asked of firing alerts alone, and an empty window may still end them."""
    clear = parse("latency.p95 < 1s")
    (found,) = read(text("latency.p95 > 5s", clear=clear, no_data=NoData.OK))
    begins, ends = found["expr"].split("ALERTS")
    assert "< 1" not in begins
    assert ends.index("<= 5") < ends.index("and max") < ends.index("< 1") < ends.index("== 0")


def test_under_a_not_true_is_false() -> None:
    """And no minimum of failures is asked for there."""
    (found,) = read(text("not (samples > 2 or failures > 1)", min_failures=3))
    begins, ends = found["expr"].split("ALERTS")
    assert ("<= 2" in begins, "<= 1" in begins, "> 2" in ends, "> 1" in ends) == (True,) * 4
    assert ">= 3" not in found["expr"]


def test_what_several_locations_decide_is_left_out() -> None:
    """One Sonde's metrics are those of one location; where it stands instead is said."""
    file = text("failures >= 3", quorum=Quorum(2, 3))
    assert "left out: R: failures >= 3 at 2 of 3 locations over 15m" in file
    assert "docs/locations.md" in file
    assert read(file) == []
