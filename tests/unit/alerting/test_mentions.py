"""Nobody is called together by what somebody else wrote, in any channel, wherever it stands."""

import json
import re
from collections.abc import Callable

import pytest

from alerting.alertmanager_alerts import alertmanager_alerts
from alerting.mail import mail
from alerting.message import subject, text, word
from alerting.notification import Notification
from alerting.pagerduty_event import pagerduty_event
from alerting.payload import webhook_body
from alerting.slack_message import slack_message
from tests.unit.alerting.groups import hostile
from tests.unit.alerting.messages import NOW


def mailed(notification: Notification) -> str:
    """Return a mail's subject and both its parts as they are read."""
    made = mail(notification, sender="a@b.example", recipients=("c@d.example",), sent_at=NOW)
    parts = (made.get_body(("plain",)), made.get_body(("html",)))
    return made["Subject"] + "".join(str(part.get_content()) for part in parts if part is not None)


def annotations(body: bytes) -> str:
    """Return what an Alertmanager's receivers put into words; labels stay what they are."""
    alerts = json.loads(body)
    found = alerts["alerts"] if isinstance(alerts, dict) else alerts
    return json.dumps([each["annotations"] for each in found], ensure_ascii=False)


def paged(notification: Notification) -> str:
    """Return an event as it is read."""
    event = json.loads(pagerduty_event(notification, routing_key="R" * 32))
    return json.dumps(event, ensure_ascii=False)


CHANNELS: dict[str, Callable[[Notification], str]] = {
    "slack": lambda n: json.dumps(slack_message(n), ensure_ascii=False),
    "webhook": lambda n: annotations(webhook_body(n, receiver="ops")),
    "alertmanager": lambda n: annotations(
        alertmanager_alerts([(each, None) for each in n.alerts], NOW)
    ),
    "pagerduty": paged,
    "email": mailed,
    "apprise": lambda n: f"{word(n)} {subject(n)}\n{text(n)}",
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_channel_calls_anybody(channel: str) -> None:
    """Not in the headline, the facts, the notes or the lines of a group."""
    shown = CHANNELS[channel](hostile())
    calls = re.findall(r"<[!@#][^\u200b]|\u202e|sk-abc", shown)
    assert calls == []
    if channel != "slack":  # where an @ alone calls nobody: mentions are written with brackets
        assert re.findall(r"@(?:everyone|here)", shown) == []
