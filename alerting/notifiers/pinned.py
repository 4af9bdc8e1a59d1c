"""An HTTP client that connects only to addresses it has checked, and says nothing of URLs."""

from collections.abc import Mapping
from ssl import SSLContext
from typing import Final

import httpx2

from alerting.notification import DeliveryError
from alerting.notifiers.addresses import allowed_addresses

CONNECT_TIMEOUT_S: Final = 3.0
"""Per address, so that a dead first one leaves time for the second within one attempt."""
READ_TIMEOUT_S: Final = 10.0


class PinnedClient:
    """Posts without redirects, proxies, kept connections or reading an answer's body.

    The URL's host is replaced by the checked address; the Host header, the TLS server name and the
    certificate's check keep the name. Connections are not kept, so every post checks anew.
    """

    def __init__(self, *, allow_private: bool, tls: SSLContext | None = None) -> None:
        self._allow_private = allow_private
        self._client = httpx2.AsyncClient(
            verify=tls if tls is not None else True,
            trust_env=False,
            follow_redirects=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
            timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        )

    async def post(
        self, url: httpx2.URL, headers: Mapping[str, str], body: bytes
    ) -> httpx2.Response:
        """Post `body` and return the answer's head, closed.

        Addresses are tried in turn until one takes the connection: nothing was sent before that.
        The caller sets the deadline. Raises DeliveryError (retryable, but for a host that is
        written as a forbidden address).
        """
        host = url.raw_host.decode("ascii")
        failed: httpx2.TransportError | None = None
        for address in await allowed_addresses(host, allow_private=self._allow_private):
            request = self._client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, "Host": url.netloc.decode("ascii")},
                extensions={"sni_hostname": host},
            )
            try:
                response = await self._client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failed = error
            except httpx2.TransportError as error:
                raise _unreachable(error) from error
            else:
                await response.aclose()
                return response
        raise _unreachable(failed) from failed

    async def close(self) -> None:
        """Release the client."""
        await self._client.aclose()


def checked_url(text: str, *, allow_http: bool) -> httpx2.URL:
    """Parse a receiver's URL. Raises DeliveryError, which names the fault and not the URL.

    The same parser reads the host that is checked and the host that is connected to.
    """
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError):  # chained, its text would carry the URL
        raise DeliveryError("the URL cannot be parsed", retryable=False) from None
    if url.scheme != "https" and not (allow_http and url.scheme == "http"):
        raise DeliveryError("the URL is not https (see allow_http)", retryable=False)
    if not url.host:
        raise DeliveryError("the URL has no host", retryable=False)
    if url.port is not None and not 0 < url.port < 65_536:
        raise DeliveryError("the URL's port is out of range", retryable=False)
    return url


def _unreachable(error: httpx2.TransportError | None) -> DeliveryError:
    """Name the kind of failure: these errors' texts are not ours to trust with URLs."""
    return DeliveryError(f"the receiver did not answer: {type(error).__name__}", retryable=True)
