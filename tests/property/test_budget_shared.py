"""No order of draws, crashes, cuts and losses of Redis lets replicas spend more than a cap.

What is assumed is what docs/replicas.md says: when Redis loses writes, one replica that was in
touch with it until then is so again within the ten seconds in which nothing is drawn.
"""

import asyncio
import copy
import sqlite3
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aggregator.ledger import LedgerError
from monitor.budget.purse import BUDGET, PurseError
from monitor.clock import Clock
from monitor.cluster.purse import RedisPurse
from monitor.cluster.purse_fields import PURSE
from tests.standins.redis_budget import NOON_MS, RememberedLink, RememberedRedis

T = TypeVar("T")
CAP_NUSD = 100
DAY = date(2025, 6, 16)
REPLICAS = 3
WHICH = st.integers(0, REPLICAS - 1)


class MemoryLedger:
    """The tables of a purse, and a disk that may be full."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        for schema in (BUDGET, PURSE):
            self.connection.executescript(schema.migrations[0])
        self.full = False

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return work(self.connection)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.full:
            raise LedgerError("full")
        with self.connection:
            return work(self.connection)


class Replica:
    """A process and what outlives it."""

    def __init__(self, name: str, server: RememberedRedis, clock: Clock) -> None:
        self.name, self.server, self.clock = name, server, clock
        self.ledger = MemoryLedger()
        self.link = RememberedLink(server)
        self.at_hand_nusd = 0
        self.up = True
        self.begin()

    def begin(self) -> None:
        self.at_hand_nusd = 0
        self.purse = RedisPurse(
            self.link,
            self.ledger,  # type: ignore[arg-type]  # all that is used of it
            self.clock,
            self.name,
            pause=self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.server.now_ms += round(seconds * 1000)


class Sharing(RuleBasedStateMachine):
    """Three replicas and one Redis, each of which fails as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.server = RememberedRedis()
        clock = Clock(lambda: self.server.now_ms / 1000, lambda: self.server.now_ms / 1000)
        self.replicas = [Replica(f"r{n}", self.server, clock) for n in range(REPLICAS)]
        self.spent_nusd = 0
        self.drew: set[str] = set()
        """Sessions that were ever granted anything that could be spent."""
        self.older: list[dict[str, str]] = [{}]
        self.losses = 0

    # What replicas do.

    def draw_of(self, replica: Replica, wanted_nusd: int) -> None:
        session = replica.purse._session
        try:
            drawn = self.loop.run_until_complete(
                replica.purse.draw("p", DAY, wanted_nusd, CAP_NUSD)
            )
        except (PurseError, LedgerError):
            return
        if drawn.granted_nusd:
            self.drew |= {session, replica.purse._session}
            self.drew &= {*self.server_sessions(), *self.drew}
            replica.at_hand_nusd += drawn.granted_nusd
            self.spent_nusd += drawn.granted_nusd  # as if it were spent at once

    def server_sessions(self) -> set[str]:
        return {field[2:] for field in self.server.hash if field.startswith("s|")}

    @rule(which=WHICH, wanted_nusd=st.integers(1, 60))
    def draw(self, which: int, wanted_nusd: int) -> None:
        replica = self.replicas[which]
        if replica.up:
            self.draw_of(replica, wanted_nusd)

    @rule(which=WHICH)
    def give_back(self, which: int) -> None:
        replica = self.replicas[which]
        amount_nusd, replica.at_hand_nusd = replica.at_hand_nusd // 2, 0
        if not replica.up or not amount_nusd:
            return
        self.spent_nusd -= amount_nusd
        try:
            self.loop.run_until_complete(replica.purse.give_back("p", DAY, amount_nusd))
        except LedgerError:
            return

    @rule(seconds=st.integers(1, 15))
    def go_on(self, seconds: int) -> None:
        """Every second every replica that lives speaks."""
        for _ in range(seconds):
            self.server.now_ms += 1000
            for replica in self.replicas:
                if replica.up:
                    self.speak(replica)
        self.older.append(dict(self.server.hash))

    def speak(self, replica: Replica) -> None:
        self.loop.run_until_complete(replica.purse.speak())

    # What becomes of them.

    @rule(which=WHICH, volume=st.booleans())
    def kill(self, which: int, volume: bool) -> None:
        replica = self.replicas[which]
        replica.up = False
        if not volume:
            replica.ledger = MemoryLedger()

    @rule(which=WHICH)
    def start(self, which: int) -> None:
        replica = self.replicas[which]
        if not replica.up:
            replica.up = True
            replica.begin()

    @rule(which=WHICH, cut=st.booleans(), deaf=st.booleans())
    def part(self, which: int, cut: bool, deaf: bool) -> None:
        self.replicas[which].link.cut, self.replicas[which].link.deaf = cut, deaf

    @rule(which=WHICH, full=st.booleans())
    def fill(self, which: int, full: bool) -> None:
        self.replicas[which].ledger.full = full

    @rule(seconds=st.integers(6, 100))
    def pause_everything(self, seconds: int) -> None:
        self.server.now_ms += 1000 * seconds

    # What becomes of Redis.

    @rule(copies=st.integers(0, 2), acknowledge=st.booleans())
    def copy(self, copies: int, acknowledge: bool) -> None:
        self.server.copies, self.server.acknowledge = copies, acknowledge

    def witnesses(self) -> list[Replica]:
        """Replicas that are in touch and know everybody who has drawn."""
        return [
            replica
            for replica in self.replicas
            if replica.up
            and not replica.link.cut
            and not replica.link.deaf
            and replica.purse._mirror.sessions.keys() >= self.drew
        ]

    @precondition(lambda self: self.witnesses())
    @rule(
        back=st.integers(0, 5),
        same_run=st.booleans(),
        others=st.lists(st.tuples(WHICH, st.integers(0, 60)), max_size=5),
        after_s=st.integers(0, 8),
    )
    def lose(self, back: int, same_run: bool, others: list[tuple[int, int]], after_s: int) -> None:
        """Forget all, or what was not copied or saved; a witness comes back."""
        witness = self.witnesses()[0]
        self.losses += 1
        if same_run:
            self.server.hash = {}
        else:
            self.server.run = f"run{self.losses}"
            self.server.hash = copy.copy(self.older[max(0, len(self.older) - 1 - back)])
        for which, wanted_nusd in others:
            if self.replicas[which].up and wanted_nusd:
                self.draw_of(self.replicas[which], wanted_nusd)
        # Nobody speaks for so long, at worst; what was waited for above counts too.
        began_ms = self.server.now_ms
        self.server.now_ms = min(began_ms + 1000 * after_s, began_ms + 8000)
        for _ in range(2):
            self.speak(witness)
        self.older = [{}, dict(self.server.hash)]

    @invariant()
    def nobody_spends_beyond_the_cap(self) -> None:
        assert self.spent_nusd <= CAP_NUSD

    @invariant()
    def nothing_is_spent_that_redis_or_a_replica_does_not_know(self) -> None:
        assert self.spent_nusd >= 0
        assert self.server.now_ms >= NOON_MS

    def teardown(self) -> None:
        for replica in self.replicas:
            replica.ledger.connection.close()
        self.loop.close()


TestSharing = Sharing.TestCase
TestSharing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
