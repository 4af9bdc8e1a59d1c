"""Templates: what they may name, what they become, and what they can never do."""

from dataclasses import replace

import pytest

from aggregator.summary import Summary
from alerting.annotations import annotated, check, names_for
from alerting.engine import Engine, Snapshot, Transition, View
from alerting.expression import parse
from alerting.rule import Rule, Subject
from alerting.tokens import ExpressionError
from tests.unit.alerting.windows import CHAT, distribution


def fired(when: str, *annotations: tuple[str, str]) -> Transition:
    rule = Rule(
        name="Slow",
        when=parse(when),
        over_s=900.0,
        labels=(("team", "ml"),),
        annotations=annotations,
    )
    engine = Engine((rule,), (CHAT,), location="fra1")
    window = Summary(over_s=900.0, n=10, latency=distribution([8.2] * 10))
    (change,) = engine.evaluate(Snapshot(0.0, {View((CHAT.name,), 900.0): window}))
    return change


def test_names_become_values() -> None:
    """Each name once, wherever it stands."""
    change = fired(
        "latency.p95 > 5s",
        ("summary", "{{ target }}: {{value}} > {{ threshold }} ({{ labels.team }})"),
        ("runbook", "https://runbooks.test/{{ alertname }}/{{ severity }}"),
    )
    assert annotated(change) == (
        ("summary", "gpt-chat: 8.2 s > 5 s (ml)"),
        ("runbook", "https://runbooks.test/Slow/warning"),
    )


def test_of_several_comparisons_the_deciding_one_is_told() -> None:
    """Its threshold, and the condition as a whole."""
    change = fired(
        "samples > 1 and latency.p95 > 5s", ("summary", "{{ threshold }} {{ condition }}")
    )
    assert annotated(change) == (("summary", "1 samples > 1 and latency.p95 > 5s"),)


def test_what_comes_out_is_one_line_and_is_not_read_again() -> None:
    """A value that looks like a template stays what it is; lines and lengths are bounded."""
    change = fired("latency.p95 > 5s", ("summary", "{{ labels.{{ target }} }}\n" + "x" * 500))
    ((_, line),) = annotated(change)
    assert "\n" not in line
    assert len(line) <= 200


def test_a_rule_that_is_gone_has_no_lines() -> None:
    """Nobody knows its templates any more, nor the threshold of one with no constant."""
    change = fired("latency.p95 > latency.p50 or samples > 1", ("summary", "x{{ threshold }}"))
    assert annotated(change) == (("summary", "x1"),)
    assert annotated(replace(change, compared=None)) == (("summary", "x"),)
    assert annotated(replace(change, rule=None)) == ()


@pytest.mark.parametrize(
    ("template", "position", "says"),
    [
        ("{{ target }} {{ nobody }}", 16, "nothing is called 'nobody'"),
        ("{{ labels.x }}", 3, "there is target"),
        ("{{ target", 0, "between {{ and }}"),
        ("a {{ }}", 2, "between {{ and }}"),
        ("{{ value | upper }}", 0, "between {{ and }}"),
        ("{{ 1 + 1 }}", 0, "between {{ and }}"),
    ],
)
def test_what_is_no_name_is_refused(template: str, position: int, says: str) -> None:
    """There is no code; the place of the braces or of the name is told."""
    with pytest.raises(ExpressionError, match=says) as caught:
        check(template, names_for(Subject.TARGET, ["team"]))
    assert caught.value.position == position


def test_names_are_those_of_the_subject() -> None:
    """An alert of a provider has no target to name."""
    check("{{ provider }} {{ labels.team }} plain } text {", names_for(Subject.PROVIDER, ["team"]))
    assert "target" not in names_for(Subject.PROVIDER, [])
    assert "provider" not in names_for(Subject.LOCATION, [])
