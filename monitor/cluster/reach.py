"""Whether the configured Redis answers, lets us do all that replicas do, and has our time."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from redis.asyncio import Redis

from monitor.clock import Clock
from monitor.cluster.link import AwayError, Link
from monitor.cluster.protocol import Reached, ReachError
from monitor.cluster.ways import Source
from monitor.config.values import Cluster
from probes.secret import SecretError

REACH_S: Final = 5.0
LIFE_MS: Final = 10_000
_SCRIPT: Final = "return redis.call('GET', KEYS[1])"

_Words = Sequence[str | int]


async def reach(cluster: Cluster, clock: Clock) -> Reached:
    """Have every kind of command run once, on keys that go by themselves. Raises ReachError."""
    source = Source(cluster.redis, cluster.papers)
    try:
        link = Link(source.open(), cluster.name)
    except SecretError as error:
        raise ReachError(str(error)) from None
    try:
        for words in _tries(link):
            await _tried(link, words)
        return await _timed(link, clock)
    finally:
        await link.close()


async def _tried(link: Link, words: _Words) -> None:
    try:
        await link.ask(partial(_run, words=words), timeout_s=REACH_S)
    except AwayError as error:
        raise ReachError(f"{words[0]}: {error}") from None


async def _timed(link: Link, clock: Clock) -> Reached:
    began = clock.monotonic()
    try:
        seconds, microseconds = await link.ask(_time, timeout_s=REACH_S)
    except AwayError as error:
        raise ReachError(f"TIME: {error}") from None
    took_s = clock.monotonic() - began
    return Reached(took_s, clock.wall() - took_s / 2 - seconds - microseconds / 1e6)


async def _run(client: Redis, words: _Words) -> None:
    await client.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py has not typed it


async def _time(client: Redis) -> tuple[int, int]:
    found: tuple[int, int] = await client.time()
    return found


def _tries(link: Link) -> Sequence[_Words]:
    """Return a command of each kind that some part of us needs."""
    kinds = ("word", "table", "stream")
    word, table, stream = (link.key("check", kind, together="check") for kind in kinds)
    return (
        ("SET", word, 1, "PX", LIFE_MS),
        ("GET", word),
        ("INCR", word),
        ("EVAL", _SCRIPT, 1, word),
        ("DEL", word),
        ("HSET", table, "field", 1),
        ("HSETNX", table, "field", 1),
        ("HGET", table, "field"),
        ("HGETALL", table),
        ("HLEN", table),
        ("HDEL", table, "field"),
        ("PEXPIRE", table, LIFE_MS),
        ("XADD", stream, "MAXLEN", 1, "*", "field", 1),
        ("XRANGE", stream, "-", "+", "COUNT", 1),
        ("XREVRANGE", stream, "+", "-", "COUNT", 1),
        ("XREAD", "COUNT", 1, "STREAMS", stream, "0"),
        ("PEXPIRE", stream, LIFE_MS),
        ("EXPIRE", stream, LIFE_MS // 1000),
        ("INFO", "replication"),
    )
