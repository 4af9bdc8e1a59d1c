"""Slots of others that came to nothing: when the reader may say so."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from redis.asyncio import Redis

from aggregator.ledger import Ledger
from monitor.cluster.awaited import TOLD_S, Awaited
from monitor.cluster.codec import encode, joined
from monitor.cluster.link import AwayError, Link
from monitor.cluster.position import HEARD
from monitor.cluster.protocol import Heard, Keep
from monitor.cluster.publisher import FROM, MARK, NEWS
from monitor.cluster.reader import LOST_AT_ONCE, Entry, Reader
from monitor.cluster.ways import open_client
from monitor.config.redis_url import parse_redis_url
from monitor.config.values import Config
from probes.target import Slot
from tests.unit.aggregator.samples import embedding_target, result

T = TypeVar("T")
TARGET = embedding_target(name="chat", deadline_s=10.0)
DUE_S = 10.0 + TOLD_S


class Told(Link):
    """A stream whose answers are laid down: after how long, and what; None: it is away."""

    def __init__(self, *answers: tuple[float, Sequence[Entry] | None]) -> None:
        super().__init__(open_client(parse_redis_url("redis://nowhere"), None), "g")
        self.answers = list(answers)
        self.now = 0.0
        self.over = asyncio.Event()

    async def ask(self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = 0.5) -> T:
        return await work(self)  # type: ignore[arg-type] # all that is asked for is below

    async def xread(self, streams: object, **_: object) -> Sequence[object]:
        if not self.answers:
            self.over.set()
            await asyncio.Event().wait()
        took_s, entries = self.answers.pop(0)
        self.now += took_s
        if entries is None:
            raise AwayError("away")
        return [(b"", entries)] if entries else []

    async def xrevrange(self, *_: object, **__: object) -> Sequence[object]:
        return []


class Listener:
    """Who hears, and is told what is lost."""

    config = Config(source="test", location="here", providers=(), rules=(), targets=(TARGET,))

    def __init__(self) -> None:
        self.lost_slots: list[int] = []
        self.heard = self.asked = self.together = 0

    async def hear(self, heard: Sequence[Heard], _keep: Keep) -> Counter[str]:
        self.heard += len(heard)
        return Counter(new=len(heard))

    async def lost(self, _target: str, slot: Slot) -> bool:
        self.lost_slots.append(slot.number)
        self.asked += 1
        self.together = max(self.together, self.asked)
        await asyncio.sleep(0)
        self.asked -= 1
        return True


def entry(number: int, *slots: int) -> Entry:
    news = [encode(result(slot=slot)) for slot in slots]
    return f"{number}-0".encode(), {FROM: b"b", MARK: b"b", NEWS: joined(news)}


async def told(folder: Path, link: Told, hearer: Callable[[], Listener], slots: Awaited) -> Reader:
    """Let a reader have all answers of a link; return it."""
    ledger = Ledger.open(folder / "sonde.db", (HEARD,), inline=True)
    reader = Reader(link, ledger, b"a", "here", slots, lambda: link.now)
    running = asyncio.create_task(reader.run(hearer))
    await link.over.wait()
    running.cancel()
    await asyncio.wait([running])
    await ledger.close()
    return reader


async def lost(folder: Path, *answers: tuple[float, Sequence[Entry] | None]) -> list[int]:
    """Await slot 1 from 0 on, let the reader have these answers, and return what it calls lost."""
    slots, listener = Awaited(), Listener()
    slots.expect(TARGET, Slot(1, 0.0), 0.0)
    reader = await told(folder, Told(*answers), lambda: listener, slots)
    assert reader.lost == len(listener.lost_slots)
    return listener.lost_slots


async def test_a_slot_is_lost_though_news_never_cease(tmp_path: Path) -> None:
    """With many targets no second passes without an entry of somebody's."""
    busy = [(DUE_S / 2, [entry(n, 10 + n)]) for n in range(1, 5)]
    assert await lost(tmp_path, *busy) == [1]


async def test_no_slot_is_lost_by_an_answer_of_long_ago(tmp_path: Path) -> None:
    """We stood still after it: what was told meanwhile comes with the next."""
    paused = (10 * DUE_S, [entry(1, 10)])
    assert await lost(tmp_path, paused, (0.1, [entry(2, 1)]), (1.0, []), (1.0, [])) == []
    assert await lost(tmp_path, paused, (1.0, []), (1.0, [])) == [1]


async def test_others_have_time_to_tell_after_redis_was_away(tmp_path: Path) -> None:
    """What they could not tell meanwhile is no lost slot."""
    away: tuple[float, None] = (2 * DUE_S, None)
    assert await lost(tmp_path, away, (1.0, []), (1.0, []), (1.0, [entry(1, 1)]), (9.0, [])) == []
    assert await lost(tmp_path, away, (TOLD_S, []), (1.0, []), (1.0, [])) == [1]


async def test_who_leads_when_news_come_hears_them(tmp_path: Path) -> None:
    """Another configuration is taken up while they are waited for: it has targets of its own."""
    before, after = Listener(), Listener()
    leading = before

    class Taken(Told):
        async def xread(self, streams: object, **said: object) -> Sequence[object]:
            nonlocal leading
            leading = after
            return await super().xread(streams, **said)

    await told(tmp_path, Taken((0.1, [entry(1, 1, 2)])), lambda: leading, Awaited())
    assert (before.heard, after.heard) == (0, 2)


async def test_many_lost_slots_hold_up_no_news(tmp_path: Path) -> None:
    """They are given up together, some at a time, and what is told meanwhile is heard."""
    link = Told(*[(DUE_S, [entry(number, 9_000 + number)]) for number in range(1, 5)])
    slots, listener = Awaited(), Listener()
    for number in range(2 * LOST_AT_ONCE):
        slots.expect(TARGET, Slot(number, 0.0), 0.0)
    await told(tmp_path, link, lambda: listener, slots)
    assert (len(listener.lost_slots), listener.together) == (2 * LOST_AT_ONCE, LOST_AT_ONCE)
    assert listener.heard == 4
