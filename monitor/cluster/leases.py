"""Each message goes out once: one replica at a time may tell a group, and all know what was told.

Who wants to tell takes the group's lease, looks at the log of what its channel was told, and tells
what is news. A replica that dies with the lease loses it after the time one attempt may take. While
Redis is away each replica tells for itself, one after another, so that a Redis that comes back soon
still prevents doubles; what was told meanwhile, or lost with a Redis, is brought back from memory.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import structlog
from redis.asyncio import Redis

from alerting.consent import Leave, Word
from alerting.notification import SEND_BUDGET_S, Notification, Status
from monitor.cluster.epoch import Epoch
from monitor.cluster.link import AwayError, Link
from monitor.cluster.protocol import Member
from monitor.cluster.told import Log, after, believed, decode, encode, fresh, news_in

LEASE_S: Final = SEND_BUDGET_S + 5.0
"""One attempt and what stands around it. Who is paused for longer has lost the lease."""
OLD_S: Final = LEASE_S - SEND_BUDGET_S
"""An answer that took longer (we stood still) leaves no time for an attempt."""
AGAIN_S: Final = 1.0
"""How soon a message is asked for again that another replica is telling, or that got no answer: one
answer that is missing is not yet a Redis that is away."""
PLACE_S: Final = 15.0
"""While Redis is away, how much later each replica tells than the one before it by name."""
KEPT_S: Final = 30 * 86_400.0
"""A group that was not told of for so long begins anew."""
LOOK_S: Final = 2.0
"""How often it is looked at whether something was lost."""
MOST_LOGS: Final = 5_000
"""Logs kept in memory, those of the newest messages: a megabyte or a few."""
MOST_UNANSWERED: Final = 10_000
BATCH: Final = 100
"""Logs brought back in one question."""
WRITE_S: Final = 2.0
"""How long that may take: a hundred small scripts."""

ASK: Final = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local time = redis.call('TIME')
local found = {time[1], time[2]}
found[3] = redis.call('HGET', KEYS[2], 'threads') or ''
found[4] = redis.call('HGET', KEYS[2], 'at') or ''
for i = 3, #ARGV do found[i + 2] = redis.call('HGET', KEYS[2], 'alert:' .. ARGV[i]) or '' end
return found
"""
"""Take the lease, or have it still, for a whole attempt in any case; then read of the log what the
message is about."""

NOTE: Final = """
local token, kept_ms, at, mode, opened, closed = unpack(ARGV, 1, 6)
local lease, told = KEYS[1], KEYS[2]
local function time_in(text) return tonumber(string.match(text or '', '(%S+)$') or '0') or 0 end
local held = redis.call('GET', lease) == token
local noted_at = time_in(redis.call('HGET', told, 'at'))
local newer = tonumber(at) > noted_at
if newer or held then redis.call('HSET', told, 'at', at) end
if mode == 'over' then
    local all = redis.call('HGETALL', told)
    for i = 1, #all, 2 do
        local closed, was = string.gsub(all[i + 1], '^firing ', 'closed ')
        if was == 1 then redis.call('HSET', told, all[i], closed) end
    end
end
if newer or mode ~= 'perhaps' then
    local open, seen = {}, {[closed] = true}
    local threads = (redis.call('HGET', told, 'threads') or '') .. ' ' .. opened
    for each in string.gmatch(threads, '%S+') do
        if not seen[each] and #open < 8 then open[#open + 1] = each; seen[each] = true end
    end
    redis.call('HSET', told, 'threads', table.concat(open, ' '))
end
for i = 7, #ARGV, 2 do
    local known = redis.call('HGET', told, 'alert:' .. ARGV[i])
    if held or not known or time_in(known) < time_in(ARGV[i + 1]) then
        redis.call('HSET', told, 'alert:' .. ARGV[i], ARGV[i + 1])
    end
end
redis.call('PEXPIRE', told, kept_ms)
if held then redis.call('DEL', lease) end
"""
"""Note what was told, and let go of the lease if it is ours. Who lost it, or brings back what he
knows, overwrites nothing newer; what Redis has perhaps, and newer, opens no thread again."""

_CLOCK: Final = re.compile(r"\d{1,12}")
"""Seconds, or microseconds, of the clock of Redis."""

RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

Key = tuple[str, str]
"""Channel and group."""

log = structlog.get_logger("sonde.cluster")


@dataclass(frozen=True, slots=True)
class _Owed:
    """A log that Redis may lack."""

    mode: str = "perhaps"
    """Or empty, when something was told that it cannot know."""
    closed: str = ""
    """The thread that was closed last."""


class Leases:
    """Says of each message whether it may go out here and now."""

    def __init__(
        self,
        link: Link,
        token: str,
        wall: Callable[[], float],
        members: Callable[[], Sequence[Member]],
    ) -> None:
        """`token`: unlike that of any other process. `members`: the replicas heard of lately."""
        self._link, self._token, self._wall, self._members = link, token, wall, members
        self._epoch = Epoch(link, token)
        self._roll: tuple[Member, ...] = ()
        """The replicas, when Redis last answered."""
        self._logs: OrderedDict[Key, Log] = OrderedDict()
        """What was told, as far as this replica saw it."""
        self._owed: dict[Key, _Owed] = {}
        self._unanswered: OrderedDict[tuple[str, str], float] = OrderedDict()
        """By channel and message: since when, in loop time, Redis has not answered it."""
        self._ahead_s = 0.0
        """How far our wall clock is ahead of that of Redis."""

    async def ask(self, channel: str, notification: Notification) -> Leave:
        """Ask for leave to send; GO is good for one attempt."""
        key, began = (channel, notification.order), asyncio.get_running_loop().time()
        try:
            await self._look()
            if self._epoch.settling_s:
                return Leave(Word.WAIT, notification, self._epoch.settling_s)
            found = await self._leased(key, [each.fingerprint for each in notification.alerts])
        except AwayError:
            return self._alone(key, notification)
        self._unanswered.pop((channel, notification.id), None)
        if found is None or asyncio.get_running_loop().time() - began > OLD_S:
            return Leave(Word.WAIT, notification, AGAIN_S)
        self._remember(key, fresh(found, self._logs.get(key, Log())))
        leave = self._judged(key, notification)
        if leave.word is Word.TOLD:
            await self._release(key)
        return leave

    async def settled(self, channel: str, notification: Notification, *, told: bool) -> None:
        """Say what became of an attempt that had leave; not `told`: somebody else may try."""
        key = channel, notification.order
        if not told:
            await self._release(key)
            return
        self._unanswered.pop((channel, notification.id), None)
        known = after(self._known(key), notification, self._ahead_s, self._now())
        self._remember(key, known)
        over = notification.status is Status.RESOLVED
        opened, closed = ("", notification.thread) if over else (notification.thread, "")
        self._owed[key] = owed = _Owed("", closed)  # before the wait: until Redis has it
        said = {each.fingerprint: known.alerts[each.fingerprint] for each in notification.alerts}
        noted = Log(said, (opened,), known.at)
        mode = "over" if over else ""
        arguments = (self._token, *_written(noted, _Owed(mode, closed)))
        with suppress(AwayError):  # it is owed, and the lease runs out by itself
            await self._link.ask(lambda redis: _run(redis, NOTE, self._keys(key), arguments))
            if self._owed.get(key) is owed:
                del self._owed[key]

    async def keep(self) -> None:
        """Bring back what Redis lost, for ever."""
        while True:
            await self._link.reached()
            with suppress(AwayError):  # the link says so
                await self._look()
                await self._bring_back()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        if await self._epoch.look():
            self._owed = {key: self._owed.get(key, _Owed()) for key in self._logs}
            log.info("told.to_bring_back", groups=len(self._owed))
        self._roll = tuple(self._members()) or self._roll

    def _judged(self, key: Key, notification: Notification) -> Leave:
        message = news_in(self._known(key), notification, self._ahead_s, self._now())
        if message is None:
            return Leave(Word.TOLD, notification)
        return Leave(Word.GO, message)

    def _alone(self, key: Key, notification: Notification) -> Leave:
        """Say what to do while nobody can be asked."""
        now, message = asyncio.get_running_loop().time(), (key[0], notification.id)
        since = self._unanswered.setdefault(message, now)
        if len(self._unanswered) > MOST_UNANSWERED:
            self._unanswered.popitem(last=False)
        wait_s = since + AGAIN_S + self._place(notification) * PLACE_S - now
        if wait_s > 0:
            return Leave(Word.WAIT, notification, min(wait_s, AGAIN_S))
        leave = self._judged(key, notification)
        log.warning("told.unasked", channel=key[0], id=notification.id, word=leave.word.value)
        return leave

    def _place(self, notification: Notification) -> int:
        """Return how many replicas go first: of those that make this message, too."""
        location = dict(notification.group).get("location")
        found = [each for each in self._roll if not location or each.location == location]
        names = sorted(each.name for each in found if not each.own)
        own = next((each.name for each in found if each.own), "")
        return sum(name < own for name in names)

    def _now(self) -> float:
        return self._wall() - self._ahead_s

    def _known(self, key: Key) -> Log:
        return believed(self._logs.get(key, Log()), self._now())

    def _remember(self, key: Key, known: Log) -> None:
        self._logs[key] = known
        self._logs.move_to_end(key)
        if len(self._logs) > MOST_LOGS:
            gone, _ = self._logs.popitem(last=False)
            self._owed.pop(gone, None)

    def _keys(self, key: Key) -> tuple[str, str]:
        name = "/".join(key)
        lease, told = (self._link.key(part, name, together=name) for part in ("lease", "told"))
        return lease, told

    async def _leased(self, key: Key, alerts: Sequence[str]) -> Log | None:
        """Take the lease and read the log; None: another replica has it. Raises AwayError."""
        arguments = (self._token, str(round(LEASE_S * 1e3)), *alerts)
        answer = await self._link.ask(lambda redis: _run(redis, ASK, self._keys(key), arguments))
        if not isinstance(answer, list) or len(answer) != 4 + len(alerts):
            return None
        seconds, micros, threads, at, *texts = map(_text, answer)
        if not (_CLOCK.fullmatch(seconds) and _CLOCK.fullmatch(micros)):
            return None
        self._ahead_s = self._wall() - (float(seconds) + float(micros) / 1e6)
        return decode(alerts, texts, threads, at)

    async def _release(self, key: Key) -> None:
        with suppress(AwayError):  # it runs out by itself
            await self._link.ask(
                lambda redis: _run(redis, RELEASE, self._keys(key)[:1], (self._token,))
            )

    async def _bring_back(self) -> None:
        """Write what Redis may lack. Raises AwayError."""
        while self._owed:
            some = dict(islice(self._owed.items(), BATCH))
            calls: list[Sequence[str | int]] = [
                (NOTE, 2, *self._keys(key), "", *_written(self._logs[key], owed))
                for key, owed in some.items()
            ]
            await self._link.ask(partial(_evaluate, calls), timeout_s=WRITE_S)
            for key, owed in some.items():
                if self._owed.get(key) is owed:
                    del self._owed[key]


def _written(log: Log, owed: _Owed) -> list[str]:
    """Return a log as NOTE takes it, without the token."""
    alerts = (text for name, said in log.alerts.items() for text in (name, encode(said)))
    threads = " ".join(log.threads)
    return [str(round(KEPT_S * 1e3)), f"{log.at:.3f}", owed.mode, threads, owed.closed, *alerts]


async def _run(redis: Redis, script: str, keys: Sequence[str], arguments: Sequence[str]) -> object:
    return await redis.eval(script, len(keys), *keys, *arguments)


async def _evaluate(calls: Iterable[Sequence[str | int]], redis: Redis) -> None:
    """Run scripts in one round trip: across an ocean one after another would take too long."""
    async with redis.pipeline(transaction=False) as pipe:
        for call in calls:
            pipe.execute_command("EVAL", *call)
        await pipe.execute()


def _text(value: object) -> str:
    """Return what Redis said as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
