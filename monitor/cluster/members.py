"""Who is there: each replica says every two seconds how it is, and hears how all others are.

Nothing depends on it for being right. It evens out who claims first, it orders who tells first when
Redis is away, and people see it.
"""

import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from redis.asyncio import Redis

from monitor.clock import Clock
from monitor.cluster.codec import printable
from monitor.cluster.link import AwayError, Link
from monitor.cluster.protocol import Hearer, Member
from monitor.cluster.publisher import KEPT_S, STREAM
from monitor.config.values import Config

BEAT_S: Final = 2.0
GONE_S: Final = 10.0
"""Who was not heard of for this long is not there: five beats."""
FORGOTTEN_S: Final = 3_600.0
"""After this its line is deleted."""
MOST: Final = 500
"""Replicas that are looked at: no group has as many."""
LINE_BYTES: Final = 2_000
TEXT_CHARS: Final = 253
NEAR_S: Final = 0.25
"""The clock of Redis is known only as well as half of what an answer takes: no better than this
leaves it as it was."""

_BEAT: Final = """
local now = redis.call('TIME')
local at = now[1] .. '.' .. string.format('%06d', now[2])
redis.call('HSET', KEYS[1], ARGV[1], at .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {at, redis.call('HGETALL', KEYS[1])}
"""
"""Our line in, everybody's out, the time of Redis on both. What nobody renews goes by itself."""

log = structlog.get_logger("sonde.cluster")


@dataclass(frozen=True, slots=True)
class Busy:
    """How much a replica has to do."""

    in_flight: int
    load_ratio: float
    claims: int


@dataclass(frozen=True, slots=True)
class About:
    """What of a replica never changes."""

    name: str
    location: str
    version: str
    started_at: float
    """Wall time."""


class Members:
    """The replicas of the group, this one among them."""

    def __init__(self, link: Link, about: About, busy: Callable[[], Busy], clock: Clock) -> None:
        self._link = link
        self._about = about
        self._busy = busy
        self._clock = clock
        self._digested: tuple[Config, str] | None = None
        self.ahead_s = 0.0
        """How far our wall clock is ahead of that of Redis; 0 before it is known."""
        self.members: Sequence[Member] = ()
        """Those heard of lately, as of the newest beat; while Redis is away those of before."""

    async def run(self, hearer: Callable[[], Hearer]) -> None:
        """Say how we are and hear how others are, for ever."""
        while True:
            await self.beat(hearer().config)
            await asyncio.sleep(BEAT_S)

    async def beat(self, config: Config) -> None:
        """Say and hear it once."""
        line = json.dumps(self._line(config), separators=(",", ":"))
        began, wall = self._clock.monotonic(), self._clock.wall()
        try:
            at, found = await self._link.ask(lambda client: self._swap(client, line))
        except AwayError:
            self.members = tuple(replace(m, seen_s=m.seen_s + BEAT_S) for m in self.members)
            return
        took_s = self._clock.monotonic() - began
        now = float(at)
        if took_s <= NEAR_S:
            self.ahead_s = wall + took_s / 2 - now
        said = read(found, now, self._about.name)
        self._note(tuple(each for each in said if each.seen_s <= GONE_S))
        await self._forget([each.name for each in said if each.seen_s > FORGOTTEN_S])

    def _note(self, members: Sequence[Member]) -> None:
        before = {each.name for each in self.members}
        names = {each.name for each in members}
        if names != before:
            log.info(
                "cluster.members",
                members=sorted(names),
                came=sorted(names - before),
                gone=sorted(before - names),
            )
        self.members = members

    def _line(self, config: Config) -> Mapping[str, object]:
        if self._digested is None or self._digested[0] is not config:
            self._digested = config, digest(config)
        about, busy = self._about, self._busy()
        return {
            "location": about.location,
            "version": about.version,
            "config": self._digested[1],
            "started_at": about.started_at,
            "ahead_s": round(self.ahead_s, 4),
            "in_flight": busy.in_flight,
            "load_ratio": round(busy.load_ratio, 3),
            "claims": busy.claims,
        }

    @property
    def _keys(self) -> tuple[str, str]:
        return self._link.key("replicas"), self._link.key(STREAM)

    async def _swap(self, client: Redis, line: str) -> tuple[bytes, Sequence[bytes]]:
        kept_s = str(int(2 * KEPT_S))
        at, found = await client.eval(_BEAT, 2, *self._keys, self._about.name, line, kept_s)
        return at, found

    async def _forget(self, names: Sequence[str]) -> None:
        if names:
            try:
                await self._link.ask(lambda client: client.hdel(self._keys[0], *names))
            except AwayError:
                log.debug("cluster.not_forgotten")  # at the next beat

    async def leave(self) -> None:
        """Say that we go, so that nobody waits for us. Raises nothing when Redis is away."""
        await self._forget([self._about.name])


def read(found: Sequence[bytes], now: float, own: str) -> Sequence[Member]:
    """Return what everybody said, by name; lines that cannot be believed are left out.

    `found` is names and lines in turn; `now`: the time of Redis.
    """
    lines = list(zip(found[::2], found[1::2], strict=False))[:MOST]
    members = (_member(name, line, now, own) for name, line in lines)
    return sorted((each for each in members if each is not None), key=lambda each: each.name)


def _member(name: bytes, line: bytes, now: float, own: str) -> Member | None:
    if len(line) > LINE_BYTES:
        return None
    try:
        at, _, said = line.partition(b" ")
        found = json.loads(said)
        called = _text(name.decode())
        return Member(
            name=called,
            location=_text(found["location"]),
            version=_text(found["version"]),
            config=_text(found["config"]),
            started_at=_number(found["started_at"]),
            seen_s=max(0.0, now - _number(float(at))),
            ahead_s=_number(found["ahead_s"]),
            in_flight=int(_number(found["in_flight"])),
            load_ratio=_number(found["load_ratio"]),
            claims=int(_number(found["claims"])),
            own=called == own,
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARS:
        raise ValueError("no text")
    return printable(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)


def digest(config: Config) -> str:
    """Return a few characters that differ where what is probed, or judged, does."""
    said = [
        (each.name, each.provider, each.model, each.operation.value, each.interval_s)
        for each in config.targets
    ]
    rules = [each.name for each in config.rules]
    return hashlib.sha256(repr((sorted(said), sorted(rules))).encode()).hexdigest()[:8]
