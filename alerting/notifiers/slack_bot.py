"""A Slack bot posting to a channel: https://docs.slack.dev/reference/methods/chat.postMessage.

The first message about an incident is edited as things change, so that the channel shows how they
stand; what changed goes into its thread. What is worse than before, or goes on, is shown in the
channel as well: nobody is woken by a thread.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.slack_session import MUTE, SlackSession, throttled, unreachable
from alerting.routing.group import Why
from alerting.slack_message import slack_message
from alerting.slack_threads import Thread, Threads
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

_QUIETER: Final = (Why.SOME_RESOLVED, Why.ALL_RESOLVED)
"""What the edited message shows well enough."""

log = structlog.get_logger("sonde.slack")


class SlackBotNotifier:
    """Posts to one channel with a bot's token."""

    def __init__(
        self,
        name: str,
        token: SecretSource,
        channel: str,
        *,
        wall: Callable[[], float],
        threads: Threads | None = None,
        api_url: str = "https://slack.com/api/",
    ) -> None:
        self.name = name
        self._token, self._channel, self._api_url, self._wall = token, channel, api_url, wall
        self._threads = threads or Threads()
        self._session = SlackSession()

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: `ok: true` is success.

        A notification that was posted before, and not marked as such, is not posted again.
        """
        client = self._client()
        message = slack_message(notification)
        incident = notification.thread  # empty: an earlier version's, which stands alone
        thread = await self._threads.find(self.name, incident) if incident else None
        if thread is not None and not await self._edited(client, thread, message):
            thread = None
        if thread is None:
            await self._begin(client, notification, message)
        elif thread.told != notification.id:
            await self._reply(client, thread, notification, message)

    def _client(self) -> AsyncWebClient:
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
        return client

    async def _begin(
        self, client: AsyncWebClient, notification: Notification, message: dict[str, Any]
    ) -> None:
        answer = await self._answer(
            client.chat_postMessage(channel=self._channel, parse="none", **message)
        )
        place, ts = answer.get("channel"), answer.get("ts")
        if notification.thread and isinstance(place, str) and isinstance(ts, str):
            await self._keep(notification, Thread(place, ts, notification.id))

    async def _edited(
        self, client: AsyncWebClient, thread: Thread, message: dict[str, Any]
    ) -> bool:
        """Edit the first message; say whether it stands there and may be edited.

        It may have been deleted (message_not_found), be somebody else's by now
        (cant_update_message) or too old (edit_window_closed): the incident then begins anew, and
        if the channel itself is gone, posting says so.
        https://docs.slack.dev/reference/methods/chat.update#errors
        """
        try:
            await self._answer(
                client.chat_update(
                    channel=thread.place,
                    ts=thread.ts,
                    parse="none",
                    text=message["text"],
                    blocks=message["blocks"],
                )
            )
        except DeliveryError as error:
            if error.retryable or error.doubtful:
                raise
            log.info("slack.begun_anew", channel=self.name, error=str(error))
            return False
        return True

    async def _reply(
        self,
        client: AsyncWebClient,
        thread: Thread,
        notification: Notification,
        message: dict[str, Any],
    ) -> None:
        """Post into the thread, without buttons: a reply that the channel shows can have none.

        https://docs.slack.dev/reference/events/message/thread_broadcast
        """
        blocks = [block for block in message["blocks"] if block["type"] != "actions"]
        await self._answer(
            client.chat_postMessage(
                channel=thread.place,
                parse="none",
                thread_ts=thread.ts,
                reply_broadcast=notification.why not in _QUIETER,
                **message | {"blocks": blocks},
            )
        )
        await self._keep(notification, Thread(thread.place, thread.ts, notification.id))

    async def _keep(self, notification: Notification, thread: Thread) -> None:
        await self._threads.keep(self.name, notification.thread, thread, self._wall())

    async def _answer(self, call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        """Return Slack's yes. Raises DeliveryError."""
        try:
            return await call
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
