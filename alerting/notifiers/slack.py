"""A Slack incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import re
from collections.abc import Callable
from typing import Final

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.slack_session import MUTE, SlackSession, throttled, unreachable
from alerting.slack_message import slack_message
from probes.secret import SecretError, SecretSource

_CODE: Final = re.compile(r"[a-z_]{2,40}")
"""Slack's error bodies are one such word; anything else is not repeated."""


class SlackWebhookNotifier:
    """Posts to one incoming webhook, whose URL is its password."""

    def __init__(
        self,
        name: str,
        url: SecretSource,
        *,
        wall: Callable[[], float],
        allow_http: bool = False,
    ) -> None:
        self.name = name
        self._url, self._allow_http, self._wall = url, allow_http, wall
        self._session = SlackSession()

    async def send(self, notification: Notification, /) -> None:
        """Deliver once. The SDK raises for no status, so success is told by the answer."""
        try:
            url = self._url.read().reveal()
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        if not url.startswith("https://") and not (self._allow_http and url.startswith("http://")):
            raise DeliveryError("not an https webhook URL (see allow_http)", retryable=False)
        client = AsyncWebhookClient(
            url, session=self._session.open(), retry_handlers=[], logger=MUTE
        )
        client.proxy = None  # the SDK takes one from the environment, unasked
        try:
            answer = await client.send_dict(slack_message(notification))
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(error) from None  # its text may hold the URL
        judge(answer.status_code, answer.body, answer.headers.get("Retry-After"), self._wall())

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def judge(status: int, body: str, retry_after: str | None, now: float) -> None:
    """Return if Slack took the message: 200 and "ok", nothing else. Raises DeliveryError.

    A 200 that says anything else comes from something that is not Slack (a sink, a portal) and may
    be gone the next time. Of the other answers below 500 only 408 and 429 pass with time:
    `invalid_token`, `no_service`, `channel_is_archived` and the like do not.
    """
    if status == 200 and body == "ok":
        return
    if status == 429:
        raise throttled(retry_after, now)
    theirs = _CODE.fullmatch(body) is not None
    code = body if theirs else "an answer that is not Slack's"
    raise DeliveryError(
        f"Slack answered {status}: {code}",
        retryable=status >= 500 or status in (200, 408),
        doubtful=not theirs,
    )
