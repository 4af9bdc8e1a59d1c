"""The replicas through one Redis: every part of what they settle and tell, put together."""

from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from aggregator.ledger import Ledger
from alerting.consent import FREE, Consent
from monitor.budget.purse import LedgerPurse, Purse
from monitor.clock import Clock
from monitor.cluster.link import Link
from monitor.cluster.protocol import Hearer, Member, News, Running, Turn
from monitor.config.values import Config
from probes.result import SkipReason
from probes.target import Slot, Target


class Joined:
    """A replica's side of its group."""

    alone = False

    def __init__(self, config: Config, ledger: Ledger, clock: Clock) -> None:
        """`config` names a cluster. Raises SecretError when its URL cannot be read."""
        cluster = config.cluster
        if cluster is None:
            raise ValueError("no cluster is configured")
        self._link = Link(Redis.from_url(cluster.redis.read().reveal()), cluster.name)
        self._ledger = ledger
        self._clock = clock

    @property
    def consent(self) -> Consent:
        """Return who is asked before a message goes out."""
        return FREE

    def purse(self) -> Purse:
        """Return where budgets are kept."""
        return LedgerPurse(self._ledger)

    async def claim(self, _target: Target, _slot: Slot) -> Turn:
        """Ask for a slot that is due now."""
        return Turn.UNASKED

    async def claim_skip(self, _target: Target, _slot: Slot, _reason: SkipReason) -> bool:
        """Ask whether it is on us to count a slot as skipped that we do not probe."""
        return True

    async def claim_further(self, _target: Target, _slot: Slot, _attempt: int) -> bool:
        """Ask for the place in flight for a confirming attempt."""
        return True

    async def release(self, target: Target) -> None:
        """Say that what was in flight has ended."""

    def tell(self, news: News) -> None:
        """Tell all others of a slot of ours."""

    def members(self) -> Sequence[Member]:
        """Return the replicas heard of lately."""
        return ()

    def running(self, _hearer: Callable[[], Hearer]) -> Running:
        """Return what must run for as long as we do, by name."""
        return {}

    async def start(self, hearer: Hearer) -> None:
        """Hear what was told while we were away."""

    async def close(self) -> None:
        """Leave, and close connections."""
        await self._link.close()
