"""What goes to webhooks, without any HTTP."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from alerting.literal import literal
from alerting.payload import NEVER, stamp, webhook_body
from tests.unit.alerting.groups import GROUP, HUGE, OVER
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED

NOTED = replace(FIRING, notes=("the key has a trailing blank", "provider reports: <!here> Outage"))


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


def test_webhooks_get_notes_as_an_annotation() -> None:
    """A line each; without any there is no such annotation."""
    annotations = json.loads(webhook_body(NOTED, receiver="ops"))["alerts"][0]["annotations"]
    assert annotations["notes"].split("\n") == list(map(literal, NOTED.notes))
    plain = json.loads(webhook_body(FIRING, receiver="ops"))["alerts"][0]["annotations"]
    assert "notes" not in plain


def test_a_group_is_one_body() -> None:
    """Every alert, what they share, what found no room; one key from the first to the last."""
    body = json.loads(webhook_body(HUGE, receiver="ops"))
    assert len(body["alerts"]) == 31
    assert body["truncatedAlerts"] == 7
    assert body["groupLabels"] == {"provider": "openai", "fault": "provider", "team": ""}
    assert body["commonLabels"] == dict(FIRING.labels)
    assert set(body["commonAnnotations"]) == {"condition", "value"}
    assert body["status"] == "firing"
    over = json.loads(webhook_body(OVER, receiver="ops"))
    assert over["groupKey"] == body["groupKey"]
    assert over["groupKey"].startswith('{}:{provider="openai", fault="provider"')
    assert {each["status"] for each in over["alerts"]} == {"resolved"}


def test_what_a_rule_annotates_goes_first() -> None:
    """Its own summary in the place of ours, its runbook under its name."""
    annotations = json.loads(webhook_body(GROUP, receiver="ops"))["alerts"][0]["annotations"]
    assert annotations["summary"] == "page the ml team"
    assert annotations["runbook_url"] == "https://wiki.example/slow"
