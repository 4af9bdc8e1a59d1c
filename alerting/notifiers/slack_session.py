"""What both Slack channels share: a session that trusts no answer, and errors in our words.

The SDK follows redirects, reads answers of any length, takes proxies from the environment, and
formats URLs and bodies for its logger on every call. None of it is wanted here: redirects are
refused, answers are cut off, clients are told there is no proxy, and `MUTE` hears the rest.
"""

import logging
from typing import Final

import aiohttp

from alerting.notification import DeliveryError
from alerting.notifiers.retry_after import retry_after_s

ANSWER_LIMIT_BYTES: Final = 64 * 1024
"""Slack's answers are well below; a sink that is not Slack may send for ever."""
TIMEOUT_S: Final = 10.0
"""The deliverer's budget is no longer; this holds where a notifier is used without it."""
MUTE: Final = logging.getLogger("sonde.muted.slack_sdk")
"""Hears everything and repeats nothing, whatever the process's logging looks like."""
MUTE.setLevel(logging.CRITICAL + 1)


class _BoundedResponse(aiohttp.ClientResponse):
    """A response that refuses to be long, and whose text is always text."""

    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            async for chunk in self.content.iter_any():
                body += chunk
                if len(body) > ANSWER_LIMIT_BYTES:
                    self.close()
                    raise DeliveryError("the answer is far too long for Slack's", retryable=True)
            self._body = bytes(body)
        return await super().read()

    async def text(self, encoding: str | None = None, errors: str = "replace") -> str:
        return await super().text(encoding, errors)


async def _refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise DeliveryError(f"redirected ({response.status})", retryable=False, doubtful=True)
    return response


class SlackSession:
    """An aiohttp session, opened at the first send (it needs the running loop)."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> aiohttp.ClientSession:
        """Return the session, open."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                middlewares=(_refuse_redirects,),
                response_class=_BoundedResponse,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close it, if it was opened."""
        if self._session is not None:
            await self._session.close()


def unreachable(error: Exception) -> DeliveryError:
    """Return a transport's failure as ours; by its kind alone, for its text may hold the URL."""
    return DeliveryError(f"Slack did not answer: {type(error).__name__}", retryable=True)


def throttled(retry_after: str | None, now: float) -> DeliveryError:
    """Return Slack's 429 as ours: https://docs.slack.dev/apis/web-api/rate-limits."""
    return DeliveryError(
        "Slack limits this channel's rate",
        retryable=True,
        retry_after_s=retry_after_s(retry_after, now),
        throttled=True,
    )
