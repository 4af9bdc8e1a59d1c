"""What goes to Slack and to webhooks, without any HTTP."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from alerting.payload import NEVER, escaped, slack_message, stamp, webhook_body
from alerting.rule import Severity
from tests.standins.slack import fault_in
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED

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


def test_the_webhook_body_while_firing() -> None:
    """Alertmanager's version 4, with this one alert in it."""
    body = json.loads(webhook_body(FIRING, receiver="ops"))
    labels = dict(FIRING.labels)
    annotations = {
        "summary": FIRING.summary, "condition": FIRING.condition, "value": FIRING.value
    }  # fmt: skip
    assert body == {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}:00ff00ff00ff00ff',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "ops",
        "groupLabels": {"alertname": "HighLatency"},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "https://sonde.example/",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": "2023-11-14T22:11:20.000Z",
                "endsAt": NEVER,
                "generatorURL": "https://sonde.example/",
                "fingerprint": "00ff00ff00ff00ff",
            }
        ],
    }


def test_the_webhook_body_when_over() -> None:
    """A resolved alert has an end, and no link where none is configured."""
    body = json.loads(webhook_body(replace(RESOLVED, url=None), receiver="ops"))
    assert body["status"] == "resolved"
    (alert,) = body["alerts"]
    assert alert["endsAt"] == "2023-11-14T22:25:20.000Z"
    assert alert["generatorURL"] == body["externalURL"] == ""


def test_the_webhook_body_is_the_same_on_every_attempt() -> None:
    """A retry repeats the very bytes, lone surrogates and all."""
    odd = replace(FIRING, summary="\ud800 \U0001f600")
    assert webhook_body(odd, receiver="ops") == webhook_body(odd, receiver="ops")
    assert json.loads(webhook_body(odd, receiver="ops"))["alerts"]


@pytest.mark.parametrize("at", [0.0, NOW, NOW + 0.0004, 4_102_444_800.5])
def test_times_are_utc_and_read_back(at: float) -> None:
    """RFC 3339 in UTC, to the millisecond."""
    assert stamp(at).endswith("Z")
    assert datetime.fromisoformat(stamp(at)).timestamp() == pytest.approx(at, abs=0.001)


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


def test_webhooks_get_notes_as_an_annotation() -> None:
    """A line each; without any there is no such annotation."""
    annotations = json.loads(webhook_body(NOTED, receiver="ops"))["alerts"][0]["annotations"]
    assert annotations["notes"].split("\n") == list(NOTED.notes)
    plain = json.loads(webhook_body(FIRING, receiver="ops"))["alerts"][0]["annotations"]
    assert "notes" not in plain
