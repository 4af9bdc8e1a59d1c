"""The world around the processes of a story: clocks, a disk, providers, receivers; and a witness.

A process acts on the world in few ways: it writes to its disk, asks a provider, posts to a
receiver. Between two of those acts nobody can tell whether it is alive, so being killed at any of
them is being killed anywhere.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import httpx2

from aggregator.ledger import WAIT_S, Ledger, LedgerError
from alerting.engine import Identity, Transition
from alerting.notification import DeliveryError
from probes.result import Fault, ProbeResult, StampQuality, Verdict
from probes.target import Slot, Target
from tests.simulation.loop import VirtualLoop
from tests.simulation.story import Disk, Refusal, Story, Trouble

T = TypeVar("T")
START: Final = 1_750_000_000.0
FLAP_S: Final = 35.0
_VERDICTS: Final = {
    Trouble.DOWN: (Verdict.SERVER_ERROR, Fault.PROVIDER),
    Trouble.HANG: (Verdict.TIMEOUT, Fault.PROVIDER),
    Trouble.FLAPPING: (Verdict.SERVER_ERROR, Fault.PROVIDER),
    Trouble.THROTTLED: (Verdict.THROTTLED, Fault.PROVIDER),
    Trouble.ACCOUNT: (Verdict.AUTH, Fault.ACCOUNT),
    Trouble.REQUEST: (Verdict.INVALID_REQUEST, Fault.REQUEST),
}
_STATUS: Final = {
    Refusal.BUSY: 429,
    Refusal.BROKEN: 500,
    Refusal.ELSEWHERE: 302,
    Refusal.PORTAL: 404,
    Refusal.REFUSED: 400,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One alert in a message, as its receiver reads it."""

    fingerprint: str
    status: str
    starts_at: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message that reached a receiver."""

    at: float
    life: int
    channel: str
    id: str
    alerts: tuple[Told, ...]
    how: Refusal | None
    """What it came to; None: it was taken, and acknowledged."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One transition of an alert, when the process made it."""

    at: float
    life: int
    watched_s: float
    """How long processes had been watching by then, over all of them."""
    transition: Transition


@dataclass(frozen=True, slots=True)
class Answer:
    """One probe that came to an end in a living process."""

    at: float
    life: int
    result: ProbeResult
    began_s: float


@dataclass(slots=True)
class Started:
    """What a process found when it started, and when it did."""

    at: float
    states: Mapping[Identity, str]
    """Of the alerts in the ledger: pending or firing."""
    newest_row: int
    steady_offset_s: float = 0.0
    """From the world's seconds to that process's steady time."""
    ended_at: float = 0.0


@dataclass(slots=True)
class Witness:
    """Everything that happened, for whoever judges it afterwards."""

    receipts: list[Receipt] = field(default_factory=list)
    refused: list[Receipt] = field(default_factory=list)
    """Messages that were not taken."""
    seen: list[Seen] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    committed: list[Answer] = field(default_factory=list)
    """Those whose process went on to count them, while the disk was well."""
    slots: list[tuple[float, int, str, int]] = field(default_factory=list)
    """When, in which life, of which target, which."""
    faults: list[tuple[float, str]] = field(default_factory=list)
    """Faults of ours: kills, lost acknowledgements, a disk that refused, clocks."""
    gone: list[tuple[float, float]] = field(default_factory=list)
    """From when to when a process was suspended or stood still."""
    lives: list[Started] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)

    def fault_between(self, from_s: float, to_s: float, *kinds: str) -> bool:
        """Say whether there was a fault of ours in that time."""
        return any(from_s <= at <= to_s for at, kind in self.faults if not kinds or kind in kinds)


class World:
    """Time and everything outside of the process. One process lives at a time."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.witness = Witness()
        self.loop = VirtualLoop(0.0)
        self.asleep_s = 0.0
        self.step_s = 0.0
        self.held_s = 0.0
        self.watched_before_s = 0.0
        self.life = -1
        self.dead = False
        self._acts_left: int | None = None

    @property
    def now(self) -> float:
        """Seconds since the beginning, suspended ones included."""
        return self.loop.time() + self.asleep_s

    def wall(self) -> float:
        return START + self.now + self.step_s

    def boottime(self) -> float:
        return self.now

    def note(self, text: str) -> None:
        self.witness.log.append((self.now, text))

    def fault(self, kind: str) -> None:
        faults = self.witness.faults
        if not faults or faults[-1][1] != kind or self.now - faults[-1][0] > FLAP_S:
            self.note(f"FAULT {kind}")
        faults.append((self.now, kind))

    def doom(self, acts: int) -> None:
        """Kill the process at that act from now on."""
        self._acts_left = acts

    async def act(self) -> None:
        """Pass a moment in which the world hears of the process; it may be its last."""
        if self._acts_left is not None and not self.dead:
            self._acts_left -= 1
            if self._acts_left <= 0:
                self.die()
        if self.dead:
            await self.loop.create_future()

    def die(self) -> None:
        """End the process as kill -9 does."""
        self.dead = True
        self.fault("kill")
        self.loop.stop()

    async def probe(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        """Answer as the story has it; what begins while our way out is cut finds nobody."""
        await self.act()
        began, at = self.now, self.wall()
        if attempt == 1:
            self.witness.slots.append((began, self.life, target.name, slot.number))
        seconds, verdict, fault = self._found(target, began)
        await asyncio.sleep(seconds)
        await self.act()
        result = ProbeResult(
            target=target.name,
            provider=target.provider,
            model=target.model,
            operation=target.operation,
            location="here",
            slot=slot.number,
            slot_at=slot.at,
            attempt=attempt,
            at=at,
            verdict=verdict,
            fault=fault,
            total_s=seconds,
            stamps=StampQuality.KERNEL,
        )
        self.witness.answers.append(Answer(self.now, self.life, result, began))
        return result

    def _found(self, target: Target, at_s: float) -> tuple[float, Verdict, Fault]:
        story = self.story
        if story.spell_of(story.cuts, "", at_s):
            return 0.1, Verdict.CONNECT_ERROR, Fault.NETWORK
        spell = story.spell_of(story.spells, target.name, at_s)
        if spell is None:
            return 0.4, Verdict.OK, Fault.NONE
        kind = Trouble(spell.kind)
        if kind is Trouble.SLOW:
            return 0.8 * target.deadline_s, Verdict.OK, Fault.NONE
        if kind is Trouble.FLAPPING and int(at_s / FLAP_S) % 2:
            return 0.4, Verdict.OK, Fault.NONE
        return target.deadline_s if kind is Trouble.HANG else 0.2, *_VERDICTS[kind]


class SimulatedLedger(Ledger):
    """The ledger, on a disk that does what the story says. What it is given it does in order."""

    world: World
    limbo: list[Callable[[sqlite3.Connection], object]]

    def _disk(self) -> Disk | None:
        story = self.world.story
        spell = story.spell_of(story.disks, "", self.world.now)
        return None if spell is None else Disk(spell.kind)

    async def write(
        self, work: Callable[[sqlite3.Connection], T], *, timeout_s: float | None = WAIT_S
    ) -> T:
        """Write, or fail as the disk does; the process may die before and behind the commit."""
        await self.world.act()
        disk = self._disk()
        if disk is Disk.FULL:
            self.world.fault("disk")
            raise LedgerError("the disk is full")
        if disk is Disk.STUCK:
            self.world.fault("disk")
            self.limbo.append(work)
            await asyncio.sleep(timeout_s or WAIT_S)
            raise LedgerError("the disk does not answer")
        for each in self.limbo:  # what was stuck is done first, whoever still waits for it
            await super().write(each)
        self.limbo.clear()
        value = await super().write(work, timeout_s=timeout_s)
        if disk is Disk.SLOW:
            await asyncio.sleep(0.3)
        await self.world.act()
        if disk is Disk.DOUBTFUL:
            self.world.fault("disk")
            raise LedgerError("the disk did it, and did not say so")
        return value

    def forsake(self) -> None:
        """Let go of the file as the death of a process does."""
        self._reader._connection.close()
        self._writer._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Sink:
    """A receiver behind the real webhook notifier: what a connection to it comes to."""

    def __init__(self, world: World, channel: str) -> None:
        self._world = world
        self._channel = channel

    async def post(
        self, _url: httpx2.URL, headers: Mapping[str, str], body: bytes
    ) -> httpx2.Response:
        """Take a message or not, as the story has it."""
        world, story = self._world, self._world.story
        await world.act()
        await asyncio.sleep(0.05)
        if world.dead:
            await world.act()
        spell = story.spell_of(story.sinks, self._channel, world.now)
        kind = None if spell is None else Refusal(spell.kind)
        taken = kind in (None, Refusal.UNACKNOWLEDGED)
        self._note(headers, body, kind, taken=taken)
        if kind is Refusal.HANG:
            await world.loop.create_future()
        if kind in (Refusal.DOWN, Refusal.RESET, Refusal.UNACKNOWLEDGED):
            if kind is Refusal.UNACKNOWLEDGED:
                world.fault("acknowledgement")
            raise DeliveryError(f"the receiver did not answer: {kind}", retryable=True)
        await world.act()
        named = {"Retry-After": "20"} if kind is Refusal.BUSY else {}
        return httpx2.Response(200 if kind is None else _STATUS[kind], headers=named)

    def _note(
        self, headers: Mapping[str, str], body: bytes, how: Refusal | None, *, taken: bool
    ) -> None:
        world, said = self._world, json.loads(body)
        alerts = tuple(
            Told(each["fingerprint"], each["status"], each["startsAt"], each["labels"])
            for each in said["alerts"]
        )
        receipt = Receipt(world.now, world.life, self._channel, headers["webhook-id"], alerts, how)
        (world.witness.receipts if taken else world.witness.refused).append(receipt)
        names = (f"{a.status} {a.labels['alertname']} {a.labels.get('target', '')}" for a in alerts)
        heard = "hears" if taken else f"refuses ({how})"
        world.note(f"{self._channel} {heard} {receipt.id}: {', '.join(names)}")

    async def close(self) -> None:
        """Have nothing to let go of."""
