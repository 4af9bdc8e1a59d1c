"""Silences and acknowledgements everywhere: what one replica's ledger has, all have soon.

Of two with one id the earlier end counts, so the order in which replicas hear of them does not. A
command that writes into the ledger beside a daemon is heard like everything else: by looking.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog
from redis.asyncio import Redis

from aggregator.ledger import Ledger, LedgerError
from alerting.routing.silence import Silence
from alerting.routing.silence_store import (
    KEPT_S,
    ends_of_silences,
    load_silences,
    merge_silences,
)
from monitor.cluster.link import AwayError, Link
from monitor.cluster.shared_silence import decode, encode

EVERY_S: Final = 2.0
"""Half an evaluation: a silence made here is in force there before the next message but one."""
MOST: Final = 20_000
"""Silences read from Redis, those that are over among them."""
BATCH: Final = 200
AT_ONCE: Final = 100
"""Silences taken in one go: some 2 ms of the loop."""
READ_S: Final = 2.0
"""How long reading all of them may take: some megabytes at most."""

MERGE: Final = """
local changed = false
for i = 1, #ARGV, 2 do
    local known = redis.call('HGET', KEYS[1], ARGV[i])
    local until_s = known and tonumber(string.match(known, '^(%S+) ') or '')
    local news_s = tonumber(string.match(ARGV[i + 1], '^(%S+) '))
    if not until_s or until_s ~= until_s or news_s < until_s then  -- not a number is no time
        redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
        changed = true
    end
end
if changed then redis.call('INCR', KEYS[2]) end
"""
"""Keep silences; of two with one id the one that ends earlier."""

log = structlog.get_logger("sonde.cluster")


class SharedSilences:
    """The silences of the group, and those of our ledger."""

    def __init__(self, link: Link, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._link, self._ledger, self._wall = link, ledger, wall
        self._keys = tuple(link.key(part, together="silences") for part in ("silences", "version"))
        self._version: object = None
        """As of the newest reading; None: Redis had none."""
        self._ends: Mapping[str, float] = {}
        """By id, what the ledger had when both were alike."""
        self.strange = 0
        """What was found in Redis that no replica writes, and silences there was no room for."""
        self._told = False
        self._too_many = False

    async def run(self) -> None:
        """Keep both alike, for ever."""
        while True:
            await self._link.reached()
            with suppress(AwayError):  # the link says so
                try:
                    await self.settle()
                except LedgerError as error:  # the next turn tries again
                    log.warning("silences.not_shared", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def settle(self) -> None:
        """Make both alike, if one of them changed. Raises AwayError and LedgerError."""
        since = self._wall() - KEPT_S
        version: object = await self._link.ask(lambda redis: redis.get(self._keys[1]))
        ends = await self._ledger.read(lambda c: ends_of_silences(c, since))
        if version is not None and version == self._version and ends == self._ends:
            return
        theirs = await self._theirs(since)
        if theirs is None:
            return
        ours = {
            each.id: each for each in await self._ledger.read(lambda c: load_silences(c, since))
        }
        lacking = [each for each in theirs.values() if _earlier(each, ours)]
        untold = [each for each in ours.values() if _earlier(each, theirs)]
        await self._take(lacking)
        await self._give(untold)
        if not lacking and not untold:
            self._version, self._ends = version, ends

    async def _theirs(self, since: float) -> Mapping[str, Silence] | None:
        """Return what Redis has; None: too many to be read, or to be added to."""
        found = await self._link.ask(self._read, timeout_s=READ_S)
        if found is None:
            return None
        silences: dict[str, Silence] = {}
        strange = len(found)
        for number, (identity, text) in enumerate(found.items(), 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            with suppress(ValueError):
                silences[identity] = decode(identity, text)
                strange -= 1
        self._count(strange)
        past = [name for name, each in silences.items() if each.ends_at <= since]
        if past:
            await self._link.ask(lambda redis: redis.hdel(self._keys[0], *past))
        return {name: each for name, each in silences.items() if each.ends_at > since}

    async def _read(self, redis: Redis) -> Mapping[str, str] | None:
        too_many = await redis.hlen(self._keys[0]) > MOST
        if too_many and not self._too_many:
            log.error("silences.too_many", most=MOST)
        self._too_many = too_many
        if too_many:
            return None
        found = await redis.hgetall(self._keys[0])
        return {_text(name): _text(value) for name, value in found.items()}

    async def _take(self, silences: Sequence[Silence]) -> None:
        """Write into our ledger what it lacks."""
        if silences:
            now = self._wall()
            left = await self._ledger.write(lambda c: merge_silences(c, silences, now))
            self._count(len(left))
            if len(left) < len(silences):
                log.info("silences.heard", count=len(silences) - len(left))

    async def _give(self, silences: Sequence[Silence]) -> None:
        """Tell the others what they lack."""
        for begin in range(0, len(silences), BATCH):
            some = silences[begin : begin + BATCH]
            words = [word for each in some for word in (each.id, encode(each))]
            await self._link.ask(partial(self._merge, words), timeout_s=READ_S)
            log.info("silences.told", count=len(some))

    async def _merge(self, words: Iterable[str], redis: Redis) -> None:
        await redis.eval(MERGE, len(self._keys), *self._keys, *words)

    def _count(self, strange: int) -> None:
        self.strange += strange
        if strange and not self._told:
            self._told = True
            log.warning("silences.not_taken", count=strange)


def _earlier(silence: Silence, others: Mapping[str, Silence]) -> bool:
    """Whether the others lack it, or have it end later."""
    other = others.get(silence.id)
    return other is None or silence.ends_at < other.ends_at


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
