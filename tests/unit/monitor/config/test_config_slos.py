"""Objectives as they are written, and the rules that come with them."""

from pathlib import Path

import pytest

from alerting.burn import Slo
from alerting.match import Match
from alerting.rule import Severity, Subject
from monitor.config.errors import ConfigError
from monitor.config.load import load
from monitor.config.slos import burn_rules
from monitor.config.values import Config

ROOT = """\
providers: {openai: {preset: openai, api_key: "${KEY}"}}
targets: [{name: a, provider: openai, model: gpt-4o-mini, operation: chat}]
"""


def read(tmp_path: Path, more: str) -> tuple[Config, list[str]]:
    """Return the configuration and what it is warned of."""
    path = tmp_path / "sonde.yaml"
    path.write_text(ROOT + more, encoding="utf-8")
    loaded = load(path, {"KEY": "sk-" + "a" * 40}, cwd=tmp_path, strict=False)
    return loaded.config, [warning.message for warning in loaded.warnings]


def refusal(tmp_path: Path, more: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, more)
    return str(caught.value)


def test_an_objective_says_what_is_to_be_good_of_whom(tmp_path: Path) -> None:
    """A part, the targets, the period; thirty days and all targets where it says nothing."""
    config, _ = read(
        tmp_path,
        "slos: [{name: chat, match: {operation: chat}, objective: 99.5%, over: 7d},"
        " {name: all, objective: 99%}]\n",
    )
    chat = Slo("chat", 0.995, Match((("operation", ("chat",)),)), 7 * 86_400.0)
    assert config.slos == (chat, Slo("all", 0.99))


def test_each_objective_brings_its_rules(tmp_path: Path) -> None:
    """Two that page and one for the morning, with rates for the period, of all targets together."""
    config, _ = read(tmp_path, "slos: [{name: all, objective: 99.5%}]\n")
    rules = [rule for rule in config.rules if rule.name.endswith(":all")]
    assert [(rule.name, str(rule.when), rule.severity) for rule in rules] == [
        ("FastBurn:all", "burn_rate(1h, 5m) > 14.4", Severity.CRITICAL),
        ("SlowBurn:all", "burn_rate(6h, 30m) > 6", Severity.CRITICAL),
        ("BudgetBurn:all", "burn_rate(3d, 6h) > 1", Severity.WARNING),
    ]
    assert {rule.subject for rule in rules} == {Subject.LOCATION}
    assert {rule.labels for rule in rules} == {(("slo", "all"),)}


def test_a_rule_that_nothing_could_break_is_left_out() -> None:
    """Half of all answers may be bad: they cannot be so 14.4 times as often."""
    assert [rule.name for rule in burn_rules([Slo("half", 0.5)])] == ["BudgetBurn:half"]


@pytest.mark.parametrize("objective", ["99.5", "0.995", "101%", "100%", "40%", "much", "[99%]"])
def test_an_objective_is_a_percentage_that_can_be_met_and_missed(
    tmp_path: Path, objective: str
) -> None:
    """A number without its sign may be a ratio or a percentage: it is refused."""
    told = refusal(tmp_path, f"slos: [{{name: a, objective: {objective}}}]\n")
    assert "slos[0].objective: expected a part such as 99.5%" in told


@pytest.mark.parametrize("over", ["1d", "100d"])
def test_a_period_is_as_long_as_its_windows_and_as_what_is_kept(tmp_path: Path, over: str) -> None:
    """From the longest window of its rules to as long as minutes are kept."""
    told = refusal(tmp_path, f"slos: [{{name: a, objective: 99%, over: {over}}}]\n")
    assert "slos[0].over: expected a duration from 3d to 90d" in told


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """Rules would not know which is meant."""
    slo = "{name: a, objective: 99%}"
    assert "slos[1].name: a second objective" in refusal(tmp_path, f"slos: [{slo}, {slo}]\n")


def test_a_match_that_hits_nobody_is_warned_of(tmp_path: Path) -> None:
    """The objective would never say anything."""
    more = "slos: [{name: a, objective: 99%, match: {operation: embeddings}}]\n"
    assert any("matches no target" in told for told in read(tmp_path, more)[1])


def test_a_rule_names_an_objective_there_is(tmp_path: Path) -> None:
    """A slip in the name is found before the night it matters."""
    rules = "rules: [{name: Mine, slo: chta, when: 'burn_rate(1h, 5m) > 10'}]\n"
    told = refusal(tmp_path, "slos: [{name: chat, objective: 99%}]\n" + rules)
    assert "rules[0].slo: there is no objective of this name (did you mean chat?)" in told
    config, _ = read(
        tmp_path, "slos: [{name: chat, objective: 99%}]\n" + rules.replace("chta", "chat")
    )
    assert "Mine" in {rule.name for rule in config.rules}
