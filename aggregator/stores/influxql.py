"""Questions to an InfluxDB, in InfluxQL over `/query`: what 1.x, 2.x and 3.x all answer.

The last without bound parameters: https://github.com/influxdata/influxdb/issues/24805

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
https://docs.influxdata.com/influxdb/v2/api-guide/influxdb-1x/query/

Values are bound (`params`), never pasted. What comes back is looked at as anybody's text.
"""

import asyncio
import json
from typing import Any, Final

import httpx2

from aggregator.stores.delivery import Destination
from probes.sanitise import sanitise
from probes.secret import SecretError, SecretSource

QUERY_S: Final = 15.0
"""One question, the connection included."""
ANSWER_LIMIT_BYTES: Final = 16 * 1024**2
"""Far above what 10,000 rows of ours take."""

Row = dict[str, Any]  # Any: a column holds what was written there
"""One row of an answer; `time` is in nanoseconds since the epoch."""


class QueryError(Exception):
    """A question was not answered. The text is for people and holds no secret."""


class Influxql:
    """Asks one bucket, over one connection."""

    def __init__(self, destination: Destination, token: SecretSource | None) -> None:
        self._destination = destination
        self._token = token
        self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=QUERY_S)

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
                status, body = await self._post(asked, headers)
        except TimeoutError:
            raise QueryError(f"no answer within {QUERY_S:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise QueryError(sanitise(f"{type(error).__name__}: {error}", (token,))) from None
        try:
            return _rows(json.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            said = sanitise(body.decode("utf-8", "replace"), (token,))
            raise QueryError(f"answered {status}: {said}") from None
        except _RefusedError as refusal:
            raise QueryError(f"answered {status}: {sanitise(str(refusal), (token,))}") from None

    async def _post(self, asked: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
        url = f"{self._destination.url}/query"
        body = bytearray()
        async with self._client.stream("POST", url, data=asked, headers=headers) as answer:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > ANSWER_LIMIT_BYTES:
                    raise QueryError(f"answered more than {ANSWER_LIMIT_BYTES // 1024**2} MiB")
            return answer.status_code, bytes(body)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


class _RefusedError(Exception):
    """The server's own words."""


def _rows(answer: Any) -> list[Row]:  # noqa: ANN401 - whatever JSON it sent
    """Take an answer apart. Raises _RefusedError, and what any other shape of JSON leads to."""
    for part in (answer, *answer.get("results", ())):
        if "error" in part or "message" in part:
            raise _RefusedError(str(part.get("error") or part.get("message")))
    return [
        dict(zip(series["columns"], values, strict=True))
        for part in answer["results"]
        for series in part.get("series", ())
        for values in series["values"]
    ]
