"""What a silence is, and what is none."""

import re
from dataclasses import replace

import pytest

from alerting.expression import parse
from alerting.match import Match
from alerting.routing.silence import (
    LONGEST_S,
    Silence,
    check,
    cleaned,
    known_labels,
    matchers_text,
    parse_matchers,
)
from alerting.rule import Rule
from tests.unit.alerting.windows import CHAT

NOW = 1_000_000.0
KNOWN = ("alertname", "provider", "target")
ONE = Silence("1", Match((("provider", ("openai",)),)), NOW, NOW + 3600, "ann", "they told us")


@pytest.mark.parametrize(("at", "quiet"), [(-1, False), (0, True), (3599, True), (3600, False)])
def test_it_holds_from_its_begin_until_before_its_end(at: float, quiet: bool) -> None:
    """Of alerts that match; of others never."""
    assert ONE.holds({"provider": "openai"}, NOW + at) is quiet
    assert not ONE.holds({"provider": "grok"}, NOW + at)


@pytest.mark.parametrize(
    ("texts", "yes", "no"),
    [
        (["provider=openai"], {"provider": "openai"}, {"provider": "grok"}),
        (["alertname=High*|Slow*"], {"alertname": "SlowMean"}, {"alertname": "Down"}),
        (["model=!gpt-4o"], {"model": "gpt-3"}, {"model": "gpt-4o"}),
        (["model=a", "provider=b"], {"model": "a", "provider": "b"}, {"model": "a"}),
        (["target="], {"provider": "openai"}, {"target": "chat"}),
        (["team=a=b"], {"team": "a=b"}, {"team": "a"}),
    ],
)
def test_matchers_read_as_they_are_written(
    texts: list[str], yes: dict[str, str], no: dict[str, str]
) -> None:
    """Names with patterns, several of them, exclusions; and the way back is the same text."""
    match = parse_matchers(texts)
    assert match.matches(yes)
    assert not match.matches(no)
    assert matchers_text(match).split(" ") == texts


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["provider"], "expected LABEL=PATTERN"),
        (["=openai"], "expected LABEL=PATTERN"),
        (["a b=c"], "expected LABEL=PATTERN"),
        (["provider=a", "provider=b"], "provider=ONE|OTHER"),
        (["provider=a\nb"], "up to 200 characters"),
        (["provider=" + "a" * 201], "up to 200 characters"),
    ],
)
def test_what_is_no_matcher_is_refused(texts: list[str], told: str) -> None:
    """With what would be one."""
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_matchers(texts)


def test_a_sound_silence_is_taken() -> None:
    """One that begins later, lasts as long as may be, or excludes alone, too."""
    check(ONE, KNOWN, NOW)
    check(replace(ONE, starts_at=NOW + 60, ends_at=NOW + 60 + LONGEST_S), KNOWN, NOW)
    check(replace(ONE, match=parse_matchers(["provider=!openai"])), KNOWN, NOW)
    check(replace(ONE, match=parse_matchers(["provider=*", "target=a"])), KNOWN, NOW)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (replace(ONE, match=Match()), "a silence of everything"),
        (replace(ONE, match=parse_matchers(["provider=*"])), "a silence of everything"),
        (replace(ONE, match=parse_matchers(["provider=a|**"])), "a silence of everything"),
        (replace(ONE, match=parse_matchers(["provder=a"])), "did you mean provider?"),
        (replace(ONE, match=parse_matchers(["zzz=a"])), "there is alertname, provider, target"),
        (replace(ONE, ends_at=NOW), "in the past"),
        (replace(ONE, starts_at=NOW + 7200), "before it begins"),
        (replace(ONE, ends_at=NOW + LONGEST_S + 1), "longer than 90 days"),
        (replace(ONE, comment=" "), "a comment is needed"),
        (replace(ONE, author=""), "--author"),
    ],
)
def test_what_nobody_can_mean_is_refused(wrong: Silence, told: str) -> None:
    """In one line that says what to do."""
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        check(wrong, KNOWN, NOW)
    assert "\n" not in str(refused.value)


def test_the_labels_of_targets_and_rules_are_known() -> None:
    """Beside those that every alert has."""
    target = replace(CHAT, labels=(("team", "ml"),))
    rule = Rule(name="X", when=parse("samples > 1"), over_s=900.0, labels=(("runbook", "r"),))
    known = known_labels((target,), (rule,))
    assert {"team", "runbook", "fingerprint", "fault", "preset"} <= set(known)
    assert list(known) == sorted(known)


def test_what_people_write_is_one_line_without_secrets() -> None:
    """A comment may hold what somebody pasted."""
    assert cleaned("see\nhunter22", ["hunter22"]) == "see ***"
