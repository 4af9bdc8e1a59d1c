"""One GET of somebody else's document: conditional, bounded, and never led astray."""

from dataclasses import dataclass
from importlib.metadata import version
from ssl import SSLContext
from typing import Final

import httpx2

from alerting.notifiers.retry_after import retry_after_s
from monitor.trust import trusted

LIMIT_BYTES: Final = 1024 * 1024
"""Of one document. The largest summaries of status pages have some 100 KB."""
TIMEOUT_S: Final = 5.0
"""For each step; the whole has a deadline of its own in `poll`."""
REDIRECTS: Final = 3
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


class FetchError(Exception):
    """There is no document. The message is ours: no text of theirs, and nothing of the URL."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """Seconds they ask us to stay away; None when they do not say."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes the next request conditional: https://www.rfc-editor.org/rfc/rfc9110#section-13."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is new to us."""

    body: bytes
    validators: Validators


class Fetcher:
    """Gets documents over connections that are not kept: polls are minutes apart."""

    def __init__(self, tls: SSLContext | None = None) -> None:
        """Prepare; connects nowhere. `tls` replaces the trust in the operating system's roots."""
        self._client = httpx2.AsyncClient(
            verify=tls or trusted(),
            trust_env=False,
            follow_redirects=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
            timeout=TIMEOUT_S,
            headers={
                "User-Agent": f"sonde/{version('sonde')}",
                "Accept": "application/json, application/rss+xml, application/atom+xml, */*;q=0.5",
                "Accept-Encoding": "identity",
            },
        )

    async def fetch(self, url: str, known: Validators, wall: float) -> Document | None:
        """Return the document; None when it is the one we know. Raises FetchError.

        Follows up to three redirects on the same host, and none elsewhere or from https to http.
        `wall` is the time now, for a Retry-After that names one. The caller sets the deadline.
        """
        where = httpx2.URL(url)
        try:
            for _ in range(REDIRECTS + 1):
                request = self._client.build_request("GET", where, headers=_conditions(known))
                response = await self._client.send(request, stream=True)
                try:
                    if response.status_code not in _MOVED:
                        return await _document(response, wall)
                    where = _moved(where, response)
                finally:
                    await response.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise FetchError(f"unreachable: {type(error).__name__}") from error
        raise FetchError("redirected in circles")

    async def close(self) -> None:
        """Release the client."""
        await self._client.aclose()


def _conditions(known: Validators) -> dict[str, str]:
    said = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in said.items() if value is not None}


async def _document(response: httpx2.Response, wall: float) -> Document | None:
    headers = response.headers
    if response.status_code == 304:
        return None
    if response.status_code != 200:
        later_s = retry_after_s(headers.get("retry-after"), wall)
        raise FetchError(f"HTTP {response.status_code}", later_s)
    if headers.get("content-encoding", "identity") != "identity":
        raise FetchError("compressed, though we asked for it plain")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > LIMIT_BYTES:
            raise FetchError(f"larger than {LIMIT_BYTES // 1024} KiB")
    return Document(bytes(body), Validators(headers.get("etag"), headers.get("last-modified")))


def _moved(before: httpx2.URL, response: httpx2.Response) -> httpx2.URL:
    where = before.join(response.headers.get("location", ""))
    if where.host != before.host or where.userinfo:
        raise FetchError("redirected to another host, which is not followed")
    if where.scheme not in (before.scheme, "https"):
        raise FetchError("redirected from https, which is not followed")
    return where
