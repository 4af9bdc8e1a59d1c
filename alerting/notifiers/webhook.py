"""A webhook: Alertmanager's body, signed as Standard Webhooks has it, to a checked address."""

from collections.abc import Callable
from ssl import SSLContext

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.pinned import PinnedClient, checked_url
from alerting.notifiers.signature import SigningSecretError, signed_headers, signing_key
from alerting.notifiers.status import judge
from alerting.payload import webhook_body
from probes.secret import SecretError, SecretSource


class WebhookNotifier:
    """Posts to one URL, private addresses and plain http only where allowed."""

    def __init__(
        self,
        name: str,
        url: SecretSource,
        *,
        wall: Callable[[], float],
        secrets: tuple[SecretSource, ...] = (),
        allow_http: bool = False,
        allow_private: bool = False,
        tls: SSLContext | None = None,
    ) -> None:
        self.name = name
        self._url, self._secrets, self._allow_http, self._wall = url, secrets, allow_http, wall
        self._client = PinnedClient(allow_private=allow_private, tls=tls)

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: any 2xx is success, a redirect is a refusal."""
        try:
            url = checked_url(self._url.read().reveal(), allow_http=self._allow_http)
            keys = [signing_key(source.read().reveal()) for source in self._secrets]
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        except SigningSecretError as error:
            raise DeliveryError(str(error), retryable=False) from error
        body = webhook_body(notification, receiver=self.name)
        headers = signed_headers(
            keys, message_id=notification.id, timestamp=int(self._wall()), body=body
        )
        headers["Content-Type"] = "application/json"
        answer = await self._client.post(url, headers, body)
        judge(answer, self._wall(), who="the receiver", taken=range(200, 300))

    async def close(self) -> None:
        """Release the client."""
        await self._client.close()
