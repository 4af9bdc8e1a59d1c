"""A Slack bot posting to a channel: https://docs.slack.dev/reference/methods/chat.postMessage."""

from collections.abc import Callable
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.slack_session import MUTE, SlackSession, throttled, unreachable
from alerting.payload import slack_message
from probes.sanitise import sanitise
from probes.secret import SecretError, SecretSource

_PASSING: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "org_login_required",
    }
)
"""Errors that pass with time, by the method's list of errors; every other one needs a person."""
_TOKEN_KINDS: Final = ("xoxb-", "xoxp-", "xoxe.xoxb-", "xoxe.xoxp-")
"""Bot and user tokens, the latter two with rotation: https://docs.slack.dev/authentication/tokens."""


class SlackBotNotifier:
    """Posts to one channel with a bot's token."""

    def __init__(
        self,
        name: str,
        token: SecretSource,
        channel: str,
        *,
        wall: Callable[[], float],
        api_url: str = "https://slack.com/api/",
    ) -> None:
        self.name = name
        self._token, self._channel, self._api_url, self._wall = token, channel, api_url, wall
        self._session = SlackSession()

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: `ok: true` is success."""
        try:
            token = self._token.read().reveal()
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        if not token.startswith(_TOKEN_KINDS):
            raise DeliveryError(wrong_token(token), retryable=False)
        client = AsyncWebClient(
            token, self._api_url, session=self._session.open(), retry_handlers=[], logger=MUTE
        )
        client.proxy = None  # the SDK takes one from the environment, unasked
        message = slack_message(notification)
        try:
            await client.chat_postMessage(channel=self._channel, parse="none", **message)
        except SlackApiError as error:
            raise refusal(error.response, self._wall()) from error
        except (AttributeError, ValueError) as error:  # how the SDK meets what is no JSON object
            raise DeliveryError("not Slack's answer", retryable=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(error) from error

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def wrong_token(token: str) -> str:
    """Say what is wrong with a text that is no token, without repeating it."""
    if "://" in token:
        return "the bot token is a URL: an incoming webhook belongs under webhook_url"
    return "the bot token does not begin with xoxb-"


def refusal(response: Any, now: float) -> DeliveryError:  # noqa: ANN401 - see below
    """Return what an unsuccessful answer means.

    `response` is Any because the SDK puts one of two unrelated classes there: its own, or aiohttp's
    when the body was no JSON.
    """
    status: int = response.status if hasattr(response, "status") else response.status_code
    if status == 429:
        return throttled(response.headers.get("Retry-After"), now)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    if not isinstance(code, str):
        return DeliveryError(
            f"Slack answered {status}: an answer that is not Slack's",
            retryable=status >= 500 or status in (200, 408),
            doubtful=True,
        )
    return DeliveryError(
        f"Slack answered {status}: {sanitise(code)}",
        retryable=status >= 500 or code in _PASSING,
    )
