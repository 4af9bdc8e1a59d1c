"""docs/rules.md says what the language, the defaults and the inhibitions are."""

import re
from pathlib import Path
from typing import Final

import pytest

from alerting.defaults import default_rules
from alerting.evaluate import Reason
from alerting.expression import Condition, Operator, parse
from alerting.inhibition import EXPLAINED_BY_ACCOUNT
from alerting.inhibition import Reason as Inhibited
from alerting.metric import Count, Fact, Measure, Plain, Statistic, Unit, unit_of
from alerting.rule import NoData, Rule, Severity, Subject, subjects
from monitor.config.durations import format_duration

PAGE: Final = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
_UNITS: Final = {
    Unit.SECONDS: "duration",
    Unit.RATIO: "ratio",
    Unit.COUNT: "count",
    Unit.TOKENS_PER_S: "tokens per second",
    Unit.PER_MINUTE: "per minute",
    Unit.DAYS: "days",
    Unit.TIMES: "times",
    Unit.FLAG: "so or not",
    Unit.USD_PER_H: "money an hour",
}


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head; ticks taken off."""
    _, _, after = PAGE.partition(f"\n## {title}\n")
    section = after.partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [
        [cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")]
        for line in lines[2:]
    ]


def told(rule: Rule) -> list[str]:
    """Return a default rule's row."""
    match = " ".join(f"{name}: {', '.join(patterns)}" for name, patterns in rule.match.fields)
    return [
        rule.name,
        str(rule.when),
        format_duration(rule.over_s) if rule.over_s else "–",
        format_duration(rule.hold_s),
        str(rule.severity),
        str(rule.subject),
        match or "–",
    ]


def test_every_metric_of_a_window_is_told() -> None:
    """With its unit, in the order of the code; statistics stand for themselves."""
    expected = [
        *((f"{each}.STATISTIC", f"{each}.p50 > 1") for each in Measure),
        *((str(each), f"{each} > 1") for each in Count),
        *((str(each), str(each) + _THRESHOLDS.get(each, " > 1")) for each in Plain),
    ]
    written = [row[:2] for row in rows("Metrics of a window")]
    units = [
        _UNITS[unit_of(parse(when + ("s" if _timed(when) else "")).metric)] for _, when in expected
    ]
    assert written == [[name, unit] for (name, _), unit in zip(expected, units, strict=True)]
    for statistic in Statistic:
        assert f"`{statistic}`" in PAGE


_THRESHOLDS: Final = {Plain.COST: " > 1 USD/h", Plain.NO_DATA: ""}


def _timed(when: str) -> bool:
    return when.startswith(("latency", "first_token", "inter_token"))


def test_every_fact_is_told() -> None:
    """With its unit and whom a rule over it may speak of, the usual one first."""
    written = [row[:3] for row in rows("Facts")]
    assert written == [
        [str(fact), _UNITS[unit_of(fact)], ", ".join(subjects(_over(fact)))] for fact in Fact
    ]


def _over(fact: Fact) -> Condition:
    return Condition(fact, Operator.GT, 0.0)


def test_the_default_rules_are_told() -> None:
    """All of them, word for word, in their order."""
    assert [row[:7] for row in rows("Default rules")] == [told(rule) for rule in default_rules()]


def test_what_explains_what_is_told() -> None:
    """By the reasons of log and metric; the names that a refused key explains are all there."""
    written = rows("What explains what")
    assert [row[0] for row in written] == [str(each) for each in Inhibited]
    by_reason = {row[0]: row[2] for row in written}
    assert set(re.findall(r"[A-Z]\w+", by_reason[Inhibited.ACCOUNT])) >= EXPLAINED_BY_ACCOUNT


@pytest.mark.parametrize("word", [*Operator, *Subject, *Severity, *Reason, *NoData])
def test_every_word_of_the_closed_sets_is_there(word: str) -> None:
    """Nobody has to look into the code for what a word means."""
    assert f"`{word}`" in PAGE
