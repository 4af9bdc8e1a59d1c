"""The whole way from outbox rows to real receivers, over sockets and a ledger with threads."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from aggregator.ledger import Ledger
from alerting import outbox
from alerting.deliver import Deliverer, Outcome
from alerting.notification import Notifier
from alerting.notifiers import build
from alerting.store import ALERTING
from probes.secret import Secret, SecretSource
from tests.standins import answers
from tests.standins.slack import Slack
from tests.standins.webhook_receiver import Receiver
from tests.unit.alerting.messages import NOW, firing, resolved

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHANNELS = ("team", "ops")


def wall() -> float:
    """Return a wall time that moves; asked for in the ledger's threads as well."""
    return NOW + time.monotonic()


@asynccontextmanager
async def notifiers(slack: Slack, receiver: Receiver) -> AsyncIterator[Mapping[str, Notifier]]:
    """Build a Slack webhook and a signed webhook for the two stand-ins."""
    built = {
        "team": build(
            "slack_webhook",
            name="team",
            url=SecretSource(Secret(slack.webhook_url)),
            wall=wall,
            allow_http=True,
        ),
        "ops": build(
            "webhook",
            name="ops",
            url=SecretSource(Secret(receiver.url)),
            secrets=(SecretSource(Secret(SIGNING)),),
            wall=wall,
            allow_http=True,
            allow_private=True,
        ),
    }
    yield built
    for notifier in built.values():
        await notifier.close()


async def deliver(ledger: Ledger, built: Mapping[str, Notifier], sent: int) -> Counter[str]:
    """Deliver until so many were sent; return how often each outcome came."""
    outcomes: Counter[str] = Counter()
    done = asyncio.Event()

    def note(_channel: str, outcome: Outcome) -> None:
        outcomes[outcome.value] += 1
        if outcomes[Outcome.SENT.value] == sent:
            done.set()

    deliverer = Deliverer(ledger, built, wall, note)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deliverer.run(), name="deliver")
        async with asyncio.timeout(30):
            await done.wait()
        running.cancel()
    assert await ledger.read(outbox.pending_counts) == {}
    return outcomes


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger with this package's tables."""
    opened = Ledger.open(tmp_path / "sonde.db", [ALERTING])
    yield opened
    await opened.close()


async def test_an_outage_is_told_on_every_channel_in_order(ledger: Ledger) -> None:
    """Each channel's first attempt fails its own way; both hear of the alert, then of its end."""
    async with Slack() as slack, Receiver(SIGNING, wall) as receiver:
        slack.script.append(answers.html())
        receiver.script.append(answers.status(429, Retry_After="1"))
        async with notifiers(slack, receiver) as built:
            await ledger.write(
                lambda connection: outbox.enqueue(
                    connection, (firing("a"), resolved("a")), CHANNELS, wall()
                )
            )
            outcomes = await deliver(ledger, built, sent=4)
        told = [message["text"].split(" ")[1] for message in slack.messages]
        assert told == ["firing:", "resolved:"]
        assert [body["status"] for body in receiver.deliveries] == ["firing", "resolved"]
        assert receiver.ids == ["msg_a_firing_1", "msg_a_resolved_1"]
    assert outcomes == {"sent": 4, "retried": 2}


async def test_a_lost_answer_repeats_the_same_id(ledger: Ledger) -> None:
    """The receiver took it, its answer was lost: it comes again, known by its id."""
    async with Slack() as slack, Receiver(SIGNING, wall) as receiver:

        async def take_and_drop(request: web.Request) -> web.StreamResponse:
            await receiver.take(request)
            return await answers.reset(request)

        receiver.script.append(take_and_drop)
        async with notifiers(slack, receiver) as built:
            await ledger.write(
                lambda connection: outbox.enqueue(connection, (firing("a"),), ("ops",), wall())
            )
            await deliver(ledger, built, sent=1)
        assert receiver.ids == ["msg_a_firing_1"] * 2
        assert len(receiver.deliveries) == 1


async def test_a_crash_between_sending_and_marking_repeats_the_same_id(tmp_path: Path) -> None:
    """The process died after the receiver took it: the next one sends again, same id."""
    path = tmp_path / "sonde.db"
    async with Slack() as slack, Receiver(SIGNING, wall) as receiver:
        async with notifiers(slack, receiver) as built:
            first = Ledger.open(path, [ALERTING])
            await first.write(
                lambda connection: outbox.enqueue(connection, (firing("a"),), ("ops",), wall())
            )
            (row,) = await first.read(lambda connection: outbox.due(connection, "ops", wall(), 1))
            await built["ops"].send(outbox.decode(row.payload))
            await first.close()
            second = Ledger.open(path, [ALERTING])
            await deliver(second, built, sent=1)
            await second.close()
        assert receiver.ids == ["msg_a_firing_1"] * 2
        assert len(receiver.deliveries) == 1
