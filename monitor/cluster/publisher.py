"""Telling the others: what this replica found goes on the stream, a batch at a time.

What comes while an entry is under way goes together in the next. While Redis is away news waits in
memory, the oldest dropped and counted first; an entry whose answer was lost is told again, and who
hears it twice knows.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import structlog
from redis.asyncio import Redis

from monitor.cluster.codec import ENTRY_BYTES, ITEMS, UntellableError, encode, joined
from monitor.cluster.link import AwayError, Link
from monitor.cluster.protocol import News

STREAM: Final = "news"
FROM: Final = b"from"
MARK: Final = b"mark"
NEWS: Final = b"news"

WAITING: Final = 10_000
"""News in memory: a minute of 160 a second, some 20 MB."""
KEPT_S: Final = 3_600.0
"""How long the stream keeps news, for whoever starts or was away: a restart within an hour loses
nothing. At 100 results a second that is some 200 MB of Redis' memory."""
PACE_S: Final = 0.05
"""Between two entries, and between two looks of those who read them: what comes meanwhile costs one
round trip and one commit together. At 200 results a second that is a third of the processor time of
one for each; nobody misses the tenth of a second."""
TELL_S: Final = 2.0
"""How long Redis may take for an entry, which may be large."""
FLUSH_S: Final = 0.4
"""How long the last news may take when we leave."""

log = structlog.get_logger("sonde.cluster")


class Publisher:
    """What is to be told, and the way there; used in the loop alone."""

    def __init__(
        self, link: Link, replica: str, mark: bytes, monotonic: Callable[[], float]
    ) -> None:
        """`mark`: of this process, by which it knows its own entries."""
        self._link = link
        self._replica = replica.encode()
        self._mark = mark
        self._monotonic = monotonic
        self._waiting: deque[tuple[float, News]] = deque()
        self._entry = b""
        """The entry under way, perhaps told already; empty: there is none."""
        self._items = 0
        """What is in it."""
        self._since = 0.0
        """When its oldest news was had, monotonic time."""
        self._some = asyncio.Event()
        self._newest_ms = 0
        """When the newest entry of ours was told, by the clock of Redis."""
        self.told = 0
        self.dropped = 0
        """News that nobody will hear: too many waited, or too long."""

    @property
    def waiting(self) -> int:
        """How much is still to be told."""
        return len(self._waiting) + self._items

    def tell(self, news: News) -> None:
        """Have something told soon; returns at once."""
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append((self._monotonic(), news))
        self._some.set()

    async def run(self) -> None:
        """Tell what there is, for ever."""
        while True:
            await self._some.wait()
            await self._link.reached()
            if self._fill():
                with suppress(AwayError):  # the link says when it is worth while again
                    await self._send()
            if not self.waiting:
                self._some.clear()
            await asyncio.sleep(PACE_S)

    async def flush(self) -> None:
        """Tell what is left, within FLUSH_S; for the end."""
        until = self._monotonic() + FLUSH_S
        try:
            while self._fill() and (left_s := until - self._monotonic()) > 0:
                await self._send(left_s)
        except AwayError:
            log.warning("cluster.untold", news=self.waiting)

    def _fill(self) -> bool:
        """Have an entry that is not too old; say whether there is one."""
        oldest = self._monotonic() - KEPT_S
        if self._entry and self._since < oldest:
            self.dropped += self._items
            self._forget()
        while self._waiting and self._waiting[0][0] < oldest:
            self._waiting.popleft()
            self.dropped += 1
        if not self._entry and self._waiting:
            self._take()
        return bool(self._entry)

    def _take(self) -> None:
        self._since = self._waiting[0][0]
        items: list[str] = []
        left_bytes = ENTRY_BYTES - len("[]")
        while self._waiting and len(items) < ITEMS:
            try:
                item = encode(self._waiting[0][1])
            except UntellableError:
                item = ""
            size = len(item) + 1  # with its comma: JSON of ours is ASCII
            if items and size > left_bytes:
                break
            self._waiting.popleft()
            if not item or size > left_bytes:  # more than any reader takes
                self.dropped += 1
                continue
            left_bytes -= size
            items.append(item)
        self._items = len(items)
        self._entry = joined(items) if items else b""

    async def _send(self, timeout_s: float = TELL_S) -> None:
        told = await self._link.ask(self._add, timeout_s=timeout_s)
        self._newest_ms = int(told.partition(b"-")[0])
        self.told += self._items
        self._forget()

    async def _add(self, client: Redis) -> bytes:
        # By the clock of Redis, which gives entries their numbers: ours may be days off.
        oldest_ms = max(0, self._newest_ms - int(KEPT_S * 1_000))
        told = await client.xadd(
            self._link.key(STREAM),
            {FROM: self._replica, MARK: self._mark, NEWS: self._entry},
            minid=oldest_ms,
            approximate=True,
        )
        return cast("bytes", told)

    def _forget(self) -> None:
        self._entry, self._items = b"", 0
