"""Everything else through Apprise: Twilio, Teams, Discord, Telegram and a hundred more.

https://appriseit.com/services/ - it blocks, so it runs in a thread; and it says yes or no, not why,
so a no is tried again. It connects where its URL says, private addresses and proxies included.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

import apprise

from alerting.message import subject, text, word
from alerting.notification import SEND_BUDGET_S, DeliveryError, Notification, Status
from probes.secret import SecretError, SecretSource

MUTE = logging.getLogger("apprise")
"""Its loggers format addresses and bodies."""
MUTE.setLevel(logging.CRITICAL + 1)

_KINDS = {
    "critical": apprise.NotifyType.FAILURE,
    "warning": apprise.NotifyType.WARNING,
    "info": apprise.NotifyType.INFO,
}


class AppriseNotifier:
    """Tells one Apprise URL, which holds its password."""

    def __init__(self, name: str, url: SecretSource, *, wall: Callable[[], float]) -> None:
        """`wall` is not needed here: every kind is given it."""
        del wall
        self.name = name
        self._url = url
        self._busy = threading.Lock()
        """Held by the thread that sends: one that hangs past its deadline costs only itself."""

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: Apprise's yes is success."""
        try:
            url = self._url.read().reveal()
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        if not self._busy.acquire(blocking=False):
            raise DeliveryError("the attempt before has not come back", retryable=True)
        try:
            async with asyncio.timeout(SEND_BUDGET_S):
                taken = await asyncio.to_thread(self._tell, url, notification)
        except TimeoutError as error:
            raise DeliveryError("no answer in time", retryable=True) from error
        if taken is None:
            raise DeliveryError("not a URL that Apprise knows", retryable=False)
        if not taken:
            raise DeliveryError("Apprise could not deliver it", retryable=True)

    async def close(self) -> None:
        """Nothing is kept open between messages."""

    def _tell(self, url: str, notification: Notification) -> bool | None:
        try:
            return tell(url, notification)
        finally:
            self._busy.release()


def tell(url: str, notification: Notification) -> bool | None:
    """Send it, blocking; return Apprise's yes or no, and None for a URL that it cannot read."""
    asset = apprise.AppriseAsset(async_mode=False, http_redirects=False)
    channel = apprise.Apprise(asset=asset)
    if not channel.add(url):
        return None
    over = notification.status is Status.RESOLVED
    kind = apprise.NotifyType.SUCCESS if over else _KINDS[notification.severity.value]
    title = f"{word(notification)} {subject(notification)}"
    return bool(
        channel.notify(
            body=text(notification),
            title=title,
            notify_type=kind,
            body_format=apprise.NotifyFormat.TEXT,
        )
    )
