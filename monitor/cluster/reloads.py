"""A configuration that one replica took up: the others look at their own files at once.

Nothing of it travels through Redis but a number. A replica whose file says what it said takes up
nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from redis.asyncio import Redis

from monitor.cluster.link import AwayError, Link

EVERY_S: Final = 2.0
"""How often the number is looked at: as often as the file."""


class SharedReloads:
    """A number that grows with each configuration that somebody took up."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._key = link.key("reload")
        self._heard: Callable[[], None] = _nothing
        self._known: bytes | None = None
        self._looked = False
        self._to_tell = False

    def heed(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever another replica took one up."""
        self._heard = heard

    def tell(self) -> None:
        """Have the others look at their files; while Redis is away, later."""
        self._to_tell = True

    async def run(self) -> None:
        """Tell and hear, for ever."""
        while True:
            await self._link.reached()
            with suppress(AwayError):  # the link says so
                await self._turn()
            await asyncio.sleep(EVERY_S)

    async def _turn(self) -> None:
        found: bytes | None = await self._link.ask(self._get)
        news = self._looked and found is not None and found != self._known
        self._known, self._looked = found, True
        if self._to_tell:
            self._to_tell = False
            try:
                number: int = await self._link.ask(self._grow)
            except AwayError:
                self._to_tell = True
                raise
            self._known = str(number).encode()
        if news:
            self._heard()

    async def _get(self, redis: Redis) -> bytes | None:
        found = await redis.get(self._key)
        return found if isinstance(found, bytes) else None

    async def _grow(self, redis: Redis) -> int:
        return int(await redis.incr(self._key))


def _nothing() -> None:
    """Nobody listens yet."""
