"""Tests of rules in virtual time: what passes, and what is said of what does not."""

from pathlib import Path

import pytest

from monitor.config.errors import ConfigError
from monitor.rules_test.reading import read_plan
from monitor.rules_test.running import Verdicts, run
from monitor.rules_test.words import as_json, lines
from tests.unit.monitor.rules_test.test_rules_plan import CONFIG

ROOT = Path(__file__).parents[4]


def outcome(folder: Path, test: str, config: str = CONFIG) -> Verdicts:
    (folder / "sonde.yaml").write_text(config)
    (folder / "tests.yaml").write_text(f"config: sonde.yaml\ntests:\n  - {test}\n")
    plan = read_plan(Path("tests.yaml"), folder)
    return run(plan.cases[0], plan.config)


def test_the_examples_pass() -> None:
    """The tests that ship hold for the configuration that ships."""
    plan = read_plan(Path("deploy/rules_test.yaml"), ROOT)
    assert [run(case, plan.config) for case in plan.cases] == [
        Verdicts(case.name, ()) for case in plan.cases
    ]


def test_an_alert_too_many_or_too_few_is_told(tmp_path: Path) -> None:
    """With what was expected, what was, and what else there is."""
    found = outcome(
        tmp_path,
        "{name: n, rules: [Down, ErrorRate], series: {a: 'ok x5, timeout x3'},"
        " expect: [{at: 6m, firing: [{alertname: Down}]}, {at: 8m, firing: [], pending: []}]}",
    )
    early, late, pending = found.complaints
    assert (early.at_s, early.line, early.kind) == (360.0, 3, "firing")
    assert (early.expected, early.found) == (("alertname: Down",), ())
    assert late.expected == ()
    assert late.found == ("Down of a: firing since 7m, 3",)
    assert late.others == ("ErrorRate of a: pending since 7m, 37.5 %",)
    assert pending.kind == "pending"


def test_what_is_held_back_fires_all_the_same(tmp_path: Path) -> None:
    """`firing` says what the states are, `held` what of it nobody was told."""
    found = outcome(
        tmp_path,
        "{rules: [Down, MonitorEgress], series: {a: connect_error x9}, interval: 1m,"
        " facts: {egress.failing: 'yes x9'}, expect: [{at: 5m, held: [{target: b}],"
        " firing: [{alertname: Down, target: a}, {alertname: MonitorEgress}]}]}",
    )
    (complaint,) = found.complaints
    assert complaint.kind == "held"
    assert complaint.found == ("Down of a: firing since 2m, 6",)


def test_a_provider_that_fails_speaks_for_its_models(tmp_path: Path) -> None:
    """How much of it fails comes of the alerts, as in the daemon, unless the test says it."""
    more = "- {name: b, provider: p, model: n}\n  - {name: c, provider: p, model: o}"
    config = CONFIG.replace("- {name: b, provider: p, model: m}", more)
    failing = ", ".join(f"{name}: server_error x5" for name in "abc")
    series = f"rules: [Down, ProviderDown], series: {{{failing}}}"
    firing = "firing: [{alertname: Down}, {alertname: ProviderDown, provider: p}]"
    found = outcome(tmp_path, f"{{{series}, expect: [{{at: 3m, {firing}}}]}}", config)
    assert found.complaints == ()
    said = "facts: {provider.failing_share of p: unknown}"
    found = outcome(tmp_path, f"{{{series}, {said}, expect: [{{at: 3m, {firing}}}]}}", config)
    assert len(found.complaints) == 1


def test_a_sample_without_figures_has_usual_ones(tmp_path: Path) -> None:
    """A second for an answer, the deadline for a timeout; a stream has its first token."""
    found = outcome(
        tmp_path,
        "{rules: [CriticalLatency], series: {a: 'timeout x6', b: 'ok@11s first_token=2s tokens=9"
        " cost=0.01 x6'}, expect: [{at: 7m, firing: [{target: a}, {target: b}]}]}",
    )
    assert found.complaints == ()


def test_missing_slots_and_idle_ones(tmp_path: Path) -> None:
    """What was due and did not come is missed; where nothing was due nothing is known."""
    found = outcome(
        tmp_path,
        "{rules: [LowThroughput], series: {a: 'ok x15, missing x30', b: 'ok x15, idle x30'},"
        " expect: [{at: 40m, firing: [{target: a}]}]}",
    )
    assert found.complaints == ()


def test_words_for_people_and_for_scripts(tmp_path: Path) -> None:
    """The same in lines and as JSON."""
    found = outcome(
        tmp_path,
        "{name: n, rules: [Down], series: {a: timeout x3}, expect: [{at: 2m, none: true}]}",
    )
    assert list(lines("t.yaml", [found, Verdicts("good", ())])) == [
        "FAILED  n",
        "        t.yaml:3: at 2m, firing",
        "          expected:  none",
        "          was:       Down of a: firing since 2m, 3",
        "ok      good",
        "t.yaml: 2 tests, 1 failed",
    ]
    told = as_json("t.yaml", [found])
    assert told["passed"] is False
    assert as_json("t.yaml", [Verdicts("good", ())])["passed"] is True


def test_several_locations_agree_or_do_not(tmp_path: Path) -> None:
    """Series of others come by their names; one whose series is over does not report any more."""
    config = (
        CONFIG + "cluster: {redis: '${REDIS_URL}', replica: r, locations: [here, iad1, sin1]}\n"
        "rules: [{name: Most, when: failures >= 3, over: 15m, locations: 2 of 3}]\n"
    )
    found = outcome(
        tmp_path,
        "{rules: [Most], series: {a: ok x30, 'a at iad1': 'timeout x5, ok x25',"
        " 'a at sin1': 'timeout x5, missing x2, idle x23'}, expect: ["
        "{at: 1m, none: true}, {at: 4m, firing: [{alertname: Most, target: a}]},"
        " {at: 25m, none: true}]}",
        config,
    )
    assert found.complaints == ()


def test_a_series_of_nowhere_is_refused(tmp_path: Path) -> None:
    """As one of no target is."""
    config = (
        CONFIG + "cluster: {redis: '${REDIS_URL}', replica: r, locations: [here, iad1, sin1]}\n"
    )
    for text, name, known in (
        ("{series: {a at gru1: ok}, expect: [{at: 1m, none: true}]}", config, "here, iad1, sin1"),
        ("{series: {a at gru1: ok}, expect: [{at: 1m, none: true}]}", CONFIG, "none"),
    ):
        with pytest.raises(ConfigError, match=f"no such location; cluster.locations: {known}"):
            outcome(tmp_path, text, name)
