"""Rules: the defaults, what is laid over them, and new ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from alerting.defaults import default_rules
from alerting.quorum import Quorum
from alerting.rule import NoData, Rule, Severity, Subject
from tests.unit.monitor.config.configtexts import SMALL, load_text, refusal

DEFAULTS = {rule.name: rule for rule in reversed(default_rules())}


def rules(folder: Path, *rows: str, head: str = SMALL) -> list[Rule]:
    """Return the rules of a configuration with these own ones."""
    text = head + "rules:\n" + "".join(f"  - {{{row}}}\n" for row in rows)
    return list(load_text(folder, text).config.rules)


def named(folder: Path, name: str, *rows: str, head: str = SMALL) -> list[Rule]:
    """Return those of one name."""
    return [rule for rule in rules(folder, *rows, head=head) if rule.name == name]


def test_the_default_rules_run_unasked(tmp_path: Path) -> None:
    """Without `rules:` the shipped ones apply, unchanged."""
    assert load_text(tmp_path, SMALL).config.rules == default_rules()


def test_a_new_rule_has_defaults(tmp_path: Path) -> None:
    """A new rule needs a name and a condition; it looks at the window nearest 15 minutes."""
    (rule,) = named(tmp_path, "New", "name: New, when: latency.p99 > 5s")
    assert str(rule.when) == "latency.p99 > 5s"
    assert (rule.over_s, rule.hold_s, rule.keep_firing_for_s) == (900.0, 0.0, 0.0)
    assert (rule.min_samples, rule.min_failures) == (20, 0)
    assert (rule.severity, rule.subject) == (Severity.WARNING, Subject.TARGET)
    assert rule.match.fields == ()


def test_a_new_rule_that_says_everything(tmp_path: Path) -> None:
    """Every key reaches the rule."""
    (rule,) = named(
        tmp_path,
        "New",
        "name: New, match: {provider: [a*, '!b'], operation: chat}, when: error_rate > 1%,"
        " over: 5m, for: 2m, keep_firing_for: 3m, min_samples: 7, min_failures: 2,"
        " severity: critical, subject: provider, labels: {b: x, a: y}",
    )
    assert rule.match.fields == (("operation", ("chat",)), ("provider", ("a*", "!b")))
    assert (rule.over_s, rule.hold_s, rule.keep_firing_for_s) == (300.0, 120.0, 180.0)
    assert (rule.min_samples, rule.min_failures) == (7, 2)
    assert (rule.severity, rule.subject) == (Severity.CRITICAL, Subject.PROVIDER)
    assert rule.labels == (("a", "y"), ("b", "x"))


@pytest.mark.parametrize(
    ("windows", "over_s"),
    [("[5m, 10m, 1h]", 600.0), ("[20m, 1h]", 1200.0), ("[1h, 15m, 1m]", 900.0)],
)
def test_the_usual_window(tmp_path: Path, windows: str, over_s: float) -> None:
    """The longest window not above 15 minutes, or the shortest when all are longer."""
    head = SMALL + f"windows: {windows}\n"
    (rule,) = named(tmp_path, "New", "name: New, when: samples < 3", head=head)
    assert rule.over_s == over_s


def test_default_rules_fit_into_the_windows(tmp_path: Path) -> None:
    """With shorter windows the default rules look back less far, instead of never."""
    config = load_text(tmp_path, SMALL + "windows: [1m, 10m]\n").config
    assert config.windows_s == (60.0, 600.0)
    assert {rule.over_s for rule in config.rules} == {600.0, 0.0}


def test_an_override_keeps_what_it_does_not_say(tmp_path: Path) -> None:
    """One key changes one thing."""
    (rule,) = named(tmp_path, "Down", "name: Down, for: 30s")
    shipped = DEFAULTS["Down"]
    assert rule.hold_s == 30.0
    assert (rule.when, rule.over_s, rule.severity) == (
        shipped.when,
        shipped.over_s,
        shipped.severity,
    )


def test_an_override_replaces_the_default(tmp_path: Path) -> None:
    """The default is gone, the other defaults stay."""
    names = [rule.name for rule in rules(tmp_path, "name: Down, for: 30s")]
    assert sorted(names) == sorted(rule.name for rule in default_rules())


def test_a_disabled_rule_is_gone(tmp_path: Path) -> None:
    """`enabled: false` takes away every default of the name, and needs nothing else."""
    assert named(tmp_path, "ErrorRate", "name: ErrorRate, enabled: false") == []
    assert named(tmp_path, "New", "name: New, when: samples < 1, enabled: false") == []


def test_an_override_changes_all_defaults_of_its_name(tmp_path: Path) -> None:
    """ErrorRate is two rules, for xAI and for the rest; both take the change."""
    shipped = [rule for rule in default_rules() if rule.name == "ErrorRate"]
    changed = named(tmp_path, "ErrorRate", "name: ErrorRate, for: 10m")
    assert [rule.hold_s for rule in changed] == [600.0, 600.0]
    assert [rule.match for rule in changed] == [rule.match for rule in shipped]
    assert [rule.when for rule in changed] == [rule.when for rule in shipped]


def test_a_match_is_laid_over_field_by_field(tmp_path: Path) -> None:
    """Naming a provider does not make a rule about chats one about embeddings."""
    (rule,) = named(tmp_path, "HighLatency", "name: HighLatency, match: {provider: openai}")
    assert rule.match.fields == (("operation", ("chat", "responses")), ("provider", ("openai",)))


def test_two_defaults_that_become_alike_are_one(tmp_path: Path) -> None:
    """Overriding the field that told them apart leaves one rule, so no alert exists twice."""
    (rule,) = named(tmp_path, "ErrorRate", "name: ErrorRate, match: {preset: openai}")
    assert rule.match.fields == (("preset", ("openai",)),)
    assert rule.when == DEFAULTS["ErrorRate"].when


def test_another_metric_brings_its_own_minimums(tmp_path: Path) -> None:
    """The default's counts were meant for the default's metric."""
    assert DEFAULTS["HighLatency"].min_failures == 3
    (same,) = named(tmp_path, "HighLatency", "name: HighLatency, when: latency.p95 > 9s")
    assert (same.min_samples, same.min_failures) == (5, 3)
    (other,) = named(tmp_path, "HighLatency", "name: HighLatency, when: latency.p99 > 9s")
    assert (other.min_samples, other.min_failures) == (20, 0)


def test_no_minimum_of_failures_brings_back_one_of_samples(tmp_path: Path) -> None:
    """An error rate needs one of the two floors."""
    assert DEFAULTS["ErrorRate"].min_samples == 0
    changed = named(tmp_path, "ErrorRate", "name: ErrorRate, min_failures: 0")
    assert {rule.min_samples for rule in changed} == {5}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "name: New, when: samples < 1, over: 2h",
            "rules[0].over: 2h is longer than the longest window, 1h: shorten it, or add a window",
        ),
        (
            "name: Dwon, for: 1m",
            "rules[0].when: missing: a new rule needs a condition; the default rules are",
        ),
        ("name: New, when: nonsense", "rules[0].when: expected a metric"),
        (
            "name: Down, match: {providr: x}",
            "rules[0].match.providr: no target has a label of this name (did you mean provider?);",
        ),
        ("name: Down, match: {provider: 5}", "rules[0].match.provider: expected a list, not 5"),
        ("name: Down, match: {provider: []}", "rules[0].match.provider: expected at least one"),
        (
            "name: Down, severity: urgent",
            "rules[0].severity: expected info, warning or critical, not",
        ),
        ("name: Down, subject: model", "rules[0].subject: expected target, provider or location"),
        ("name: Down, min_samples: -1", "rules[0].min_samples: expected at least 0, not -1"),
        (
            "name: New, when: budget.used > 50%, over: 5m",
            "rules[0].over: budget.used is not of a window of results: leave this out",
        ),
        (
            "name: Budget, min_samples: 3",
            "rules[0].min_samples: budget.used is not of a window of results: leave this out",
        ),
        (
            "name: Drift, min_failures: 3",
            "rules[0].min_failures: drift.events is not of a window of results: leave this out",
        ),
        (
            "name: Retirement, subject: provider",
            "rules[0].subject: retirement.days is known of a target only",
        ),
        (
            "name: New, when: rate_limit.headroom < 10%, subject: location",
            "rules[0].subject: rate_limit.headroom is known of a provider or target only",
        ),
        (
            "name: New, when: egress.failing, match: {provider: openai}",
            "rules[0].match: egress.failing is of this instance: it matches by location alone",
        ),
        (
            "name: Budget, subject: location, match: {provider: openai}",
            "rules[0].match: budget.used is of this instance: it matches by location alone",
        ),
        ("name: New, when: budget.used > 5", "rules[0].when: a ratio lies between 0 and 1"),
    ],
)
def test_rules_that_cannot_work(tmp_path: Path, row: str, problem: str) -> None:
    """A rule that could never be evaluated as meant is refused."""
    told = refusal(tmp_path, SMALL + f"rules:\n  - {{{row}}}\n")
    assert told.split(" ", 1)[1].startswith(problem)


@pytest.mark.parametrize(
    ("when", "subject"),
    [
        ("rate_limit.headroom < 10%", Subject.PROVIDER),
        ("status_page.disagrees", Subject.PROVIDER),
        ("egress.failing", Subject.LOCATION),
        ("baseline.ratio > 3", Subject.TARGET),
    ],
)
def test_a_new_rule_over_a_fact(tmp_path: Path, when: str, subject: Subject) -> None:
    """It speaks of whom the fact is of, and has neither window nor minimums."""
    (rule,) = named(tmp_path, "New", f"name: New, when: {when}, for: 5m")
    assert (str(rule.when), rule.subject, rule.hold_s) == (when, subject, 300.0)
    assert (rule.over_s, rule.min_samples, rule.min_failures) == (0.0, 0, 0)


def test_a_fact_of_a_provider_may_be_told_of_each_target(tmp_path: Path) -> None:
    """Who says so gets an alert for every target the key serves."""
    row = "name: New, when: rate_limit.headroom < 10%, subject: target"
    (rule,) = named(tmp_path, "New", row)
    assert rule.subject is Subject.TARGET


def test_an_override_changes_both_budgets(tmp_path: Path) -> None:
    """Budget is one rule for each provider and one for all together, unless it picks providers."""
    both = named(tmp_path, "Budget", "name: Budget, when: budget.used >= 90%")
    assert [rule.subject for rule in both] == [Subject.PROVIDER, Subject.LOCATION]
    assert {str(rule.when) for rule in both} == {"budget.used >= 90%"}
    assert named(tmp_path, "Budget", "name: Budget, enabled: false") == []
    (one,) = named(tmp_path, "Budget", "name: Budget, match: {provider: openai}")
    assert one.subject is Subject.PROVIDER
    (one,) = named(tmp_path, "Budget", "name: Budget, subject: location")
    assert one.subject is Subject.LOCATION


def test_a_default_may_turn_from_a_fact_to_a_window(tmp_path: Path) -> None:
    """And back: the new metric brings its own window, or none, and whom it is of."""
    (windowed,) = named(tmp_path, "Retirement", "name: Retirement, when: rate > 5")
    assert (windowed.over_s, windowed.subject) == (900.0, Subject.TARGET)
    (fact,) = named(tmp_path, "Account", "name: Account, when: drift.events > 3")
    assert (fact.over_s, fact.subject) == (0.0, Subject.TARGET)


def test_two_rules_of_one_name(tmp_path: Path) -> None:
    """Within the file a name is used once."""
    text = SMALL + "rules:\n  - {name: Down, for: 1s}\n  - {name: Down, for: 2s}\n"
    assert refusal(tmp_path, text) == (
        'sonde.yaml:7:12 rules[1].name: a second rule named "Down" (the first is rules[0])'
    )


def test_labels_of_targets_may_be_matched(tmp_path: Path) -> None:
    """Any label that some target has is a field; one that hits nothing is warned of."""
    head = SMALL.replace("gpt-4o-mini", "gpt-4o-mini, labels: {tier: gold}")
    (rule,) = named(tmp_path, "Down", "name: Down, match: {tier: gold}", head=head)
    assert rule.match.fields == (("tier", ("gold",)),)
    text = head + "rules: [{name: Down, match: {tier: iron}}]\n"
    warned = [w.path for w in load_text(tmp_path, text).warnings if "never fires" in w.message]
    assert warned == ["rules[0].match"]


def test_all_that_a_rule_may_say(tmp_path: Path) -> None:
    """Several comparisons, what ends them, what no data means, and what goes with the message."""
    row = (
        "name: New, when: latency.p95 > 5s and error_rate > 1%, clear: latency.p95 < 4s,"
        " no_data: alert, runbook: 'https://r.test/{{ alertname }}', labels: {team: ml},"
        " annotations: {summary: '{{ target }} {{ labels.team }}'}"
    )
    (rule,) = named(tmp_path, "New", row)
    assert (str(rule.when), str(rule.clear)) == (
        "latency.p95 > 5s and error_rate > 1%",
        "latency.p95 < 4s",
    )
    assert (rule.no_data, rule.min_samples, rule.over_s) == (NoData.ALERT, 5, 900.0)
    assert rule.annotations == (
        ("summary", "{{ target }} {{ labels.team }}"),
        ("runbook", "https://r.test/{{ alertname }}"),
    )


def test_a_default_keeps_its_condition_where_only_an_end_is_said(tmp_path: Path) -> None:
    """`clear` and templates go with whatever condition the default has."""
    row = "name: HighLatency, clear: latency.p95 < 4s"
    (rule,) = named(tmp_path, "HighLatency", row)
    assert (str(rule.when), str(rule.clear)) == ("latency.p95 > 5s", "latency.p95 < 4s")
    assert rule.min_samples == DEFAULTS["HighLatency"].min_samples


@pytest.mark.parametrize(
    ("row", "place", "problem"),
    [
        ("when: rate > 1 and, over: 5m", ":35 rules[0].when: ", "expected a metric"),
        ("when: rate > 1, clear: rate <", ":46 rules[0].clear: ", "expected a number"),
        (
            "when: rate > 1, clear: rate >= 2",
            ":40 rules[0].clear: ",
            "says what is so once an alert may end",
        ),
        (
            "when: rate < 1, clear: rate < 2",
            ":40 rules[0].clear: ",
            "says what is so once an alert may end",
        ),
        (
            "when: no_data, clear: no_data",
            ":39 rules[0].clear: ",
            "says what is so once an alert may end",
        ),
        (
            "when: 'rate < rate of {model: nothing}'",
            ":39 rules[0].when: ",
            "no target is selected by this",
        ),
        (
            "when: rate > 1, runbook: '{{ nobody }}'",
            ":46 rules[0].runbook: ",
            "nothing is called 'nobody'",
        ),
        (
            "when: rate > 1, annotations: {a: '{{ labels.x }}'}",
            ":54 rules[0].annotations.a: ",
            "nothing is called 'labels.x'",
        ),
        (
            "when: drift.events > 1, no_data: ok",
            ":50 rules[0].no_data: ",
            "drift.events is not of a window of results: leave this out",
        ),
        (
            "when: drift.events > 1 and budget.used > 1%, subject: location",
            ":71 rules[0].subject: ",
            "drift.events is known of a target only",
        ),
        ("when: 'burn_rate(1h, 5m) > 14'", ":24 rules[0].when: ", "burn_rate needs to know"),
    ],
)
def test_the_place_of_a_mistake_is_told(tmp_path: Path, row: str, place: str, problem: str) -> None:
    """To the character, in whichever key it stands."""
    told = refusal(tmp_path, SMALL + f"rules:\n  - {{name: New, {row}}}\n")
    found, _, message = told.partition(problem)
    assert found.endswith(place), told
    assert message or told.endswith(problem)


def test_what_is_not_of_the_same_subject_is_refused(tmp_path: Path) -> None:
    """Two selections that hit are well; facts of nobody in common are not."""
    (rule,) = named(tmp_path, "New", "name: New, when: 'rate < rate of {model: gpt-4o*}'")
    assert str(rule.when) == "rate < rate of {model: gpt-4o*}"


GROUP = (
    'location: fra1\ncluster: {redis: "redis://127.0.0.1:1", replica: a,'
    " locations: [fra1, iad1, sin1]}\n" + SMALL
)
EVERYWHERE = "name: X, when: failures >= 3, locations: 2 of 3"


def test_a_rule_of_several_locations(tmp_path: Path) -> None:
    """How many of all there are; of a default it keeps everything else."""
    (rule,) = named(tmp_path, "X", EVERYWHERE, head=GROUP)
    assert rule.quorum == Quorum(2, 3)
    assert rule.condition == "failures >= 3 at 2 of 3 locations"
    (down,) = named(tmp_path, "Down", "name: Down, locations: 3 of 3", head=GROUP)
    assert down == replace(DEFAULTS["Down"], quorum=Quorum(3, 3))
    assert all(each.quorum is None for each in rules(tmp_path, head=GROUP))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("when: failures > 1, locations: most", "expected how many of fra1, iad1, sin1"),
        ("when: failures > 1, locations: 2 of 4", "such as 2 of 3"),
        ("when: failures > 1, locations: 4 of 3", "such as 2 of 3"),
        ("when: failures > 1, locations: 0 of 3", "such as 2 of 3"),
        ("when: egress.failing, locations: 2 of 3", "egress.failing is this instance's own"),
        ("when: failures > 1 and egress.failing, locations: 2 of 3", "is this instance's own"),
        (
            "when: failures > 1, locations: 2 of 3, match: {location: fra1}",
            "every location is asked",
        ),
        (
            "when: failures > 1, locations: 2 of 3, runbook: '{{ location }}'",
            "nothing is called 'location' here",
        ),
    ],
)
def test_what_several_locations_cannot_be_asked(tmp_path: Path, row: str, problem: str) -> None:
    """Another number than there are, what no other location knows, and one location alone."""
    found = refusal(tmp_path, GROUP + f"rules: [{{name: X, {row}}}]\n")
    assert problem in found


def test_one_location_has_nobody_to_ask(tmp_path: Path) -> None:
    """Without others to name, it is refused; named, but without a Redis, it is warned of."""
    found = refusal(tmp_path, SMALL + f"rules: [{{{EVERYWHERE}}}]\n")
    assert "name all of them in cluster.locations" in found
    text = GROUP.replace("redis://127.0.0.1:1", "${NO_REDIS:-}") + f"rules: [{{{EVERYWHERE}}}]\n"
    warned = [
        each.message for each in load_text(tmp_path, text).warnings if "locations" in each.path
    ]
    assert warned == ["never fires: without cluster.redis nobody is heard of"]
