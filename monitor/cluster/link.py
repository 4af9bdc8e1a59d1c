"""The way to Redis: questions under a deadline, and whether anybody answers.

What asks is never held up by a Redis that is away: after one question that failed, every other one
fails at once, until a look in the background finds that Redis takes writes again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from monitor.cluster.ways import Source, close_client, drop_idle, prove
from probes.sanitise import sanitise
from probes.secret import SecretError
from probes.wire.trust import TrustError

T = TypeVar("T")

ASK_S: Final = 0.5
"""How long an answer may take: a claim that waits longer makes its slot late."""
LATE_S: Final = 0.05
"""A loop that comes later than this to the end of a wait is busy: an answer may be there unread."""
MORE: Final = 2
"""How often a busy loop gets the time again. Who then takes Redis to be away would probe what
others probe, and be busier still."""
PLACES: Final = 8
"""Questions under way at once: each takes a connection. One of them waits for news."""
LOOK_EVERY_S: Final = 1.0
AWAY_EVERY_S: Final = 0.25
"""A Sentinel's new master is found this soon."""
LOOK_S: Final = 2.5
"""How long a look may take: it is what connects, perhaps by way of the third of three Sentinels,
perhaps with TLS across an ocean."""
RETIRE_S: Final = 1.0
"""What is under way with a client that was replaced gets this long; longer than ASK_S."""
REFUSALS: Final = 16
"""Different texts of refused commands that are logged; more are variations of them."""

FAILURES: Final = (
    *(RedisError, RedisClusterException, OSError, TimeoutError),
    *(TrustError, SecretError),
)

log = structlog.get_logger("sonde.cluster")


class AwayError(Exception):
    """Redis did not answer in time, or not as it should. The message holds no secret."""


class Link:
    """One client, and whether it reaches anybody."""

    def __init__(self, client: Redis | None, group: str, source: Source | None = None) -> None:
        """`source`: where another client comes from when the URL changes; None: it never does.

        `client` None: the URL could not be read yet.
        """
        self._client = client
        self._group = group
        self._source = source
        self._places = asyncio.Semaphore(PLACES)
        self._answers = asyncio.Event()
        if client is not None:
            self._answers.set()
        self._doubted = asyncio.Event()
        self._told_away = False
        self._told_refusals: set[str] = set()
        self._refused = client is None
        """Whether our name or password was, so that the URL is to be read again."""

    @property
    def connected(self) -> bool:
        """Whether Redis answered when it was last asked."""
        return self._answers.is_set()

    async def reached(self) -> None:
        """Wait until Redis answers."""
        await self._answers.wait()

    def key(self, *parts: str, together: str = "") -> str:
        """Return the name of a key of this group.

        Keys with the same `together` are in one slot of a Redis Cluster, so that a script may touch
        them together. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
        """
        tag = f"{{{self._group}:{together}}}"
        return ":".join(("sonde", tag, *parts))

    async def ask(self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = ASK_S) -> T:
        """Do one piece of work with the client. Raises AwayError, at once while Redis is away.

        Cancelled or too late, the connection is dropped with the answer that nobody waits for.
        """
        client = self._client
        if client is None or not self.connected:
            raise AwayError("away")
        try:
            async with _patiently(timeout_s), self._places:
                return await work(client)
        except FAILURES as error:
            if client is self._client:
                self._fail(error)
            raise AwayError(_told(error)) from None

    async def run(self) -> None:
        """Look whether Redis is there, for ever."""
        while True:
            self._doubted.clear()
            await self.look()
            if not self.connected:
                await asyncio.sleep(AWAY_EVERY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._doubted.wait()

    async def look(self) -> None:
        """Ask Redis to take a write, and note whether it did."""
        try:
            if self._source is not None:
                await self._take_url(self._source)
            if self._client is not None:
                await self._try(self._client)
        except FAILURES as error:
            self._doubt(error)
            if not self._told_away:
                log.warning("redis.away", reason=_told(error))
            self._told_away = True
            return
        self._refused = False
        self._answers.set()
        if self._told_away:
            log.info("redis.back")
        self._told_away = False

    async def _try(self, client: Redis) -> None:
        key = self.key("link")
        async with _patiently(LOOK_S):
            if not self.connected:
                await drop_idle(client)
            await prove(client, key)
        async with _patiently(ASK_S):  # as all others ask: over a connection that stands
            await prove(client, key)

    def _fail(self, error: Exception) -> None:
        """Take note of a question that failed.

        A strange value under one key, or a script that stumbles over it, is an answer: for the sake
        of one budget nobody's claims are to go unasked. Those that redis-py has a name for concern
        all there is; of the others (MISCONF) the look finds out, for it writes.
        """
        if type(error) is ResponseError:
            self._tell_refusal(_told(error))
            self._doubted.set()
        else:
            self._doubt(error)

    def _doubt(self, error: Exception) -> None:
        if isinstance(error, ResponseError):
            self._tell_refusal(_told(error))
        self._refused |= isinstance(error, AuthenticationError | NoPermissionError)
        self._answers.clear()
        self._doubted.set()

    def _tell_refusal(self, reason: str) -> None:
        """Log what is refused us, once: the next look may find nothing wrong, and tell nobody."""
        if reason not in self._told_refusals and len(self._told_refusals) < REFUSALS:
            self._told_refusals.add(reason)
            log.warning("redis.refused", reason=reason)

    async def _take_url(self, source: Source) -> None:
        """Take another client if the URL may be another by now. Raises SecretError without any."""
        changed = source.changed()
        if not (changed or self._refused):
            return
        try:
            before, self._client = self._client, source.open()
        except SecretError as error:
            if self._client is None:
                raise
            if changed:
                log.warning("redis.url_unreadable", reason=str(error))
            return
        self._refused = False
        if before is not None:
            await asyncio.sleep(RETIRE_S)
            await close_client(before)

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await close_client(self._client)


@asynccontextmanager
async def _patiently(timeout_s: float) -> AsyncIterator[None]:
    """Raise TimeoutError after a time, but not for the lateness of our own loop."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def end(due: float, more: int) -> None:
            nonlocal timer
            now = loop.time()
            if more and now - due > LATE_S:
                timer = loop.call_later(timeout_s, end, now + timeout_s, more - 1)
            else:
                limit.reschedule(now)

        timer = loop.call_later(timeout_s, end, loop.time() + timeout_s, MORE)
        try:
            yield
        finally:
            timer.cancel()


def _told(error: Exception) -> str:
    """Put an error into words; what a server says is hostile input."""
    return f"{type(error).__name__} {sanitise(str(error))}".strip()
