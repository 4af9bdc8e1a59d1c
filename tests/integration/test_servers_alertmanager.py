"""Alertmanager takes an alert, tells its webhook and shows it to amtool."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.servers.alertmanager import Alert, Alertmanager
from tests.standins.webhook_receiver import Receiver

ALERT: Alert = {
    "labels": {"alertname": "Down", "target": "gpt-chat", "severity": "critical"},
    "annotations": {"summary": "gpt-chat is down"},
    "startsAt": "2026-01-02T03:04:05.000Z",
    "endsAt": "2199-01-01T00:00:00.000Z",
    "generatorURL": "https://sonde.example/",
}


async def delivered(receiver: Receiver, count: int) -> dict[str, Any]:
    """Wait until so many bodies have been accepted, and return the newest."""
    async with asyncio.timeout(20):
        while len(receiver.deliveries) < count:  # noqa: ASYNC110 - accepted, not only arrived
            await asyncio.sleep(0.02)
    return receiver.deliveries[-1]


async def test_an_alert_reaches_the_webhook(alertmanager: Callable[[str], Alertmanager]) -> None:
    """Firing, then resolved; and its body has the very fields our stand-in asks of ours."""
    async with Receiver(None, lambda: 0.0) as receiver:
        server = alertmanager(receiver.url)
        server.post([ALERT])
        firing = await delivered(receiver, 1)
        server.post([ALERT | {"endsAt": "2026-01-02T03:05:05.000Z"}])
        resolved = await delivered(receiver, 2)
    assert (firing["status"], resolved["status"]) == ("firing", "resolved")
    assert (firing["version"], firing["truncatedAlerts"]) == ("4", 0)
    assert firing["alerts"][0]["labels"] == ALERT["labels"]
    assert firing["alerts"][0]["generatorURL"] == ALERT["generatorURL"]
    assert receiver.requests == 2


def test_alerts_are_listed(alertmanager: Callable[[str], Alertmanager]) -> None:
    """By the API, and by amtool, which can also silence them."""
    server = alertmanager("http://127.0.0.1:9/nobody")
    assert server.alerts() == []
    server.post([ALERT])
    (alert,) = server.alerts()
    assert alert["labels"] == ALERT["labels"]
    (shown,) = json.loads(server.amtool("alert", "query", "target=gpt-chat", "-o", "json"))
    assert shown["fingerprint"] == alert["fingerprint"]
    server.amtool("silence", "add", "alertname=Down", "--comment", "x", "--author", "x")
    assert json.loads(server.amtool("alert", "query", "-o", "json")) == []


def test_what_is_no_alert_is_refused(alertmanager: Callable[[str], Alertmanager]) -> None:
    """No labels, a bad time: 400; amtool fails for a silence of nothing."""
    server = alertmanager("http://127.0.0.1:9/nobody")
    bad_ones: list[Alert] = [{"labels": {}}, ALERT | {"startsAt": "yesterday"}]
    for bad in bad_ones:
        with pytest.raises(httpx2.HTTPStatusError, match=r"'4\d\d "):
            server.post([bad])
    with pytest.raises(subprocess.CalledProcessError):
        server.amtool("silence", "add", "--comment", "of nothing")
    assert server.alerts() == []
