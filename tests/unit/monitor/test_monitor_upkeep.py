"""What is told again to those who forget: what was delivered as firing and still fires."""

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from alerting import outbox
from alerting.alertmanager_alerts import RESEND_EVERY_S
from alerting.notification import DeliveryError, Notification, Repeating
from alerting.store import ALERTING
from monitor.upkeep import Upkeep
from tests.unit.alerting.messages import NOW, firing, resolved


@dataclass
class Forgetful:
    """A channel that must be told again."""

    name: str = "am"
    repeats: list[list[str]] = field(default_factory=list)
    error: Exception | None = None

    async def send(self, notification: Notification, /) -> None:
        raise AssertionError("sending is delivery's")

    async def repeat(
        self, notifications: Iterable[Notification], firing: AbstractSet[str], /
    ) -> None:
        told = (each for message in notifications for each in message.alerts)
        self.repeats.append([each.fingerprint for each in told if each.fingerprint in firing])
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        pass


async def ledger_of(folder: Path, sent: Iterable[Notification]) -> Ledger:
    """Open a ledger whose outbox has delivered these to the channel, and queued one more."""
    ledger = Ledger.open(folder / "sonde.db", (ALERTING,), inline=True)
    for notification in sent:
        news, channels = [notification], ["am", "team"]
        await ledger.write(partial(outbox.enqueue, notifications=news, channels=channels, now=NOW))
        (row,) = await ledger.read(lambda c: outbox.due(c, "am", NOW, 1))
        await ledger.write(partial(outbox.mark_sent, seq=row.seq, now=NOW))
    await ledger.write(lambda c: outbox.enqueue(c, [firing("queued")], ["am"], NOW))
    return ledger


async def one_round(upkeep: Upkeep) -> None:
    """Run until it rests."""
    task = asyncio.create_task(upkeep.run())
    await asyncio.sleep(RESEND_EVERY_S / 2)
    task.cancel()
    await asyncio.wait([task])


pytestmark = pytest.mark.looptime


async def test_what_stands_is_told_again(tmp_path: Path) -> None:
    """Not what is over, what waits for its first delivery, or what fires no more."""
    sent = [firing("a"), firing("b"), firing("c"), resolved("b"), firing("d")]
    ledger = await ledger_of(tmp_path, sent)
    channel = Forgetful()
    await one_round(Upkeep({"am": channel}, ledger, lambda: frozenset("abcq")))
    await one_round(Upkeep({"am": channel}, ledger, frozenset))
    await ledger.close(1.0)
    assert isinstance(channel, Repeating)
    assert channel.repeats == [["a", "c"]]


@pytest.mark.parametrize("error", [DeliveryError("busy", retryable=True), TimeoutError()])
async def test_a_channel_that_is_down_is_told_at_the_next_round(
    tmp_path: Path, error: Exception
) -> None:
    """A failure is logged; the rounds go on."""
    ledger = await ledger_of(tmp_path, [firing("a")])
    channel = Forgetful(error=error)
    with capture_logs() as logs:
        upkeep = Upkeep({"am": channel}, ledger, lambda: frozenset("a"))
        task = asyncio.create_task(upkeep.run())
        await asyncio.sleep(1.5 * RESEND_EVERY_S)
        task.cancel()
        await asyncio.wait([task])
    await ledger.close(1.0)
    assert channel.repeats == [["a"], ["a"]]
    assert [each["event"] for each in logs] == ["upkeep.failed", "upkeep.failed"]
