"""A Sonde that is alone: every slot is its own."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from aggregator.ledger import Ledger
from alerting.consent import FREE, Consent
from monitor.budget.purse import LedgerPurse, Purse
from monitor.cluster.protocol import Hearer, Member, News, Running, Turn
from monitor.cluster.purse_fields import drawn_together
from probes.result import SkipReason
from probes.target import Slot, Target


class Alone:
    """The cluster of one that knows it."""

    alone = True
    connected = True

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def consent(self) -> Consent:
        """Nobody else tells anybody anything."""
        return FREE

    @property
    def places(self) -> None:
        """Nobody else begins anything."""
        return None

    def yield_while(self, _hindered: Callable[[], bool]) -> None:
        """Do nothing: there is nobody to yield to."""

    def heed(self, _heard: Callable[[], None]) -> None:
        """Do nothing: nobody else takes up anything."""

    def reloaded(self) -> None:
        """Do nothing: nobody wants to know."""

    def purse(self) -> Purse:
        """Keep budgets in the ledger."""
        return LedgerPurse(self._ledger, drawn_together)

    async def claim(self, _target: Target, _slot: Slot) -> Turn:
        """Take every slot."""
        return Turn.OURS

    async def claim_skip(self, _target: Target, _slot: Slot, _reason: SkipReason) -> bool:
        """Count every slot."""
        return True

    async def claim_further(self, _target: Target, _slot: Slot, _attempt: int) -> bool:
        """Confirm whatever is to be confirmed."""
        return True

    def release(self, target: Target, attempt: int = 1) -> None:
        """Do nothing: nobody waits."""

    def tell(self, news: News) -> None:
        """Do nothing: nobody listens."""

    def members(self) -> Sequence[Member]:
        """Return nobody."""
        return ()

    def running(self, _hearer: Callable[[], Hearer]) -> Running:
        """Return nothing."""
        return {}

    def show(self, registry: CollectorRegistry) -> None:
        """Show nothing."""

    async def start(self, hearer: Hearer) -> None:
        """Do nothing: nobody told anything."""

    async def close(self) -> None:
        """Do nothing: nothing is open."""
