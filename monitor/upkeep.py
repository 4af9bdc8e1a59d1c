"""Alerts that must be told again and again, or the receiver holds them for over (Alertmanager).

What is told is what the outbox knows to have been delivered as firing and not as over; it survives
a restart as the alert does.
"""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting import outbox
from alerting.alertmanager_alerts import RESEND_EVERY_S
from alerting.notification import DeliveryError, Notifier, Repeating

log = structlog.get_logger("sonde.upkeep")


class Upkeep:
    """Repeats what stands to every channel that needs it."""

    def __init__(
        self,
        notifiers: Mapping[str, Notifier],
        ledger: Ledger,
        firing: Callable[[], AbstractSet[str]],
    ) -> None:
        """Take those that need it; `firing`: fingerprints of the alerts that fire now."""
        self._repeating = {
            name: notifier
            for name, notifier in notifiers.items()
            if isinstance(notifier, Repeating)
        }
        self._ledger, self._firing = ledger, firing

    async def run(self) -> None:
        """Repeat for ever, at once after a start: the daemon before us may be gone for a while."""
        while True:
            for name, notifier in self._repeating.items():
                await self._repeat(name, notifier)
            await asyncio.sleep(RESEND_EVERY_S)

    async def _repeat(self, channel: str, notifier: Repeating) -> None:
        firing = self._firing()
        if not firing:
            return
        try:  # ValueError: a damaged row
            told = await self._ledger.read(lambda c: outbox.standing(c, channel))
            await notifier.repeat(told, firing)
        except (LedgerError, DeliveryError, TimeoutError, ValueError) as error:
            log.warning("upkeep.failed", channel=channel, error=str(error) or "no answer in time")
