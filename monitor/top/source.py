"""The daemon's API, asked by somebody who watches: an overview, then what changes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from monitor.api.models.live import Overview, Tick
from monitor.clock import Clock
from monitor.top.board import Board
from probes.sanitise import sanitise
from probes.secret import Secret
from probes.sse import EventSource, OversizedEventError

ASK_S: Final = 10.0
"""For an overview, and for the head of the stream."""
SILENCE_S: Final = 40.0
"""A stream says something every 15 s: after two of them that did not come it is lost."""
AGAIN_S: Final = 2.0
"""Between a lost connection and the next try."""
BREATH_S: Final = 0.5
"""Before an overview is asked for again because the stream ended in order, or wants it."""
MOST_BYTES: Final = 64 * 1024**2
"""Of one answer: 10,000 targets with their past take less."""


class SourceError(Exception):
    """The daemon does not answer as it should. The text is for people."""


class Source:
    """One daemon's API."""

    def __init__(
        self, url: str, token: Secret | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Prepare; connects nowhere. `tls` is for https. Raises ValueError for no URL."""
        _checked(url)
        headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        self._api = f"{url.rstrip('/')}/api/v1"
        self._client = httpx2.AsyncClient(
            verify=tls if tls is not None else True,
            trust_env=False,
            follow_redirects=False,
            headers=headers,
            timeout=httpx2.Timeout(ASK_S, read=SILENCE_S),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def overview(self) -> bytes:
        """Return the overview as JSON. Raises SourceError."""
        url = f"{self._api}/overview"
        async with (
            _told(),
            asyncio.timeout(ASK_S),
            self._client.stream("GET", url) as answer,
        ):
            return await _body(answer)

    async def follow(self, board: Board, changed: asyncio.Event, clock: Clock) -> None:
        """Keep a board up to date until cancelled, whatever becomes of the connection."""
        while True:
            try:
                board.take(read_overview(await self.overview()))
                board.hear()
                changed.set()
                await self._listen(board, changed)
                await asyncio.sleep(BREATH_S)
            except SourceError as error:
                board.lose(str(error), clock.wall())
                changed.set()
                await asyncio.sleep(AGAIN_S)

    async def _listen(self, board: Board, changed: asyncio.Event) -> None:
        """Take in ticks until the stream ends or an overview is needed. Raises SourceError."""
        async with _told(), self._client.stream("GET", f"{self._api}/stream") as answer:
            _accept(answer)
            events = EventSource(MOST_BYTES)
            async for chunk in answer.aiter_bytes():
                for event in events.feed(chunk):
                    if event.name == "resync" or (
                        event.name == "tick" and board.change(Tick.model_validate_json(event.data))
                    ):
                        return
                changed.set()


def _checked(url: str) -> None:
    """Raise ValueError for what is no daemon's URL; a password in it is not repeated."""
    try:
        parts = httpx2.URL(url)
        port = urlsplit(url).port
    except (httpx2.InvalidURL, ValueError):  # a port beyond all ports, half an IPv6 address
        raise ValueError(f"{url!r}: expected a URL such as http://127.0.0.1:8000") from None
    if parts.userinfo:
        raise ValueError("a URL without a user name or password: a token goes into --token-file")
    if parts.scheme not in {"http", "https"} or not parts.host or port == 0 or parts.query:
        raise ValueError(f"{url!r}: expected a URL such as http://127.0.0.1:8000")


def read_overview(body: bytes) -> Overview:
    """Return the overview that an answer holds. Raises SourceError."""
    try:
        return Overview.model_validate_json(body)
    except ValidationError:
        raise SourceError("it answers as another version of Sonde does: use its own") from None


async def _body(answer: httpx2.Response) -> bytes:
    _accept(answer)
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise SourceError("its answer does not end")
    return bytes(body)


def _accept(answer: httpx2.Response) -> None:
    if answer.status_code in {401, 403}:
        raise SourceError("it wants a token: --token-file FILE, or $SONDE_TOKEN_FILE")
    if answer.status_code == 404:
        raise SourceError("it has no /api/v1: is it Sonde, and as new as this one?")
    if answer.status_code != 200:
        raise SourceError(f"it answers HTTP {answer.status_code}")


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Raise SourceError for whatever ends an exchange."""
    try:
        yield
    except TimeoutError:
        raise SourceError(f"no answer within {ASK_S:g} s") from None
    except httpx2.HTTPError as error:
        raise SourceError(sanitise(str(error)) or type(error).__name__) from None
    except (ValidationError, OversizedEventError):
        raise SourceError("its stream is not one of this version of Sonde") from None
