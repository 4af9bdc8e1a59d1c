"""One POST of OTLP over HTTP, compressed, within a deadline.

Redirects are not followed and the environment's proxies not used: both would take our headers
elsewhere. Of an answer only the beginning is read, and it is hostile input.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlphttp
"""

import asyncio
import gzip
import ssl
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

import httpx2

from aggregator.stores.delivery import Outcome, WriteError
from alerting.notifiers.retry_after import retry_after_s
from monitor.config.values import Otlp
from monitor.otlp.signal import Signal
from monitor.otlp.taken import outcome_of
from probes.sanitise import sanitise
from probes.secret import SecretError
from probes.wire.trust import Trust, TrustError

POST_S: Final = 10.0
"""One request, the connection included: the default of OTEL_EXPORTER_OTLP_TIMEOUT.
https://opentelemetry.io/docs/specs/otel/protocol/exporter/"""
ANSWER_LIMIT_BYTES: Final = 16 * 1024
"""Read of an answer: a few bytes when all is well, and some words when it is not."""
PROTOBUF: Final = "application/x-protobuf"


class Wire:
    """Posts to one endpoint, over connections that are kept."""

    def __init__(self, otlp: Otlp, wall: Callable[[], float], within_s: float = POST_S) -> None:
        """Read the roots, which blocks for about 20 ms; connects nowhere."""
        self._otlp = otlp
        self._wall = wall
        self._within_s = within_s
        self._trust = Trust(otlp.papers) if otlp.endpoint.startswith("https:") else None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # believes nobody
        self._client: httpx2.AsyncClient | None = None

    async def post(self, signal: Signal, body: bytes) -> bytes:
        """Post a request once; return the answer to what was taken. Raises WriteError."""
        secrets: tuple[str, ...] = ()
        try:
            headers = {name: source.read().reveal() for name, source in self._otlp.headers}
            secrets = tuple(headers.values())
            packed = await asyncio.to_thread(gzip.compress, body, 1)
            async with asyncio.timeout(self._within_s):
                return await self._post(signal, packed, headers)
        except TimeoutError:
            raise WriteError(Outcome.TIMEOUT, f"no answer within {self._within_s:g} s") from None
        except SecretError as error:
            raise WriteError(Outcome.TOKEN, str(error)) from None
        except TrustError as error:
            raise WriteError(Outcome.UNREACHABLE, f"TLS: {error}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            told = sanitise(f"{type(error).__name__}: {error}", secrets)
            raise WriteError(Outcome.UNREACHABLE, told) from None

    async def _post(self, signal: Signal, packed: bytes, headers: dict[str, str]) -> bytes:
        client = await self._open()
        request = client.build_request(
            "POST",
            f"{self._otlp.endpoint.rstrip('/')}/v1/{signal}",
            content=packed,
            headers={**headers, "Content-Type": PROTOBUF, "Content-Encoding": "gzip"},
        )
        answer = await client.send(request, stream=True)
        try:
            said = await _beginning(answer)
        finally:
            await answer.aclose()
        outcome = outcome_of(answer.status_code)
        if outcome is Outcome.STORED:
            return said if _readable(answer) else b""
        later_s = retry_after_s(answer.headers.get("retry-after"), self._wall())
        raise WriteError(outcome, _told(answer, said, tuple(headers.values())), later_s)

    async def _open(self) -> httpx2.AsyncClient:
        """Return a client that believes whom we believe now: another CA takes another client."""
        tls = self._tls if self._trust is None else self._trust.now()
        if self._client is not None and tls is self._tls:
            return self._client
        await self.close()
        self._tls = tls
        self._client = httpx2.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # the deadline is ours
            limits=httpx2.Limits(max_connections=2, max_keepalive_connections=2),
            headers={"User-Agent": f"sonde/{version('sonde')}", "Accept-Encoding": "identity"},
        )
        return self._client

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


async def _beginning(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) >= ANSWER_LIMIT_BYTES:
            break
    return bytes(body[:ANSWER_LIMIT_BYTES])


def _readable(answer: httpx2.Response) -> bool:
    """Say whether an answer is one of OTLP's, rather than a page that some proxy made."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == PROTOBUF and answer.headers.get("content-encoding", "identity") == "identity"


def _told(answer: httpx2.Response, said: bytes, secrets: tuple[str, ...]) -> str:
    """Say what was answered, in its own words where they are text."""
    text = sanitise(said.decode("utf-8", "replace"), secrets)
    return f"answered {answer.status_code}" + (f": {text}" if text else "")
