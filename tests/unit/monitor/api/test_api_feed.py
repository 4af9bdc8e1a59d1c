"""What the stream tells of a real road, without a socket and in virtual time."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.api.feed import Feed
from monitor.api.models.live import Tick
from monitor.api.sources import Sources, sources_of
from monitor.api.stream import OPEN_S, QUIET_S, told
from monitor.clock import Clock
from tests.unit.aggregator.samples import result
from tests.virtual.road import Found, Virtual, shipped


class Life:
    """A road that stands, its sources, and a feed of them."""

    def __init__(self, folder: Path) -> None:
        config = shipped(folder, {"OPENAI_API_KEY": "sk-feed-0123456789abcdef"})
        self.virtual = Virtual(config, folder, lambda _target, _at: Found(0.1))
        self.sources = self.new()
        self.feed = Feed(lambda: self.sources)
        self.target = config.targets[0]

    def new(self) -> Sources:
        road, ledger = self.virtual.road, self.virtual.ledger
        return sources_of(road, None, ledger, Clock(lambda: 1.0, lambda: 1.0), 0.0)

    async def probed(self) -> None:
        """Take a result of the first target."""
        found = replace(result(), target=self.target.name, provider=self.target.provider)
        await self.virtual.road.pipeline.take(self.target, found)

    def tick(self, since: int) -> Tick:
        return Tick.model_validate_json(self.feed.tick(since))


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    made = Life(tmp_path)
    yield made
    await made.virtual.ledger.close()


async def test_everything_is_told_once(life: Life) -> None:
    """The first look finds all of it; when nothing changed there is no news after it."""
    await life.feed.look()
    whole = life.tick(0)
    assert whole.instance is not None
    assert len(whole.targets) == len(life.sources.config.targets)
    assert whole.alerts == []
    number = life.feed.number
    await life.feed.look()
    assert life.feed.number == number


async def test_only_what_changed_is_told(life: Life) -> None:
    """A result of one target is news of that target; who was away gets the same, and no more."""
    await life.feed.look()
    heard = life.feed.number
    await life.probed()
    await life.feed.look()
    tick = life.tick(heard)
    assert life.target.name in {row.name for row in tick.targets}
    assert tick.alerts is None
    assert len(life.tick(0).targets) == len(life.sources.config.targets)


async def test_who_comes_after_a_while_without_anybody_hears_how_it_is_now(life: Life) -> None:
    """Nobody looks while nobody listens: what was known then is not told as what is."""
    await life.feed.look()
    await life.probed()
    life.feed.listening(1)
    async with aclosing(told(life.feed, "")) as events:
        await anext(events)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(_next(events), name="listener")
            await asyncio.sleep(0)
            assert not first.done()
            await life.feed.look()
        tick = Tick.model_validate_json(first.result().split(b"data: ")[1])
    assert [row.name for row in tick.targets if row.last is not None] == [life.target.name]


async def test_who_comes_after_a_while_in_which_nothing_changed(life: Life) -> None:
    """Gets everything as soon as somebody has looked."""
    await life.feed.look()
    life.feed.listening(1)
    async with aclosing(told(life.feed, "")) as events:
        await anext(events)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(_next(events), name="listener")
            await asyncio.sleep(0)
            await life.feed.look()
        assert b"event: tick" in first.result()


async def _next(events: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(events)


async def test_all_who_are_missing_the_same_share_it(life: Life) -> None:
    """What is told is written once, however many are told."""
    await life.feed.look()
    assert life.feed.tick(0) is life.feed.tick(0)


async def test_who_heard_everything_gets_the_time(life: Life) -> None:
    """Nothing but `now`, so that a page knows that the connection lives."""
    await life.feed.look()
    said = json.loads(life.feed.tick(life.feed.number))
    assert said == {"now": 1.0, "instance": None, "targets": [], "alerts": None}


async def test_another_configuration_is_another_life(life: Life) -> None:
    """After a reload numbers begin anew, and everybody is told to ask for everything."""
    await life.feed.look()
    before = life.feed.life
    async with aclosing(told(life.feed, f"{before}.1")) as events:
        assert (await anext(events)).startswith(b"retry: ")
        life.sources = life.new()
        await life.feed.look()
        assert b"event: resync" in await anext(events)
        await life.probed()
        await life.feed.look()
        assert b"event: tick" in await anext(events)
    assert life.feed.life != before


async def test_a_stream_ends_when_the_feed_does(life: Life) -> None:
    """Whoever waits is woken, and nobody waits again."""
    await life.feed.look()
    async with aclosing(told(life.feed, "")) as events:
        await anext(events)
        await anext(events)
        life.feed.stop()
        assert [event async for event in events] == []


async def test_a_stream_is_open_for_an_hour(life: Life) -> None:
    """Then it ends, and who comes back shows the token that counts by now."""
    await life.feed.look()
    moments = iter((0.0, 0.0, OPEN_S))
    async with aclosing(told(life.feed, "", lambda: next(moments))) as events:
        found: list[Any] = [event async for event in events]  # Any: bytes, counted alone
    assert len(found) == 2


def test_silence_is_shorter_than_a_page_waits() -> None:
    """The dashboard takes 40 s of silence for a dead connection."""
    assert 2 * QUIET_S < 40.0
