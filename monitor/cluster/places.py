"""Where Slack bots began, over all replicas: what one began, another goes on with."""

import re
from contextlib import suppress
from typing import Final

from redis.asyncio import Redis

from alerting.slack_threads import KEPT_S, Thread
from monitor.cluster.link import AwayError, Link

_THREAD: Final = re.compile(rb"([A-Z0-9]{1,32}) (\d{1,12}\.\d{1,9}) ([\w-]{1,64})")
"""Slack's channel, its message, and our newest notification."""


class SharedPlaces:
    """A key for each incident. Nothing is found while Redis is away."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def find(self, channel: str, incident: str) -> Thread | None:
        """Return where an incident stands; None: nowhere, or nobody can say."""
        key = self._key(channel, incident)
        try:
            found = await self._link.ask(lambda redis: _get(redis, key))
        except AwayError:
            return None
        words = _THREAD.fullmatch(found)
        return None if words is None else Thread(*(word.decode() for word in words.groups()))

    async def keep(self, channel: str, incident: str, thread: Thread) -> None:
        """Tell the others where an incident stands."""
        key, text = self._key(channel, incident), f"{thread.place} {thread.ts} {thread.told}"
        with suppress(AwayError):  # then others begin anew, should they have to tell of it
            await self._link.ask(lambda redis: redis.set(key, text, ex=round(KEPT_S)))

    def _key(self, channel: str, incident: str) -> str:
        return self._link.key("thread", f"{channel}/{incident}")


async def _get(redis: Redis, key: str) -> bytes:
    found = await redis.get(key)
    return found if isinstance(found, bytes) else b""
