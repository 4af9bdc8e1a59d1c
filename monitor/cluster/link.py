"""The way to Redis: one question at a time, each under a deadline, away when it does not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

T = TypeVar("T")

ASK_S: Final = 0.5
"""How long an answer may take: a claim that waits longer makes its slot late."""


class AwayError(Exception):
    """Redis did not answer in time, or not as it should. The message holds no secret."""


class Link:
    """One client, and whether it reaches anybody."""

    def __init__(self, client: Redis, group: str) -> None:
        self._client = client
        self._group = group

    def key(self, *parts: str, together: str = "") -> str:
        """Return the name of a key of this group.

        Keys with the same `together` are in one slot of a Redis Cluster, so that a script may touch
        them together. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
        """
        tag = f"{{{self._group}:{together}}}"
        return ":".join(("sonde", tag, *parts))

    async def ask(self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = ASK_S) -> T:
        """Do one piece of work with the client. Raises AwayError."""
        try:
            async with asyncio.timeout(timeout_s):
                return await work(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            raise AwayError(type(error).__name__) from None

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
