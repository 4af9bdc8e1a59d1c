"""What replicas settle among themselves, and what they tell each other.

Every replica runs the same schedule. Of each slot one replica makes the probe: the first that
claims it. Every result is told to all, so all have the same windows, alerts and pages. Nobody leads
and nobody is asked who is there: the slots of a replica that is gone are claimed by the others at
the next tick. When the others cannot be asked, each works as if it were alone.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aggregator.results import SkippedSlot
from alerting.consent import Consent
from monitor.budget.purse import Purse
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target

News = ProbeResult | SkippedSlot
"""What is told of a slot: a metric counts both."""

Running = Mapping[str, Callable[[], Awaitable[None]]]
"""What must run for as long as we do, by name."""


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


class Hearer(Protocol):
    """Who takes in what others found: the road that leads."""

    async def hear(self, heard: Sequence[Heard], /) -> None:
        """Take in, in order, what other replicas tell. Never raises LedgerError."""

    def lost(self, target: str, slot: Slot, location: str, /) -> None:
        """Hear that a slot which another replica took has come to nothing."""


class Cluster(Protocol):
    """The replicas, as one of them sees them."""

    @property
    def alone(self) -> bool:
        """Whether there can be no other: then nothing of this costs anything."""

    @property
    def consent(self) -> Consent:
        """Who is asked before a message goes out."""

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

    async def release(self, target: Target) -> None:
        """Say that what was in flight has ended. Never raises but CancelledError."""

    def tell(self, news: News) -> None:
        """Tell all others of a slot of ours; returns at once, drops are counted."""

    def members(self) -> Sequence[Member]:
        """Return the replicas heard of lately, this one among them; alone: none."""

    def running(self, hearer: Callable[[], Hearer]) -> Running:
        """Return what must run for as long as we do, by name. `hearer`: who listens by then."""

    async def start(self, hearer: Hearer) -> None:
        """Hear what was told while we were away, within a bounded time; after the ledger's own."""

    async def close(self) -> None:
        """Leave, and close connections; within a second."""
