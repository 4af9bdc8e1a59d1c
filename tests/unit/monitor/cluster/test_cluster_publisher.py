"""What is told, in which entries, and what is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from redis.asyncio import Redis

from monitor.cluster import publisher
from monitor.cluster.codec import ENTRY_BYTES, ITEMS, decode
from monitor.cluster.link import AwayError, Link
from monitor.cluster.publisher import FROM, KEPT_S, MARK, NEWS, WAITING, Publisher
from monitor.cluster.ways import open_client
from monitor.config.redis_url import parse_redis_url
from probes.result import RateLimit
from tests.unit.aggregator.samples import result

T = TypeVar("T")


class Stream(Link):
    """A way to a Redis that keeps entries, and may be away."""

    def __init__(self) -> None:
        super().__init__(open_client(parse_redis_url("redis://nowhere"), None), "g")
        self.entries: list[dict[bytes, bytes]] = []
        self.oldest_ms: list[int] = []
        self.away = False
        self.deaf = False
        """Whether answers are lost."""

    async def ask(self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = 0.5) -> T:
        if self.away:
            raise AwayError("away")
        told = await work(self)  # type: ignore[arg-type] # all that is asked for is below
        if self.deaf:
            raise AwayError("TimeoutError")
        return told

    async def xadd(
        self, _key: str, entry: dict[bytes, bytes], **how: Any
    ) -> bytes:  # Any: redis-py
        self.entries.append(entry)
        self.oldest_ms.append(how["minid"])
        return b"%d-0" % (10_000_000 + len(self.entries))


class Told:
    """A publisher, its stream and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stream = Stream()
        self.publisher = Publisher(self.stream, "a", b"mark", lambda: self.now)

    def tell(self, *slots: int) -> None:
        for slot in slots:
            self.publisher.tell(result(slot=slot))

    def slots(self) -> list[list[int]]:
        """Return the slots of each entry."""
        return [
            [news.slot for news in decode(entry[NEWS]).news]  # type: ignore[misc] # of results
            for entry in self.stream.entries
        ]


async def test_what_waits_goes_in_one_entry() -> None:
    """In order, with who says it."""
    told = Told()
    told.tell(1, 2, 3)
    await told.publisher.flush()
    assert told.slots() == [[1, 2, 3]]
    assert (told.stream.entries[0][FROM], told.stream.entries[0][MARK]) == (b"a", b"mark")
    assert (told.publisher.told, told.publisher.waiting, told.publisher.dropped) == (3, 0, 0)


async def test_an_entry_is_no_longer_than_readers_take() -> None:
    """Neither in items nor in bytes; one that alone is too long is dropped and counted."""
    told = Told()
    told.tell(*range(ITEMS + 1))
    await told.publisher.flush()
    assert [len(slots) for slots in told.slots()] == [ITEMS, 1]
    wordy = result(hint="x" * 900, rate_limits=(RateLimit("b" * 900, 1, 1, 1.0),) * 30)
    for _ in range(12):
        told.publisher.tell(wordy)
    told.publisher.tell(result(hint="x" * ENTRY_BYTES))
    told.tell(7)
    await told.publisher.flush()
    assert max(len(entry[NEWS]) for entry in told.stream.entries) <= ENTRY_BYTES
    assert told.publisher.dropped == 1
    assert told.publisher.told == ITEMS + 1 + 12 + 1


async def test_the_oldest_gives_way_when_too_much_waits() -> None:
    """And is counted."""
    told = Told()
    told.stream.away = True
    told.tell(*range(WAITING + 2))
    assert (told.publisher.waiting, told.publisher.dropped) == (WAITING, 2)
    await told.publisher.flush()  # nobody there: nothing raised, nothing gone
    told.stream.away = False
    await told.publisher.flush()
    assert told.slots()[0][0] == 2


async def test_an_entry_without_an_answer_is_told_again() -> None:
    """It may be there or not; who hears it twice knows."""
    told = Told()
    told.tell(1)
    told.stream.deaf = True
    await told.publisher.flush()
    told.stream.deaf = False
    told.tell(2)
    await told.publisher.flush()
    assert told.slots() == [[1], [1], [2]]
    assert told.publisher.told == 2


async def test_what_nobody_would_be_read_any_more_is_dropped() -> None:
    """News older than the stream keeps, in an entry already or not."""
    told = Told()
    told.stream.away = True
    told.tell(1)
    await told.publisher.flush()
    told.tell(2)
    told.now = KEPT_S + 1.0
    told.tell(3)
    told.stream.away = False
    await told.publisher.flush()
    assert told.slots() == [[3]]
    assert (told.publisher.dropped, told.publisher.waiting) == (2, 0)


async def test_what_has_no_text_is_dropped() -> None:
    """A result whose own time is not finite; alone it makes no entry."""
    told = Told()
    told.publisher.tell(result(total_s=float("inf")))
    await told.publisher.flush()
    assert (told.slots(), told.publisher.dropped) == ([], 1)


async def test_the_stream_is_trimmed_by_the_clock_of_redis() -> None:
    """Ours may be days off: the age is told from the number of the entry before."""
    told = Told()
    for slot in (1, 2):
        told.tell(slot)
        await told.publisher.flush()
    assert told.stream.oldest_ms == [0, 10_000_001 - int(KEPT_S * 1_000)]


async def test_news_go_out_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it runs, and after Redis was away."""
    monkeypatch.setattr(publisher, "PACE_S", 0.0)
    told = Told()
    told.stream.deaf = True
    async with asyncio.TaskGroup() as group:
        running = group.create_task(told.publisher.run())
        told.tell(1)
        await _until(lambda: len(told.stream.entries) > 1)
        told.stream.deaf = False
        await _until(lambda: not told.publisher.waiting)
        told.tell(2)
        await _until(lambda: not told.publisher.waiting)
        running.cancel()
    assert told.slots()[-1] == [2]
    assert told.publisher.told == 2


async def _until(met: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if met():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to that")
