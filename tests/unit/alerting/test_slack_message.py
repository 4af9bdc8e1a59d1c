"""What goes to Slack, without any HTTP."""

import json
from dataclasses import replace
from typing import Any

import pytest

from alerting.rule import Severity
from alerting.slack_message import escaped, slack_message
from tests.standins.slack import fault_in
from tests.unit.alerting.groups import GROUP, OVER, others
from tests.unit.alerting.messages import FIRING, RESOLVED

MESSAGE_FIELDS = {"text", "blocks", "unfurl_links", "unfurl_media"}
HOSTILE = "<!channel> <!here> <@U123> <#C1> <https://evil.example> &amp; @here \n\x1b[31m \u202eabc"


def texts(message: dict[str, Any]) -> str:
    """Return everything of a message that Slack would show."""
    return json.dumps(message, ensure_ascii=False)


def field(message: dict[str, Any], title: str) -> str | None:
    """Return the text of a titled field, or None."""
    for each in message["blocks"][1]["fields"]:
        head, _, words = each["text"].partition("\n")
        if head == f"*{title}*":
            return str(words)
    return None


def test_a_firing_message_says_it_all() -> None:
    """Header, line, fields and context, with a top-level text for lists and screen readers."""
    message = slack_message(FIRING)
    assert fault_in(message, MESSAGE_FIELDS) is None
    assert message["text"].startswith("\N{LARGE ORANGE CIRCLE} firing: gpt-chat")
    header, section, context, actions = message["blocks"]
    assert header["text"]["text"] == "\N{LARGE ORANGE CIRCLE} HighLatency (warning)"
    assert "8.2 s &gt; 5 s" in section["text"]["text"]
    assert field(message, "Target") == "gpt-chat"
    assert field(message, "Model") == "gpt-4o-mini"
    assert field(message, "Condition") == "latency.p95 &gt; 5s"
    assert field(message, "Value") == "8.2 s"
    assert field(message, "Since") == "2023-11-14T22:11:20.000Z"
    assert field(message, "Lasted") is None
    assert context["elements"][0]["text"] == "alert 00ff00ff00ff00ff · team=ml"
    assert actions["elements"][0]["url"] == "https://sonde.example/"


def test_a_resolved_message_is_green_and_says_how_long() -> None:
    """The end of an alert looks different from its beginning."""
    message = slack_message(RESOLVED)
    assert fault_in(message, MESSAGE_FIELDS) is None
    assert message["blocks"][0]["text"]["text"] == "\N{LARGE GREEN CIRCLE} HighLatency (resolved)"
    assert message["text"].startswith("\N{LARGE GREEN CIRCLE} resolved: ")
    assert field(message, "Lasted") == "14m"


def test_severities_look_different() -> None:
    """Critical, warning and info are told apart at a glance."""
    bullets = {slack_message(replace(FIRING, severity=each))["text"][0] for each in Severity}
    assert len(bullets) == len(Severity)


def test_without_a_public_url_there_is_no_button() -> None:
    """A link to nowhere is left out."""
    message = slack_message(replace(FIRING, url=None))
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "context"]


def test_hostile_text_makes_no_mention_and_no_link() -> None:
    """Mentions, links, control characters and overrides are shown as letters or dropped."""
    labels = tuple((name, HOSTILE) for name in ("target", "provider", "model", "team"))
    message = slack_message(
        replace(
            FIRING,
            alertname=HOSTILE,
            labels=labels,
            condition=HOSTILE,
            value=HOSTILE,
            summary=HOSTILE,
            fingerprint=HOSTILE,
        )
    )
    assert fault_in(message, MESSAGE_FIELDS) is None
    shown = texts(message)
    assert "<" not in shown
    assert ">" not in shown
    assert "\u202e" not in shown
    assert "\\u001b" not in shown
    assert all(
        each.get("verbatim")
        for each in message["blocks"][1]["fields"] + message["blocks"][2]["elements"]
    )


def test_endless_text_is_cut_to_what_slack_takes() -> None:
    """Ten thousand letters or escapes everywhere still make a valid message."""
    for letter in ("x", "&", "<", "\N{GRINNING FACE}"):
        long = letter * 10_000
        labels = tuple((name, long) for name in ("target", "provider", "model", "team"))
        message = slack_message(
            replace(
                RESOLVED,
                alertname=long,
                labels=labels,
                summary=long,
                value=long,
                condition=long,
                fingerprint=long,
            )
        )
        assert fault_in(message, MESSAGE_FIELDS) is None


def test_empty_values_are_no_empty_fields() -> None:
    """Slack refuses empty text; a rule that is gone has no condition and no value."""
    message = slack_message(replace(RESOLVED, condition="", value="", labels=(("model", ""),)))
    assert fault_in(message, MESSAGE_FIELDS) is None


def test_escaping_is_exactly_slacks() -> None:
    """Three characters, ampersand first."""
    assert escaped("a < b & c > d") == "a &lt; b &amp; c &gt; d"


NOTED = replace(FIRING, notes=("the key has a trailing blank", "provider reports: <!here> Outage"))


def test_slack_shows_notes_under_the_line() -> None:
    """One element for each, escaped as everything is; none of them, no block."""
    message = slack_message(NOTED)
    assert fault_in(message, MESSAGE_FIELDS) is None
    notes, context = message["blocks"][2:4]
    assert [each["text"] for each in notes["elements"]] == [
        "the key has a trailing blank",
        "provider reports: &lt;!here&gt; Outage",
    ]
    assert context["elements"][0]["text"].startswith("alert ")
    blank = slack_message(replace(FIRING, notes=("\u202e", "")))
    assert len(blank["blocks"]) == len(message["blocks"]) - 1
    assert fault_in(blank, MESSAGE_FIELDS) is None


def test_a_group_is_one_message() -> None:
    """Numbers in the header, the loudest with its fields, a line for each other one, links."""
    message = slack_message(GROUP)
    assert fault_in(message, MESSAGE_FIELDS) is None
    header, section, notes, rest, context, actions = message["blocks"]
    assert header["text"]["text"] == (
        "\N{LARGE RED CIRCLE} openai, fault provider: 3 alerts fire, 1 over (critical)"
    )
    assert section["text"]["text"].startswith("HighLatency: gpt-chat")
    assert [each["text"] for each in notes["elements"]] == [
        "page the ml team",
        "runbook_url: https://wiki.example/slow",
        "newest failure: http_5xx, fault provider",
    ]
    assert rest["text"]["text"].splitlines()[0] == "warning Slow0: chat-0: slow"
    assert rest["text"]["verbatim"]
    assert context["elements"][0]["text"].startswith("alert ")
    assert [each["text"]["text"] for each in actions["elements"]] == ["Open Sonde", "Runbook"]
    assert message["text"] == (
        "\N{LARGE RED CIRCLE} firing: openai, fault provider: 3 alerts fire, 1 over"
    )


def test_a_group_that_is_over_is_green() -> None:
    """Whatever its alerts were."""
    message = slack_message(OVER)
    assert fault_in(message, MESSAGE_FIELDS) is None
    assert message["blocks"][0]["text"]["text"] == (
        "\N{LARGE GREEN CIRCLE} openai, fault provider: 3 alerts are over after 1h 2m (resolved)"
    )


def test_a_repetition_is_marked() -> None:
    """In the header and in the line for lists."""
    message = slack_message(replace(FIRING, why="repeat"))
    assert message["blocks"][0]["text"]["text"].endswith("(warning, still)")
    assert message["text"].startswith("\N{LARGE ORANGE CIRCLE} still firing: ")


@pytest.mark.parametrize("letter", ["x", "&", "<", "\N{GRINNING FACE}"])
def test_the_greatest_group_passes_every_limit(letter: str) -> None:
    """All texts as long as can be, all alerts there can be: blocks, texts and their sum."""
    long = letter * 10_000
    said = {
        "alertname": long,
        "summary": long,
        "value": long,
        "condition": long,
        "labels": tuple((name, long) for name in ("target", "provider", "model", "team")),
        "notes": (long,) * 12,
        "annotations": tuple((f"{long}{number}", long) for number in range(12)),
    }
    greatest = replace(
        RESOLVED, others=others(1_000, **said), more=9_000, group=(("p", long),), **said
    )
    assert fault_in(slack_message(greatest), MESSAGE_FIELDS) is None


def test_a_text_is_never_cut_within_an_entity() -> None:
    """Half an entity would be shown as letters."""
    assert escaped("a<<", 8) == "a&lt;"
    assert escaped("a<<", 9) == "a&lt;&lt;"
