"""Questions to an InfluxDB, in InfluxQL over `/query`: what 1.x and 2.x answer.

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
https://docs.influxdata.com/influxdb/v2/api-guide/influxdb-1x/query/

Values are bound (`params`), never pasted. What comes back is looked at as anybody's text. 3.x has
the endpoint and binds nothing (https://github.com/influxdata/influxdb/issues/24805): it is told by
its `/ping` and not asked.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from aggregator.stores.delivery import Destination
from probes.sanitise import sanitise
from probes.secret import SecretError, SecretSource
from probes.wire.trust import Papers, Trust, TrustError

NO_PAPERS: Final = Papers()
"""The system's own roots."""
QUERY_S: Final = 15.0
"""One question, the connection included."""
ANSWER_LIMIT_BYTES: Final = 16 * 1024**2
"""Far above what a page of ours takes."""

UNBINDING: Final = 3
"""The first major version whose `/query` takes parameters and does not look at them. Its `/ping`:
https://github.com/influxdata/influxdb/issues/26138"""
_MAJOR: Final = re.compile(r"v?([0-9]{1,4})\.")

Row = dict[str, Any]  # Any: a column holds what was written there
"""One row of an answer; `time` is in nanoseconds since the epoch."""


class QueryError(Exception):
    """A question was not answered. The text is for people and holds no secret."""


class Influxql:
    """Asks one bucket, over one connection."""

    def __init__(
        self, destination: Destination, token: SecretSource | None, papers: Papers = NO_PAPERS
    ) -> None:
        self._destination = destination
        self._token = token
        # Made here, before the loop has work: reading the system's roots takes long.
        self._trust = Trust(papers) if destination.url.startswith("https:") else None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = _client(self._tls)
        self._binds = False
        """Whether it is known that the server binds parameters."""

    async def rows(self, query: str, **params: str | int) -> list[Row]:
        """Return the rows of one statement; `$name` in it is bound to `name`. Raises QueryError."""
        try:
            token = "" if self._token is None else self._token.read().reveal()
        except SecretError as error:
            raise QueryError(str(error)) from None
        asked = {
            "db": self._destination.bucket,
            "q": query,
            "params": json.dumps(params),
            "epoch": "ns",
        }
        headers = {"Authorization": f"Token {token}"} if token else {}
        try:
            async with asyncio.timeout(QUERY_S):
                await self._open()
                await self._prove(headers)
                status, _, body = await self._send("POST", "/query", asked, headers)
        except TimeoutError:
            raise QueryError(f"no answer within {QUERY_S:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, TrustError) as error:
            raise QueryError(sanitise(f"{type(error).__name__}: {error}", (token,))) from None
        try:
            return _rows(json.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            said = sanitise(body.decode("utf-8", "replace"), (token,))
            raise QueryError(f"answered {status}: {said}") from None
        except _RefusedError as refusal:
            raise QueryError(f"answered {status}: {sanitise(str(refusal), (token,))}") from None

    async def _open(self) -> None:
        """Have a client that believes whom we believe now."""
        if self._trust is not None and (tls := self._trust.now()) is not self._tls:
            await self._client.aclose()
            self._client, self._tls = _client(tls), tls

    async def _prove(self, headers: Mapping[str, str]) -> None:
        """Raise QueryError for a server that would not bind what it is asked."""
        if self._binds:
            return
        _, said, body = await self._send("GET", "/ping", {}, headers)
        version = said.get("X-Influxdb-Version") or _version_in(body)
        if (major := _MAJOR.match(version)) and int(major[1]) >= UNBINDING:
            raise QueryError(
                f"InfluxDB {sanitise(version, ())} binds no parameters, so it is not asked:"
                " reading takes 1.x or 2.x"
            )
        self._binds = True

    async def _send(
        self, method: str, path: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers (whatever their case) and body of one answer."""
        url = f"{self._destination.url}{path}"
        body = bytearray()
        async with self._client.stream(method, url, data=form or None, headers=headers) as answer:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > ANSWER_LIMIT_BYTES:
                    raise QueryError(f"answered more than {ANSWER_LIMIT_BYTES // 1024**2} MiB")
            return answer.status_code, answer.headers, bytes(body)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


def _client(tls: ssl.SSLContext) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=tls, trust_env=False, follow_redirects=False, timeout=httpx2.Timeout(QUERY_S)
    )


def _version_in(body: bytes) -> str:
    """Return what the first releases of 3.x say in their answer alone; empty for any other."""
    try:
        return str(json.loads(body)["version"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


class _RefusedError(Exception):
    """The server's own words."""


def _rows(answer: Any) -> list[Row]:  # noqa: ANN401 - whatever JSON it sent
    """Take an answer apart. Raises _RefusedError, and what any other shape of JSON leads to."""
    for part in (answer, *answer.get("results", ())):
        if "error" in part or "message" in part:
            raise _RefusedError(str(part.get("error") or part.get("message")))
    found = [series for part in answer["results"] for series in part.get("series", ())]
    if not all("time" in series["columns"] for series in found):
        # VictoriaMetrics lists its databases, maybe none, whatever it is asked.
        raise _RefusedError("no points, but something else: reading takes InfluxDB 1.x or 2.x")
    return [
        dict(zip(series["columns"], values, strict=True))
        for series in found
        for values in series["values"]
    ]
