"""Whether Redis may have forgotten something: it was emptied, or gone for a while.

A Redis that restarts without persistence is empty, and one that takes over may lack the newest
writes. https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
"""

import asyncio
from typing import Final

from redis.asyncio import Redis

from monitor.cluster.link import AwayError, Link

SETTLE_S: Final = 5.0
"""After a loss nothing is sent for so long: two of the looks by which each replica brings back what
it knows, and some."""


class Epoch:
    """One key that stands for all that is kept."""

    def __init__(self, link: Link, token: str) -> None:
        """`token`: unlike that of any other process."""
        self._link = link
        self._key = link.key("epoch")
        self._token = token
        self._begun = 0
        """Epochs this process began: no two have one name."""
        self._known = ""
        self._away = False
        self._settled_at = 0.0
        """Loop time."""

    @property
    def settling_s(self) -> float:
        """For how long the others may still be bringing back what was lost."""
        return max(0.0, self._settled_at - asyncio.get_running_loop().time())

    async def look(self) -> bool:
        """Say whether something may have been lost since the last look. Raises AwayError."""
        try:
            found = await self._link.ask(self._find)
        except AwayError:
            self._away = True
            raise
        emptied = bool(self._known) and found != self._known
        lost, self._known, self._away = emptied or self._away, found, False
        if emptied:
            self._settled_at = asyncio.get_running_loop().time() + SETTLE_S
        return lost

    async def _find(self, redis: Redis) -> str:
        found = await redis.get(self._key)
        if found is None:
            self._begun += 1
            await redis.set(self._key, f"{self._token}:{self._begun}", nx=True)
            found = await redis.get(self._key)
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
