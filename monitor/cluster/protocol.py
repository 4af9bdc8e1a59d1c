"""What replicas settle among themselves, and what they tell each other.

Every replica runs the same schedule. Of each slot one replica makes the probe: the first that
claims it. Every result is told to all, so all have the same windows, alerts and pages. Nobody leads
and nobody is asked who is there: the slots of a replica that is gone are claimed by the others at
the next tick. When the others cannot be asked, each works as if it were alone.
"""

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from prometheus_client import CollectorRegistry

from aggregator.results import SkippedSlot
from alerting.consent import Consent
from alerting.slack_threads import Places
from monitor.budget.purse import Purse
from monitor.config.values import Config
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target

News = ProbeResult | SkippedSlot
"""What is told of a slot: a metric counts both."""

Running = Mapping[str, Callable[[], Awaitable[None]]]
"""What must run for as long as we do, by name."""


Keep = Callable[[sqlite3.Connection], None]
"""What is to be written beside what was heard."""


UNKNOWN: Final = "unknown"
"""What became of news of a target we do not have as it is there, or of a time still to come; the
other words are those of `Standing`."""


class Turn(StrEnum):
    """What became of asking for a slot: a metric label."""

    OURS = "ours"
    """We probe it, and nobody else."""
    TAKEN = "taken"
    """Another replica has it, or counts it as skipped."""
    IN_FLIGHT = "in_flight"
    """The target's probe before it has not ended, here or elsewhere, and it is on us to say so."""
    UNASKED = "unasked"
    """The others could not be asked in time: we probe it, and they may as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What another replica told."""

    replica: str
    news: News


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A replica, as it said of itself."""

    name: str
    location: str
    version: str
    config: str
    """A short digest of its configuration: those of one location should be alike."""
    started_at: float
    """Wall time."""
    seen_s: float
    """How long ago it was heard of, by the clock of Redis."""
    ahead_s: float
    """How far its wall clock is ahead of that of Redis."""
    in_flight: int
    load_ratio: float
    """How busy it is, 0..1 and more: a busier replica leaves slots to others."""
    claims: int
    """Slots it took since its start."""
    own: bool
    """Whether it is this one."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What was found of a Redis that does all that is asked of it."""

    took_s: float
    """For one round trip."""
    ahead_s: float
    """How far our clock is ahead of its."""


class ReachError(Exception):
    """Redis is not there, or refuses something. The text is for people, and holds no secret."""


class Hearer(Protocol):
    """Who takes in what others found: the road that leads."""

    @property
    def config(self) -> Config:
        """What it follows."""

    async def hear(self, heard: Sequence[Heard], keep: Keep, /) -> Counter[str]:
        """Take in, in order, what other replicas tell; `keep` goes into the same transaction.

        Returns what became of how many. Never raises LedgerError.
        """

    async def lost(self, target: str, slot: Slot, /) -> bool:
        """Count a slot that another replica took, and of which nothing came; False: some did.

        Never raises LedgerError.
        """


class Cluster(Protocol):
    """The replicas, as one of them sees them."""

    @property
    def alone(self) -> bool:
        """Whether there can be no other: then nothing of this costs anything."""

    @property
    def connected(self) -> bool:
        """Whether the others can be reached; alone: always."""

    @property
    def consent(self) -> Consent:
        """Who is asked before a message goes out."""

    @property
    def places(self) -> Places | None:
        """Where replicas look for each other's Slack threads; alone: nowhere."""

    def yield_while(self, hindered: Callable[[], bool]) -> None:
        """Come last for slots while `hindered`: what we would find would say nothing."""

    def heed(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever another replica took up a configuration."""

    def reloaded(self) -> None:
        """Tell the others that a configuration was taken up here; returns at once."""

    def purse(self) -> Purse:
        """Return where budgets are kept."""

    async def claim(self, target: Target, slot: Slot) -> Turn:
        """Ask for a slot that is due now. Never raises but CancelledError.

        OURS and UNASKED want a `release` when the probe has ended, whatever came of it.
        """

    async def claim_skip(self, target: Target, slot: Slot, reason: SkipReason) -> bool:
        """Ask whether it is on us to count a slot as skipped that we do not probe.

        False: another replica probes it, or counts it. Others are given the time to.
        """

    async def claim_further(self, target: Target, slot: Slot, attempt: int) -> bool:
        """Ask for the place in flight for a confirming attempt; True wants a `release`."""

    def release(self, target: Target, attempt: int = 1) -> None:
        """Say that an attempt that was in flight has ended; returns at once."""

    def tell(self, news: News) -> None:
        """Tell all others of a slot of ours; returns at once, drops are counted."""

    def members(self) -> Sequence[Member]:
        """Return the replicas heard of lately, this one among them; alone: none."""

    def running(self, hearer: Callable[[], Hearer]) -> Running:
        """Return what must run for as long as we do, by name. `hearer`: who listens by then."""

    def show(self, registry: CollectorRegistry) -> None:
        """Have /metrics show the group; alone: nothing."""

    async def start(self, hearer: Hearer) -> None:
        """Hear what was told while we were away, within a bounded time; after the ledger's own."""

    async def close(self) -> None:
        """Leave, and close connections; within a second."""
