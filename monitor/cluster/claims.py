"""Claims: of each slot one replica makes the probe, the first that asks for it.

Who is busy, or comes later in the ranking of a target, asks a little later; correct it is in any
order. What is asked while an answer is awaited goes out together, in the next round trip.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from monitor.clock import Clock
from monitor.cluster.link import ASK_S, MORE, AwayError, Link
from monitor.cluster.protocol import Member, Turn
from monitor.cluster.rank import (
    SPREAD_S,
    early_s,
    head_start_s,
    patience_s,
    rank,
    slot_life_s,
)
from monitor.cluster.scripts import BUSY, CLAIM, COUNT, FURTHER, RELEASE, WON, Script
from monitor.scheduler import GRACE_RATIO, GRACE_S
from probes.target import Slot, Target

MOST_AT_ONCE: Final = 1000
"""Scripts in one round trip: Redis does nothing else for their 10 ms."""
MOST_WAITING: Final = 10_000
"""What waits to be sent; one more is not asked. There are never as many targets in flight."""
AGAIN_S: Final = 0.05
"""How soon to ask again for a target whose last probe has not ended elsewhere."""
DOUBT_S: Final = 0.3
"""A Redis that is well answers a look within this, when one question has failed."""
STILL_S: Final = 2 * (1 + MORE) * ASK_S
"""An answer takes ASK_S at most, several times that where the loop is busy, and is asked for twice:
what takes longer is no wait of ours."""
SKIP_SLACK_S: Final = 0.1
"""How much longer than their head starts others get before we count a slot as skipped."""
LATE_S: Final = 0.1
"""A loop whose slots come this late on average is at its limit: the load ratio is 1."""
SMOOTHING_RATIO: Final = 0.05
"""How much each slot's lateness counts in that average."""


@dataclass(slots=True)
class _Ask:
    """One script that is to be run, and who waits for what it says."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[str | int, ...]
    answer: asyncio.Future[int | None] | None = None
    """None, or a result of None: nobody asked, or could be asked."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """What we have in flight: where that is noted, and as what."""

    key: str
    who: str


class Claims:
    """Asks for slots in one location."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        replica: str,
        location: str,
        members: Callable[[], Sequence[Member]],
    ) -> None:
        """`members`: the replicas heard of lately, this one among them; none is as good as one."""
        self._link = link
        self._clock = clock
        self._replica = replica
        self._location = location
        self._members = members
        self._process = token_hex(4)
        self._waiting: list[_Ask] = []
        self._wake = asyncio.Event()
        self._over = False
        self._flights: dict[tuple[str, int], _Flight] = {}
        """By target and attempt."""
        self._lateness_s = 0.0
        self.hindered: Callable[[], bool] = lambda: False
        """Whether what we would find says nothing about anybody but us."""
        self.turns = dict.fromkeys(Turn, 0)
        """How often each was the answer."""

    @property
    def in_flight(self) -> int:
        """How many attempts are asked for or under way here."""
        return len(self._flights)

    @property
    def load_ratio(self) -> float:
        """How late slots come to be claimed here, 1.0 where that is all our loop can do."""
        return self._lateness_s / LATE_S

    async def claim(self, target: Target, slot: Slot) -> Turn:
        """Ask for a slot that is due now; a wait at most as long as the scheduler's own."""
        self._note_lateness(slot)
        flight = self._flying("s", target, slot, 1)
        try:
            turn = await self._turn(target, slot, flight)
        except asyncio.CancelledError:
            self.release(target)  # goes out after the claim, whatever that comes to
            raise
        if turn not in {Turn.OURS, Turn.UNASKED}:
            del self._flights[target.name, 1]
        self.turns[turn] += 1
        return turn

    async def _turn(self, target: Target, slot: Slot, flight: _Flight) -> Turn:
        ahead_s, grace_s = early_s(self._ahead_s(), target.interval_s), _grace_s(target)
        began, most_s = self._clock.monotonic(), grace_s / 2
        await self._wait_turn(self._place(target), ahead_s, most_s)
        slot_key, life_ms = self._slot_key(target, slot), _slot_life_ms(target)
        keys, asked_at = (slot_key, flight.key), self._clock.monotonic()
        asked = 0
        while True:
            connected, asked = self._link.connected, asked + 1
            sent_at, flight_ms = self._clock.monotonic(), _flight_life_ms(target)
            answer = await self._ask(CLAIM, keys, flight.who, life_ms, flight_ms)
            now = self._clock.monotonic()
            # Later than any wait of ours: we stood still, and the others did not. What we hold may
            # have come free meanwhile.
            still = now - began > ahead_s + 2 * grace_s + STILL_S
            over = answer is None or now - sent_at > flight_ms / 1000
            if still and over:
                self._give_back(flight)
                return Turn.TAKEN
            if answer is None:
                again = connected and not self._over and (asked == 1 or now - asked_at < grace_s)
                if not (again and await self._answers_after_all()):
                    return Turn.UNASKED
                await asyncio.sleep(AGAIN_S)
                continue
            if answer != BUSY:
                return Turn.OURS if answer == WON else Turn.TAKEN
            if now - asked_at >= grace_s:
                break
            await asyncio.sleep(AGAIN_S)
        answer = await self._ask(COUNT, (slot_key,), self._who("k", slot, 1), life_ms)
        return Turn.IN_FLIGHT if answer in {WON, None} else Turn.TAKEN

    async def _answers_after_all(self) -> bool:
        """Wait for a look at Redis after a question that failed, perhaps for our own lateness.

        A loop that is late misses an answer that is there. Who probes then, probes what another
        has been given.
        """
        try:
            async with asyncio.timeout(DOUBT_S):
                await self._link.reached()
        except TimeoutError:
            return False
        return True

    async def _wait_turn(self, place: int, ahead_s: float, most_s: float) -> None:
        """Leave the slot to those who should have it, if there are any."""
        if len(self._near()) > 1:
            start_s = head_start_s(place, self.load_ratio, most_s, hindered=self.hindered())
            await _sleep(ahead_s + start_s)
        if not self._link.connected:
            await _sleep(min(place * SPREAD_S, most_s))

    async def claim_skip(self, target: Target, slot: Slot) -> bool:
        """Ask whose it is to count a slot, when others had the time to probe it."""
        near = self._near()
        ahead_s = early_s(self._ahead_s(), target.interval_s)
        await _sleep(patience_s(m.load_ratio for m in near) + ahead_s + SKIP_SLACK_S)
        who, life_ms = self._who("k", slot, 1), _slot_life_ms(target)
        return await self._ask(COUNT, (self._slot_key(target, slot),), who, life_ms) in {WON, None}

    async def claim_further(self, target: Target, slot: Slot, attempt: int) -> bool:
        """Ask for the place in flight for a confirming attempt."""
        flight = self._flying("c", target, slot, attempt)
        try:
            answer = await self._ask(FURTHER, (flight.key,), flight.who, _flight_life_ms(target))
        except asyncio.CancelledError:
            self.release(target, attempt)
            raise
        if answer in {WON, None}:
            return True
        del self._flights[target.name, attempt]
        return False

    def release(self, target: Target, attempt: int = 1) -> None:
        """Give the place in flight back, without waiting; it comes free by itself as well."""
        flight = self._flights.pop((target.name, attempt), None)
        if flight is not None:
            self._give_back(flight)

    async def run(self) -> None:
        """Send what is asked, for ever; whoever waits when that ends could not be asked."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    asks = self._waiting[:MOST_AT_ONCE]
                    del self._waiting[:MOST_AT_ONCE]
                    await self._send(asks)
        finally:
            self._over = True
            _answer(self._waiting, (None,) * len(self._waiting))

    async def _send(self, asks: Sequence[_Ask]) -> None:
        try:
            await self._link.ask(partial(_evaluate, asks=asks))
        except AwayError:
            pass  # the link has told; who still waits is told by the None
        finally:
            _answer(asks, (None,) * len(asks))

    async def _ask(
        self, script: Script, keys: tuple[str, ...], *arguments: str | int
    ) -> int | None:
        """Have a script run; None: it could not be asked, or was and we shall not know."""
        if not self._askable():
            return None
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._put(_Ask(script, keys, arguments, answer))
        return await answer

    def _give_back(self, flight: _Flight) -> None:
        if self._askable():
            self._put(_Ask(RELEASE, (flight.key,), (flight.who,)))

    def _askable(self) -> bool:
        return self._link.connected and not self._over and len(self._waiting) < MOST_WAITING

    def _put(self, ask: _Ask) -> None:
        self._waiting.append(ask)
        self._wake.set()

    def _flying(self, kind: str, target: Target, slot: Slot, attempt: int) -> _Flight:
        """Note what is to be in flight: whoever claims is to release."""
        key = self._link.key("flight", together=self._together(target))
        flight = _Flight(key, self._who(kind, slot, attempt))
        self._flights[target.name, attempt] = flight
        return flight

    def _who(self, kind: str, slot: Slot, attempt: int) -> str:
        return f"{kind}:{self._replica}:{self._process}:{slot.number}:{attempt}"

    def _slot_key(self, target: Target, slot: Slot) -> str:
        return self._link.key("slot", str(slot.number), together=self._together(target))

    def _together(self, target: Target) -> str:
        return f"{self._location}/{target.name}"

    def _near(self) -> Sequence[Member]:
        return [member for member in self._members() if member.location == self._location]

    def _place(self, target: Target) -> int:
        names = frozenset(member.name for member in self._near())
        return rank(target.name, self._replica, names)

    def _ahead_s(self) -> float:
        """Return how far our clock is ahead of the slowest one here."""
        near = self._near()
        own = next((member.ahead_s for member in near if member.own), 0.0)
        return own - min((member.ahead_s for member in near), default=own)

    def _note_lateness(self, slot: Slot) -> None:
        late_s = min(max(self._clock.wall() - slot.at, 0.0), 2 * LATE_S)
        self._lateness_s += SMOOTHING_RATIO * (late_s - self._lateness_s)


def _grace_s(target: Target) -> float:
    return min(GRACE_S, target.interval_s * GRACE_RATIO)


def _slot_life_ms(target: Target) -> int:
    return round(1000 * slot_life_s(target.interval_s))


def _flight_life_ms(target: Target) -> int:
    """Return how long an attempt is in flight at most.

    Less than a grace beyond its deadline: where that is as long as the interval, the replica that
    is killed costs its own slot and not the one after it as well.
    """
    return round(1000 * (target.deadline_s + _grace_s(target) / 2))


async def _sleep(wait_s: float) -> None:
    if wait_s > 0.0:
        await asyncio.sleep(wait_s)


def _answer(asks: Sequence[_Ask], answers: Sequence[int | None]) -> None:
    for ask, answer in zip(asks, answers, strict=True):
        if ask.answer is not None and not ask.answer.done():
            ask.answer.set_result(answer)


async def _evaluate(client: Redis, asks: Sequence[_Ask]) -> None:
    """Run scripts in one round trip; a server that does not know them yet is sent their text.

    One that is refused, for a strange value under its key, is raised when all others have answers.
    """
    found = await _piped(client, [("EVALSHA", ask.script.sha, ask) for ask in asks])
    unknown = [n for n, answer in enumerate(found) if isinstance(answer, NoScriptError)]
    if unknown:
        texts = [("EVAL", asks[n].script.text, asks[n]) for n in unknown]
        for n, answer in zip(unknown, await _piped(client, texts), strict=True):
            found[n] = answer
    refused = [answer for answer in found if isinstance(answer, Exception)]
    for ask, answer in zip(asks, found, strict=True):
        if not isinstance(answer, Exception):
            _answer((ask,), (int(answer),))
    if refused:
        raise refused[0]


async def _piped(client: Redis, calls: Sequence[tuple[str, str, _Ask]]) -> list[Any]:
    """Return what each call answers: Any, because an exception is one of the answers."""
    async with client.pipeline(transaction=False) as pipe:
        for command, script, ask in calls:
            pipe.execute_command(command, script, len(ask.keys), *ask.keys, *ask.arguments)
        return await pipe.execute(raise_on_error=False)
