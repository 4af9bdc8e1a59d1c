"""Alerts for an Alertmanager, without sending them."""

import json
from dataclasses import replace
from typing import Any

from alerting.alertmanager_alerts import RESEND_EVERY_S, VALID_S, alertmanager_alerts
from alerting.notification import Notification
from alerting.payload import stamp
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED


def alerts(*notifications: Notification, now: float = NOW) -> list[dict[str, Any]]:
    """Return what would be posted."""
    posted = ((each, each.url) for each in notifications)
    made: list[dict[str, Any]] = json.loads(alertmanager_alerts(posted, now))
    return made


def test_a_firing_alert_ends_ahead_and_further_ahead_each_time() -> None:
    """Three repeats may be lost before it runs out; its beginning and labels stay the same."""
    first, again = alerts(FIRING), alerts(FIRING, now=NOW + RESEND_EVERY_S)
    assert first[0]["endsAt"] == stamp(NOW + VALID_S)
    assert again[0]["endsAt"] == stamp(NOW + RESEND_EVERY_S + VALID_S)
    assert VALID_S > 3 * RESEND_EVERY_S
    assert {**first[0], "endsAt": ""} == {**again[0], "endsAt": ""}


def test_an_alert_that_is_over_ended_when_it_did() -> None:
    """Under the same labels, or Alertmanager would not know it."""
    firing, over = alerts(FIRING, RESOLVED)
    assert over["endsAt"] == stamp(NOW + 720)
    assert over["labels"] == firing["labels"]


def test_names_that_old_ones_refuse_are_spelt_otherwise() -> None:
    """Letters, digits and underscores; name and severity are there whatever the labels hold."""
    (alert,) = alerts(replace(FIRING, labels=(("team.name", "ml"), ("2nd", "x")), url=None))
    assert alert["labels"] == {
        "team_name": "ml", "_2nd": "x", "alertname": "HighLatency", "severity": "warning",
    }  # fmt: skip
    assert "generatorURL" not in alert


def test_a_rules_annotations_are_alertmanagers() -> None:
    """Under their names, for templates there that ask for a runbook."""
    (alert,) = alerts(replace(FIRING, annotations=(("runbook_url", "https://wiki.example/slow"),)))
    assert alert["annotations"]["runbook_url"] == "https://wiki.example/slow"
