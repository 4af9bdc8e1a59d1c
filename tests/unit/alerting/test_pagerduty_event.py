"""Events for PagerDuty, without sending them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from alerting.notification import Notification
from alerting.pagerduty_event import pagerduty_event
from alerting.rule import Severity
from tests.standins.pagerduty import EVENT_LIMIT_BYTES, ROUTING_KEY, fault_in
from tests.unit.alerting.groups import GROUP, HUGE, OVER
from tests.unit.alerting.messages import FIRING, RESOLVED


def event(notification: Notification) -> dict[str, Any]:
    """Return the event, which must be one that PagerDuty takes."""
    body = pagerduty_event(notification, routing_key=ROUTING_KEY)
    assert len(body) <= EVENT_LIMIT_BYTES
    made: dict[str, Any] = json.loads(body)
    assert fault_in(made) is None
    return made


def test_a_firing_alert_triggers_and_its_end_resolves() -> None:
    """Both by the key of the alert, so that the end closes what the beginning opened."""
    firing, over = event(FIRING), event(RESOLVED)
    assert (firing["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert firing["dedup_key"] == over["dedup_key"] == "sonde-00ff00ff00ff00ff"
    assert set(over) == {"routing_key", "event_action", "dedup_key"}


def test_what_an_incident_shows() -> None:
    """Who, how bad, since when, the link, and the details."""
    firing = event(replace(FIRING, notes=("newest failure: http_5xx",)))
    payload = firing["payload"]
    assert payload["summary"].startswith("HighLatency: gpt-chat")
    assert (payload["source"], payload["component"], payload["group"]) == (
        "gpt-chat", "gpt-chat", "openai",
    )  # fmt: skip
    assert payload["timestamp"] == "2023-11-14T22:11:20.000Z"
    assert payload["custom_details"]["notes"] == ["newest failure: http_5xx"]
    assert firing["links"] == [{"href": "https://sonde.example/", "text": "Open Sonde"}]
    assert "links" not in event(replace(FIRING, url=None))


@pytest.mark.parametrize("severity", list(Severity))
def test_severities_keep_their_names(severity: Severity) -> None:
    """PagerDuty knows the same three words, and one more."""
    assert event(replace(FIRING, severity=severity))["payload"]["severity"] == severity.value


@pytest.mark.parametrize(
    ("labels", "source"),
    [
        ((("provider", "p"), ("location", "l")), "p"),
        ((("location", "l"),), "l"),
        ((), "sonde"),
    ],
)
def test_every_event_has_a_source(labels: tuple[tuple[str, str], ...], source: str) -> None:
    """It is required; an alert over everything comes from us."""
    assert event(replace(FIRING, labels=labels))["payload"]["source"] == source


def test_the_longest_alert_stays_within_every_limit() -> None:
    """Hundreds of labels and megabytes of text are cut."""
    labels = tuple((f"l{number}", "\N{PILE OF POO}" * 10_000) for number in range(500))
    long = "\N{PILE OF POO}" * 100_000
    event(replace(FIRING, labels=labels, summary=long, value=long, notes=(long,) * 3))


def test_a_group_is_one_incident() -> None:
    """All its messages have the key of its run; the loudest is shown, the others in the details."""
    firing, over = event(GROUP), event(OVER)
    assert firing["dedup_key"] == over["dedup_key"] == "sonde-" + "t" * 24
    assert over["event_action"] == "resolve"
    assert firing["payload"]["summary"] == "openai, fault provider: 3 alerts fire, 1 over"
    assert firing["payload"]["severity"] == "critical"
    details = firing["payload"]["custom_details"]
    assert details["loudest"].startswith("HighLatency: gpt-chat")
    assert details["others"][0] == "warning Slow0: chat-0: slow"
    assert details["notes"][1] == "runbook_url: https://wiki.example/slow"
    assert firing["links"][1] == {"href": "https://wiki.example/slow", "text": "Runbook"}
    assert len(event(HUGE)["payload"]["custom_details"]["others"]) == 11
    assert "others" not in event(FIRING)["payload"]["custom_details"]
