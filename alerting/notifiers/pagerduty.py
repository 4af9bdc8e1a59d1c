"""PagerDuty's Events API v2: https://developer.pagerduty.com/docs/send-alert-event."""

from collections.abc import Callable
from typing import Final

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.pinned import PinnedClient, checked_url
from alerting.notifiers.status import judge
from alerting.pagerduty_event import pagerduty_event
from probes.secret import SecretError, SecretSource

_TAKEN: Final = (202,)
"""400 is for an event that is wrong for good, 429 for too many, 5xx for PagerDuty's own trouble:
https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic"""


class PagerdutyNotifier:
    """Opens and closes incidents of one service integration, whose routing key is its password."""

    def __init__(
        self,
        name: str,
        routing_key: SecretSource,
        url: str,
        *,
        wall: Callable[[], float],
        allow_private: bool = False,
        allow_http: bool = False,
    ) -> None:
        self.name = name
        self._routing_key, self._wall = routing_key, wall
        self._url, self._allow_http = url, allow_http
        self._client = PinnedClient(allow_private=allow_private)

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: 202 is success."""
        url = checked_url(self._url, allow_http=self._allow_http)
        try:
            key = self._routing_key.read().reveal()
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        if "://" in key:
            raise DeliveryError("the routing key is a URL", retryable=False)
        body = pagerduty_event(notification, routing_key=key)
        answer = await self._client.post(url, {"Content-Type": "application/json"}, body)
        judge(answer, self._wall(), who="PagerDuty", taken=_TAKEN)

    async def close(self) -> None:
        """Release the client."""
        await self._client.close()
