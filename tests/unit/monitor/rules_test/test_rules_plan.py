"""Files of rule tests: what they say, and each mistake at its place."""

from pathlib import Path

import pytest

from monitor.config.errors import ConfigError
from monitor.rules_test.plan import Plan
from monitor.rules_test.reading import read_plan

CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1", api_key: "${NOT_SET_KEY}"}}
targets:
  - {name: a, provider: p, model: m}
  - {name: b, provider: p, model: m}
slos: [{name: avail, objective: 99.5%, match: {provider: p}}]
"""


def read(folder: Path, text: str, config: str = CONFIG) -> Plan:
    (folder / "sonde.yaml").write_text(config)
    (folder / "tests.yaml").write_text(text)
    return read_plan(Path("tests.yaml"), folder)


def problems(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        read(folder, text)
    return str(raised.value)


def test_a_plan_needs_no_secrets(tmp_path: Path) -> None:
    """A repository's check has none: variables that are not set stand for nothing in particular."""
    plan = read(
        tmp_path,
        "config: sonde.yaml\n"
        "tests: [{series: {a: ok x3}, rules: [Down], expect: [{at: 2m, none: true}]}]\n",
    )
    (case,) = plan.cases
    assert case.name == "test 1"
    assert case.interval_s == 60.0
    assert [rule.name for rule in case.rules] == ["Down"]
    assert len(case.series["a"]) == 3
    assert (case.expected[0].at_s, case.expected[0].line) == (120.0, 2)
    assert (case.expected[0].firing, case.expected[0].pending) == ((), ())
    assert case.expected[0].held is None


def test_moments_come_in_the_order_of_time(tmp_path: Path) -> None:
    """However they were written; an interval of a test's own wins."""
    plan = read(
        tmp_path,
        "config: sonde.yaml\n"
        "interval: 30s\n"
        "tests:\n"
        "  - interval: 10s\n"
        "    facts: {'egress.failing': yes x3}\n"
        "    expect: [{at: 2m, firing: []}, {at: 0, held: [], pending: [{target: a}]}]\n",
    )
    (case,) = plan.cases
    assert case.interval_s == 10.0
    assert [each.at_s for each in case.expected] == [0.0, 120.0]


def test_facts_are_of_somebody(tmp_path: Path) -> None:
    """By the names of the configuration; a burn rate is of an objective, and all its targets."""
    plan = read(
        tmp_path,
        "config: sonde.yaml\n"
        "tests:\n"
        "  - facts:\n"
        "      budget.used of p: 20% x2, unknown, 85%\n"
        "      budget.used: 10%\n"
        "      retirement.days of a: 20\n"
        "      burn_rate(1h, 5m) of avail: 15\n"
        "      latency.p95 is anomalous of b: no x2, yes\n"
        "    expect: [{at: 2m, none: true}]\n",
    )
    known = {(str(fact), of): values for (fact, of), values in plan.cases[0].facts.items()}
    assert known["budget.used", "p"] == (0.2, 0.2, None, 0.85)
    assert known["budget.used", ""] == (0.1,)
    assert known["retirement.days", "a"] == (20.0,)
    assert {of for name, of in known if name == "burn_rate(1h, 5m)"} == {"", "a", "b"}
    assert known["latency.p95 is anomalous", "b"] == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("series: {a: ok x3}", "tests.yaml:2:9 tests[0].expect: expected a list of moments"),
        ("expect: [{at: 1m, none: true}]", "expected series: of probes"),
        ("series: {c: ok}", "tests.yaml:2:19 tests[0].series.c: no such target"),
        ("series: {a: ok xx}", ":25 tests[0].series.a: expected ',' or the end"),
        ("series: {a: [ok]}", "expected text, not a list"),
        ("series: [ok]", "expected a mapping, not a list"),
        ("sries: {a: ok}", "unknown key; expected one of name, interval"),
        ("rules: [Dawn]", "no such rule (did you mean Down?)"),
        ("rules: Down", "expected a list, not"),
        ("interval: soon", "expected a duration"),
        ("interval: 0s", "expected a duration above 0"),
        ("facts: {weather: bad}", "expected a metric"),
        ("facts: {latency.p95 of a: 3s}", "comes from series, it is no fact"),
        ("facts: {budget.used of q: 3%}", "expected 'of' and one of p"),
        ("facts: {egress.failing of p: yes}", "it is of nobody in particular"),
        ("facts: {drift.events: 3}", "expected 'of' and one of a, b"),
        ("facts: {budget.used extra of p: 3%}", "expected 'of NAME' or the end"),
        ("facts: {'burn_rate(1h, 5m) of x': 3}", "the name of an objective"),
        ("facts: {budget.used of p: 20% x2 20}", "expected"),
        ("facts: {budget.used of p: [1]}", "expected one value, not a list"),
        ("facts: {budget.used of p: 20% x0}", "at least one value"),
        ("facts: {budget.used of p: '20%)'}", "expected ',' or xN"),
        ("facts: {egress.failing: maybe}", "egress.failing is yes, no or unknown"),
        ("expect: [{firing: []}]", "expected at: when"),
        ("expect: [{at: 1m}]", "expected none: true, firing:"),
        ("expect: [{at: 1m, none: 3}]", "expected true, or firing:"),
        ("expect: [{at: 200d, none: true}]", "later than 90 days"),
        ("expect: [{at: 1m, firing: [{}]}]", "expected labels"),
    ],
)
def test_a_mistake_has_a_place(tmp_path: Path, test: str, says: str) -> None:
    """Every problem names the key, and the line and column where the file has one."""
    text = problems(tmp_path, f"config: sonde.yaml\ntests: [{{{test}}}]\n")
    assert says in text


def test_a_file_without_tests_or_configuration_is_refused(tmp_path: Path) -> None:
    """Nothing tested is not passed."""
    assert "expected a list of tests" in problems(tmp_path, "config: sonde.yaml\n")
    assert "expected config:" in problems(tmp_path, "tests: []\n")
    assert "cannot read the file" in problems(tmp_path, "config: other.yaml\ntests: [{}]\n")
