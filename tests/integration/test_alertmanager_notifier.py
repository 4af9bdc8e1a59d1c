"""Our alerts in a real Alertmanager: told on, held up, resolved, run out; one of two is down."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.alertmanager import AlertmanagerNotifier
from monitor.clock import Clock
from probes.secret import Secret, SecretSource
from tests.integration.test_servers_alertmanager import delivered
from tests.servers.alertmanager import Alertmanager
from tests.standins.alertmanager import TOKEN
from tests.standins.alertmanager import Alertmanager as StandIn
from tests.standins.server import Server
from tests.standins.webhook_receiver import Receiver
from tests.unit.alerting.groups import GROUP
from tests.unit.alerting.messages import FIRING, RESOLVED

WALL = Clock().wall


def now_firing() -> Notification:
    """Return an alert that fired a moment ago."""
    return replace(FIRING, starts_at=WALL() - 120, fired_at=WALL())


def channel(*urls: str) -> AlertmanagerNotifier:
    """Return a channel to these Alertmanagers."""
    return AlertmanagerNotifier("am", urls, wall=WALL, allow_http=True, allow_private=True)


async def test_an_alert_fires_and_resolves_there(
    alertmanager: Callable[[str], Alertmanager],
) -> None:
    """It tells its webhook of our alert, with our labels, and of its end; a repeat is no news."""
    firing = now_firing()
    over = replace(RESOLVED, starts_at=firing.starts_at, fired_at=firing.fired_at)
    fires = frozenset({firing.fingerprint})
    async with Receiver(None, lambda: 0.0) as receiver:
        server = alertmanager(receiver.url)
        ours = channel(server.url)
        await ours.send(firing)
        await ours.repeat([firing], fires)
        first = await delivered(receiver, 1)
        await ours.send(replace(over, ends_at=WALL()))
        last = await delivered(receiver, 2)
        await ours.repeat([firing], fires)  # the outbox was read before the end was sent
        await ours.close()
    assert (first["status"], last["status"]) == ("firing", "resolved")
    assert first["alerts"][0]["labels"] == dict(firing.labels)
    assert first["alerts"][0]["annotations"]["summary"] == firing.summary
    assert [alert["status"] for alert in last["alerts"]] == ["resolved"]
    assert server.alerts() == []


async def test_an_alert_that_is_not_repeated_runs_out(
    alertmanager: Callable[[str], Alertmanager],
) -> None:
    """Should we fall silent, the end that came with it comes."""
    server = alertmanager("http://127.0.0.1:9/nobody")
    late = AlertmanagerNotifier(
        "am", (server.url,), wall=lambda: WALL() - 239, allow_http=True, allow_private=True
    )
    await late.send(now_firing())
    async with asyncio.timeout(20):
        while server.alerts():  # noqa: ASYNC110 - a process of its own
            await asyncio.sleep(0.1)
    await late.close()


async def test_one_of_two_is_enough(alertmanager: Callable[[str], Alertmanager]) -> None:
    """Sent: the one that is down is told by the next repeat. None of them: tried again."""
    server = alertmanager("http://127.0.0.1:9/nobody")
    async with Server() as gone:
        nobody = gone.origin
    both, none = channel(nobody, server.url), channel(nobody, nobody)
    await both.send(now_firing())
    assert len(server.alerts()) == 1
    with pytest.raises(DeliveryError) as caught:
        await none.send(now_firing())
    assert caught.value.retryable
    await both.close()
    await none.close()


async def test_of_a_group_only_what_fires_still_is_repeated() -> None:
    """Not what was over when the message went out, ended since, or was reported over by us."""
    second, third = (each.fingerprint for each in GROUP.others[:2])
    async with StandIn() as server:
        ours = AlertmanagerNotifier(
            "am", (server.origin,), wall=WALL, token=SecretSource(Secret(TOKEN)),
            allow_http=True, allow_private=True,
        )  # fmt: skip
        await ours.send(GROUP)
        await ours.send(replace(RESOLVED, fingerprint=third, fired_at=GROUP.others[1].fired_at))
        everything = frozenset(each.fingerprint for each in GROUP.alerts)
        await ours.repeat([GROUP], everything - {second})
        await ours.repeat([GROUP], frozenset())
        await ours.close()
    assert [len(each) for each in server.posts] == [4, 1, 1]
    (repeated,) = server.posts[2]
    assert repeated["labels"] == dict(GROUP.labels) | {"severity": "critical"}
