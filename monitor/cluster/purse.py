"""Budgets over replicas: what each has drawn is known to Redis, to the others and to its ledger.

A draw may be spent once three have it: Redis, every copy that Redis feeds, and our ledger. So
money can be wasted (an answer that was lost, a copy that was slow) and never spent twice: whatever
Redis forgets, those who drew it tell it again before anything more is drawn (`purse_script`).
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, Protocol, TypeVar, cast
from zoneinfo import ZoneInfo

import structlog
from redis.asyncio import Redis

from aggregator.ledger import Ledger, LedgerError
from monitor.budget.day import day_of
from monitor.budget.purse import Drawn, PurseError, drawn_alone
from monitor.clock import Clock
from monitor.cluster.drawn import (
    NOTHING,
    Mirror,
    Reply,
    Status,
    UnreadableError,
    Waits,
    Wish,
    counter,
    read_counters,
    read_reply,
    read_sessions,
    said,
)
from monitor.cluster.link import ASK_S, AwayError
from monitor.cluster.purse_fields import ALONE, read_fields, write_fields
from monitor.cluster.purse_script import SPEAK

T = TypeVar("T")

SPEAK_EVERY_S: Final = 1.0
AHEAD_S: Final = 60.0
"""Tomorrow is spoken of before it begins: the first draw of a day need not wait for the others."""
KEPT_DAYS: Final = 2
COPIED_MS: Final = 300
"""How long the copies of Redis may take to have a draw; less than the question may."""
COPIES_S: Final = 600.0
"""A copy that is gone this long is gone for good: until then a master that has lost its copies may
be one that was cut off and replaced, and is not believed."""
TRIES: Final = 20
"""Longer than a new session waits, at a turn every quarter of a second."""
_AGAIN_S: Final = 0.25

_WHY: Final = {
    Status.MOVED: "Redis changed while it was asked",
    Status.OVER: "Redis did not hear of us for a while",
    Status.SETTLING: "Redis may have lost writes: everybody says again what was drawn",
    Status.JOINING: "the other replicas have not seen us for long enough",
    Status.ABSENT: "Redis has lost writes, and a replica that may have drawn is not back",
}

log = structlog.get_logger("sonde.budget")


class Way(Protocol):
    """What we need of the way to Redis."""

    def key(self, *parts: str, together: str = "") -> str:
        """Return the name of a key."""

    async def ask(self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = ASK_S) -> T:
        """Do one piece of work with the client. Raises AwayError."""


class RedisPurse:
    """Budgets that all replicas of a group draw from."""

    shared = True

    def __init__(
        self,
        link: Way,
        ledger: Ledger,
        clock: Clock,
        replica: str,
        zones: Sequence[ZoneInfo] = (),
        *,
        waits: Waits | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`zones`: of the budgets; the day that is ahead of all others is spoken of in time."""
        self._link = link
        self._key = link.key("budget", together="budget")
        self._ledger = ledger
        self._clock = clock
        # What a name may hold is the configuration's business; our fields are cut at bars.
        self._replica = replica.replace("|", "_")
        self._zones = tuple(zones) or (ZoneInfo("UTC"),)
        self._waits = waits or Waits()
        self._pause = pause
        self._mirror = Mirror()
        self._session = self._named()
        self._newest_day = ""
        self._kept: dict[str, str] = {}
        self._loading = asyncio.Lock()
        self._loaded = False
        self._wanted = asyncio.Event()
        self._copies, self._copies_at = 0, 0.0
        self._there_ms = 0
        """By the clock of Redis, when it last answered, also with more than can be read: days that
        are over are let go of all the same. 0: not known."""

    def _named(self) -> str:
        return f"{self._replica}.{secrets.token_hex(4)}"

    # What budgets ask for.

    async def draw(self, subject: str, day: date, wanted_nusd: int, cap_nusd: int) -> Drawn:
        """Draw, and return once it is safe to spend. Raises PurseError and LedgerError.

        Wanting 0 asks nobody: what was heard a second ago is returned.
        """
        await self._load()
        on = day.isoformat()
        self._newest_day = max(self._newest_day, on)
        granted_nusd = 0
        if wanted_nusd > 0:
            wish = Wish(subject=subject, day=on, wanted_nusd=wanted_nusd, cap_nusd=cap_nusd)
            granted_nusd = await self._granted(wish)
        return Drawn(granted_nusd, self._mirror.drawn_nusd(on, subject))

    async def give_back(self, subject: str, day: date, amount_nusd: int) -> None:
        """Put back: in our ledger first, then in Redis as soon as it is there."""
        await self._load()
        self._mirror.add("g", self._session, day.isoformat(), subject, amount_nusd)
        await self._tell()

    async def overrun(self, provider: str, day: date) -> None:
        """Count it, for all."""
        await self._load()
        self._mirror.add("o", self._session, day.isoformat(), provider, 1)
        await self._tell()

    async def overruns(self, day: date) -> Mapping[str, int]:
        """Return what all replicas counted, as far as we heard."""
        await self._load()
        if self._mirror.there is None:
            await self.speak()
        return self._mirror.by_subject("o", day.isoformat())

    # What the daemon runs.

    async def run(self) -> None:
        """Say every second that we are there, and hear what others drew; for ever."""
        await self._wanted.wait()
        while True:
            await self.speak()
            await self._pause(SPEAK_EVERY_S)

    async def speak(self) -> None:
        """Say that we are there, and what Redis lacks; hear what others drew."""
        with suppress(PurseError):  # the link says when Redis is away; it is said again
            await self._speak(NOTHING)

    async def leave(self) -> None:
        """Say that we draw no more, so that nobody waits for us."""
        if self._loaded:
            with suppress(PurseError):  # then they learn it from our silence
                await self._speak(NOTHING, leave=True)

    # Drawing.

    async def _granted(self, wish: Wish) -> int:
        """Ask until it is granted, or refused for longer than a new session has to wait."""
        reply = None
        for turn in range(TRIES):
            if turn and reply is not None and reply.status is Status.JOINING:
                await self._pause(_AGAIN_S)
            reply, copied = await self._speak(wish)
            if reply.status is Status.GRANTED:
                return await self._safe(reply, copied)
            if reply.status in {Status.SETTLING, Status.ABSENT}:
                break
        raise PurseError(_why(reply))

    async def _safe(self, reply: Reply, copied: int) -> int:
        """Return what was granted, once our ledger has it, and if every copy of Redis has."""
        if reply.granted_nusd:
            await self._keep()
            needed = max(self._copies, reply.replicas)
            if copied < needed:
                raise PurseError(f"{copied} of {needed} copies of Redis have what was drawn")
        return reply.granted_nusd

    def _needed(self, replicas: int) -> None:
        """Remember how many copies Redis had, for as long as they may come back."""
        now = self._clock.monotonic()
        if replicas >= self._copies or now - self._copies_at > COPIES_S:
            self._copies, self._copies_at = replicas, now

    async def _tell(self) -> None:
        """Write down what we know, and say it as soon as anybody hears it."""
        await self._keep()
        await self.speak()

    # Speaking.

    async def _speak(self, wish: Wish, *, leave: bool = False) -> tuple[Reply, int]:
        """Say what Redis lacks and hear what it has; with how many copies have it.

        Raises PurseError.
        """
        if wish.wanted_nusd and self._mirror.there is not None:
            there = self._mirror.there.replicas
            if there < self._copies:
                # A grant would be wasted: nobody but this server would know of it.
                raise PurseError(f"{there} of {self._copies} copies of Redis are there")
        self._wanted.set()
        session, day, oldest = self._session, self._day(), self._oldest()
        self._mirror.forget(oldest)
        speech = self._mirror.speech(
            session, day, oldest, secrets.token_hex(8), self._waits, wish
        ) | {"leave": leave}
        try:
            reply, copied = await self._link.ask(partial(self._asked, said(speech), wish))
        except UnreadableError as error:
            self._there_ms = error.now_ms
            raise PurseError(str(error)) from None
        except AwayError as error:
            raise PurseError(str(error)) from None
        self._there_ms = reply.now_ms
        self._mirror.hear(reply)
        self._needed(reply.replicas)
        if reply.status is Status.OVER and session == self._session and not leave:
            self._mirror.own.add(session)
            self._session = self._named()
        return reply, copied

    async def _asked(self, speech: str, wish: Wish, client: Redis) -> tuple[Reply, int]:
        """Speak, and wait on the same connection until the copies have it too."""
        # The stubs know neither raw commands in pipelines nor what a script returns.
        pipeline = cast("Any", client.pipeline(transaction=False))
        pipeline.execute_command("EVAL", SPEAK, 1, self._key, speech)
        waiting = bool(wish.wanted_nusd and self._copies)
        if waiting:
            pipeline.execute_command("WAIT", self._copies, COPIED_MS, **_beside(client, self._key))
        answers = await cast("Awaitable[list[object]]", pipeline.execute())
        copied = answers[1] if waiting else 0
        return read_reply(answers[0]), copied if isinstance(copied, int) else 0

    def _day(self) -> str:
        """Return the newest day whose money we may want."""
        wall = self._clock.wall() + AHEAD_S
        ahead = max(day_of(wall, zone).date for zone in self._zones)
        return max(ahead.isoformat(), self._newest_day)

    def _oldest(self) -> str:
        """Return the oldest day that is kept: past by our clock and by that of Redis.

        Either may be wrong, and what is let go of too early could be drawn again.
        """
        if not self._there_ms:
            return ""
        wall = min(self._clock.wall(), self._there_ms / 1000)
        return _kept_since(wall).isoformat()

    # What outlives us.

    async def _load(self) -> None:
        """Take up what the processes before us wrote down, those that were alone, too.

        Raises LedgerError.
        """
        async with self._loading:
            if self._loaded:
                return
            since = _kept_since(self._clock.wall())
            rows = await self._ledger.read(read_fields)
            alone = await self._ledger.read(partial(drawn_alone, since=since))
            try:
                self._mirror.counters |= read_counters(rows)
                self._mirror.sessions |= read_sessions(rows)
            except ValueError as error:
                raise LedgerError("the ledger's budget fields are unreadable") from error
            self._mirror.own |= {name[4:] for name in rows if name.startswith("own|")}
            for subject, day, drawn_nusd in alone:
                name = counter("d", self._replica + ALONE, day, subject)
                self._mirror.counters[name] = max(drawn_nusd, self._mirror.counters.get(name, 0))
            self._kept = rows
            self._loaded = True

    async def _keep(self) -> None:
        """Write down what we know. Raises LedgerError."""
        fields = {name: str(value) for name, value in self._mirror.counters.items()}
        fields |= {f"s|{name}": text for name, text in self._mirror.sessions.items()}
        fields |= {f"own|{name}": "" for name in (*self._mirror.own, self._session)}
        await self._ledger.write(partial(write_fields, before=self._kept, after=fields))
        self._kept = fields


def _beside(client: object, key: str) -> dict[str, object]:
    """Return what sends a command without a key to the node of one, where there are several."""
    node = getattr(client, "get_node_from_key", None)
    return {} if node is None else {"target_nodes": node(key)}


def _kept_since(wall: float) -> date:
    return day_of(wall, ZoneInfo("UTC")).date - timedelta(days=KEPT_DAYS)


def _why(reply: Reply | None) -> str:
    if reply is None:
        return "Redis was not asked"
    who = f" ({reply.absent})" if reply.status is Status.ABSENT else ""
    return f"{_WHY.get(reply.status, reply.status)}{who}"
