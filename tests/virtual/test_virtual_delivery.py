"""Delivery through long stretches of trouble, in virtual time: order kept, nothing said twice."""

import asyncio
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from alerting import outbox
from alerting.notification import DeliveryError, Notification
from alerting.patience import LEDGER_PAUSE_S
from tests.unit.alerting.delivering import Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import firing, resolved

pytestmark = pytest.mark.looptime

ALERTS = "abc"
BEATS = 200
BEAT_S = 2.0
BUSY = DeliveryError("busy", retryable=True)
LIMITED = DeliveryError("429", retryable=True, retry_after_s=7, throttled=True)


class Story:
    """What happens to a few alerts, a disk and a channel, drawn from a seed."""

    def __init__(self, seed: int, disks: tuple[str, ...]) -> None:
        self._random = Random(seed)
        self._disks = disks
        self._told: dict[str, int] = defaultdict(int)

    def news(self) -> Notification | None:
        """Return what an alert does next, or nothing."""
        if self._random.random() < 0.6:
            return None
        alert = self._random.choice(ALERTS)
        self._told[alert] += 1
        number = (self._told[alert] + 1) // 2
        return firing(alert, number) if self._told[alert] % 2 else resolved(alert, number)

    def answer(self) -> Exception | float | None:
        """Return how the channel answers the next attempt."""
        return self._random.choice((None, None, 0.5, 3.0, BUSY, BUSY, LIMITED))

    async def change(self, road: Road) -> None:
        """Break the disk, or have it work again, now and then."""
        if self._random.random() < 0.15:
            await road.ledger.free()
            broken = self._random.choice(("", *self._disks))
            if broken:
                setattr(road.ledger, broken, True)


async def tell(road: Road, story: Story, sink: Sink) -> list[Notification]:
    """Play the story to its end, with all working again; return the news in order."""
    news: list[Notification] = []
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        for _ in range(BEATS):
            await story.change(road)
            sink.script.append(story.answer())
            if (notification := story.news()) is not None:
                news.append(notification)
                await road.save(deliverer, notification)
            await asyncio.sleep(BEAT_S)
        await road.ledger.free()
        sink.script.clear()
        await road.save(deliverer)
        await asyncio.sleep(700 + 2 * LEDGER_PAUSE_S)
    return news


@pytest.mark.parametrize("seed", range(25))
async def test_each_alert_is_heard_in_order_and_once(tmp_path: Path, seed: int) -> None:
    """A disk that fills up and hangs, a channel that fails: every message once, in its order."""
    sink = Sink()
    async with empty_road(tmp_path) as road:
        news = await tell(road, Story(seed, ("full", "stuck")), sink)
        assert await road.ledger.read(outbox.pending_counts) == {}
    for alert in ALERTS:
        said = [each.id for each in news if each.fingerprint == alert]
        assert [identity for identity in sink.taken if identity in said] == said
    assert len(sink.taken) == len(news)


@pytest.mark.parametrize("seed", range(10))
async def test_nothing_is_lost_to_a_disk_that_cannot_be_read(tmp_path: Path, seed: int) -> None:
    """Beginnings may then overtake an older end; every message is heard, once, all the same."""
    sink = Sink()
    async with empty_road(tmp_path) as road:
        news = await tell(road, Story(seed, ("full", "stuck", "unreadable", "hung")), sink)
        assert await road.ledger.read(outbox.pending_counts) == {}
    assert sorted(sink.taken) == sorted(each.id for each in news)
