"""Hearing the others: the stream is read from where this ledger stands, and taken in in order.

Where it stands is written in the transaction of what was heard: a kill neither loses nor repeats
anything, and a replica that was away, or is new, hears what the stream still has.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final, cast

import structlog
from redis.asyncio import Redis

from aggregator.ledger import Ledger, LedgerError
from monitor.cluster.awaited import TOLD_S, Awaited
from monitor.cluster.codec import decode, printable
from monitor.cluster.link import AwayError, Link
from monitor.cluster.position import keep_upto, upto
from monitor.cluster.protocol import Heard, Hearer
from monitor.cluster.publisher import FROM, MARK, NEWS, PACE_S, STREAM
from probes.result import ProbeResult

BEGINNING: Final = b"0-0"
ENTRIES: Final = 32
"""Read at once; of at most 256 KiB each, mostly of a few."""
BLOCK_S: Final = 1.0
"""How long Redis may keep us waiting for news: then we look for slots that are lost."""
AGAIN_S: Final = 0.1
"""After a question that came to nothing; the link says when the next is worth while."""
READ_S: Final = 3.0
"""How long an answer may take beside that: a few entries may be a megabyte or two."""
TOGETHER: Final = 500
"""News taken in with one write of the ledger: some 15 ms of its thread."""
NAME_CHARS: Final = 253
"""Of a replica's name: as long as the name of a host may be."""
LOST_AT_ONCE: Final = 100
"""Slots given up between two looks for news: together they wait for one commit of the ledger. One
after the other, a replica that is killed with hundreds in flight would keep us from all news."""
START_S: Final = 10.0
"""How long the start may be spent with what was told meanwhile; the rest is heard later."""

Entry = tuple[bytes, Mapping[bytes, bytes]]

log = structlog.get_logger("sonde.cluster")


class Reader:
    """One stream's reader."""

    def __init__(
        self,
        link: Link,
        ledger: Ledger,
        mark: bytes,
        location: str,
        awaited: Awaited,
        monotonic: Callable[[], float],
    ) -> None:
        """`mark`: of our own entries. A process before us had another: its ledger may be lost."""
        self._link = link
        self._ledger = ledger
        self._mark = mark
        self._location = location
        self._awaited = awaited
        self._monotonic = monotonic
        self._key = link.key(STREAM)
        self._at: bytes | None = None
        """The newest entry that was taken in; None: not read from the ledger yet."""
        self._behind_since: float | None = monotonic()
        self._heard_upto = -math.inf
        """Monotonic time: everything that was told by then has been heard."""
        self._patient_until = -math.inf
        """What was told by then may lack what others could not tell while Redis was away."""
        self.heard: Counter[str] = Counter()
        """What became of what was heard: words of the hearer's."""
        self.refused = 0
        """Items and entries that could not be believed."""
        self.lost = 0
        """Slots of others that came to nothing."""

    @property
    def behind_s(self) -> float:
        """How long ago everything was heard that had been told by then; 0: just now."""
        since = self._behind_since
        return 0.0 if since is None else self._monotonic() - since

    async def start(self, hearer: Hearer) -> None:
        """Take in what was told while we were away, for START_S at most."""
        until = self._monotonic() + START_S
        rows = self.heard.total()
        try:
            while self._monotonic() < until and await self._turn(lambda: hearer, block_s=0.0):
                pass
        except AwayError:
            log.warning("cluster.not_heard")
        log.info("cluster.heard", news=self.heard.total() - rows, behind_s=round(self.behind_s, 1))

    async def run(self, hearer: Callable[[], Hearer]) -> None:
        """Take in what is told, for ever."""
        while True:
            await self._link.reached()
            try:
                some = await self._turn(hearer, block_s=BLOCK_S)
                if not some:
                    await self._look()
                elif self._behind_since is None:
                    await asyncio.sleep(PACE_S)
                await self._give_up(hearer())
            except AwayError:
                self._behind_since = self._behind_since or self._monotonic()
                self._patient_until = self._monotonic() + TOLD_S
                await asyncio.sleep(AGAIN_S)

    async def _turn(self, hearer: Callable[[], Hearer], *, block_s: float) -> bool:
        """Take in the next entries; say whether there were any. Raises AwayError.

        `hearer`: who leads when they have come, which may be another than when they were asked for.
        """
        if self._at is None:
            self._at = await self._known()
        read = partial(self._read, after=self._at, block_s=block_s)
        asked_at = self._monotonic()
        entries = await self._link.ask(read, timeout_s=block_s + READ_S)
        await self._take(entries, hearer())
        if len(entries) < ENTRIES:
            self._behind_since, self._heard_upto = None, asked_at
        elif self._behind_since is None:
            self._behind_since = asked_at
        return bool(entries)

    async def _known(self) -> bytes:
        try:
            found = await self._ledger.read(partial(upto, stream=self._key))
        except LedgerError:
            return BEGINNING  # what of it the ledger has is known there
        return BEGINNING if found is None else found.encode()

    async def _read(self, client: Redis, after: bytes, block_s: float) -> Sequence[Entry]:
        # 0 would be for ever: https://redis.io/docs/latest/commands/xread/
        block_ms = int(block_s * 1_000) or None
        answer = await client.xread({self._key: after}, count=ENTRIES, block=block_ms)
        streams = cast("Sequence[tuple[bytes, Sequence[Entry]]]", answer)
        return [entry for _, entries in streams for entry in entries]

    async def _take(self, entries: Sequence[Entry], hearer: Hearer) -> None:
        waiting: list[Heard] = []
        for number, said in entries:
            if said.get(MARK) != self._mark:
                waiting += self._believed(said.get(FROM, b""), said.get(NEWS, b""))
                await asyncio.sleep(0)  # decoding one takes milliseconds
            self._at = number
            if len(waiting) >= TOGETHER:
                await self._hear(hearer, waiting)
                waiting = []
        if waiting:
            await self._hear(hearer, waiting)

    def _believed(self, replica: bytes, entry: bytes) -> Sequence[Heard]:
        found = decode(entry)
        self.refused += found.refused
        name = printable(replica.decode("utf-8", "replace")[:NAME_CHARS]) or "?"
        return [Heard(replica=name, news=news) for news in found.news]

    async def _hear(self, hearer: Hearer, heard: Sequence[Heard]) -> None:
        entry = (self._at or BEGINNING).decode()
        keep = partial(keep_upto, stream=self._key, entry=entry)
        self.heard += await hearer.hear(heard, keep)
        for news in (each.news for each in heard if each.news.location == self._location):
            number = news.slot if isinstance(news, ProbeResult) else news.slot.number
            self._awaited.heard(news.target, number)

    async def _look(self) -> None:
        """Begin anew where the stream's newest entry is older than what was heard: it was emptied.

        Its clock may stand before that of the Redis that was.
        """
        answer = await self._link.ask(lambda client: client.xrevrange(self._key, count=1))
        newest = cast("Sequence[Entry]", answer)
        if newest and self._at is not None and _order(newest[0][0]) < _order(self._at):
            log.warning("cluster.stream_began_anew")
            self._at = BEGINNING

    async def _give_up(self, hearer: Hearer) -> None:
        """Count slots of which nothing came, though everything that was told by then was heard.

        After Redis was away the others are given the time to tell what waits with them.
        """
        if self._heard_upto < self._patient_until:
            return
        async with asyncio.TaskGroup() as group:
            given_up = [
                group.create_task(hearer.lost(target, slot), name=f"lost slot of {target}")
                for target, slot in islice(self._awaited.lost(self._heard_upto), LOST_AT_ONCE)
            ]
        self.lost += sum(each.result() for each in given_up)


def _order(entry: bytes) -> tuple[int, int]:
    at_ms, _, number = entry.partition(b"-")
    return int(at_ms), int(number or 0)
