"""Who may see pages and ask the API, have probes made and change things.

On loopback whoever is on this machine, by one of its names; wider than that whoever has the token.
"""

import base64
import binascii
import hmac
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from probes.secret import SecretError, SecretSource

WRONG_AT_MOST: Final = 10
"""Wrong tokens of one address in WRONG_WITHIN_S; after that it is not listened to for the rest of
it. Enough for somebody who mistypes, or a page whose token was changed; a guesser gets 15,000 a day
for a token of which there are more than 10^20."""
WRONG_WITHIN_S: Final = 60.0
ADDRESSES: Final = 1_000
"""Addresses that are remembered, the newest: of IPv6 a whole /64 is one, for its owner has all."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing. https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1"""
WRITE_MARK: Final = "x-sonde-write"
"""A header that every write carries: a page of another site cannot send it without asking us first
(CORS), and we never allow it. https://fetch.spec.whatwg.org/#cors-preflight-fetch"""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in."""

    host: str
    token: SecretSource | None
    public_url: str | None = None
    """Where people reach us through a proxy on this machine, if they do."""

    @property
    def open(self) -> bool:
        """Whether only this machine can reach us."""
        return is_loopback(self.host)

    def named(self, host: str) -> bool:
        """Whether a Host header names this machine, or the proxy before us.

        A name of somebody else's that was made to lead to this machine brings a browser here as on
        its own site, past every other check: https://en.wikipedia.org/wiki/DNS_rebinding
        """
        name = _hostname(f"//{host}")
        return bool(name) and (is_loopback(name) or name == _hostname(self.public_url or ""))

    def allows(self, authorization: str | None) -> bool:
        """Whether an Authorization header (Bearer, or Basic with the token as password) fits.

        Raises SecretError when the token cannot be read: then nobody gets in.
        """
        if self.token is None or authorization is None:
            return False
        given = _credential(authorization)
        return hmac.compare_digest(given.encode(), self.token.read().reveal().encode())

    def own(self, origin: str, host: str) -> bool:
        """Whether an Origin header names this site: what Host says, or the proxy before us."""
        here = origin.partition("://")[2]
        proxied = self.public_url is not None and origin == _origin(self.public_url)
        return proxied or (bool(here) and here == host)


@dataclass(frozen=True, slots=True)
class Denial:
    """Why somebody may not come in."""

    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Door:
    """Lets in who may come in, and slows down who guesses."""

    def __init__(
        self, access: Access, monotonic: Callable[[], float], wrong: Callable[[], None]
    ) -> None:
        """`wrong` is called for each wrong token."""
        self.access = access
        self._monotonic = monotonic
        self._wrong = wrong
        self._guesses: OrderedDict[str, deque[float]] = OrderedDict()
        """When each address gave wrong tokens of late, the newest address last."""

    def denial(self, request: Request) -> Denial | None:
        """Return why a request is not answered; None: it is."""
        access = self.access
        if access.open:
            return None if access.named(request.headers.get("host", "")) else _NOT_BY_THIS_NAME
        if access.token is None:
            return _OFF
        given = request.headers.get("authorization")
        address = _address(request)
        wait_s = 0.0 if given is None else self._wait_s(address)
        if wait_s > 0.0:
            return Denial(
                429, "Too many wrong tokens from there.", {"Retry-After": f"{wait_s:.0f}"}
            )
        try:
            if access.allows(given):
                return None
        except SecretError as error:
            return Denial(503, f"The token is unusable: {error}")
        if given is not None:
            self._guessed(address)
        return Denial(401, "A token is needed.", {"WWW-Authenticate": _challenge(request)})

    def _wait_s(self, address: str) -> float:
        """Return how long an address is not listened to any more; 0: it is now."""
        guesses = self._guesses.get(address)
        if guesses is None or len(guesses) < WRONG_AT_MOST:
            return 0.0
        return max(0.0, guesses[0] + WRONG_WITHIN_S - self._monotonic())

    def _guessed(self, address: str) -> None:
        self._wrong()
        guesses = self._guesses.setdefault(address, deque(maxlen=WRONG_AT_MOST))
        guesses.append(self._monotonic())
        self._guesses.move_to_end(address)
        if len(self._guesses) > ADDRESSES:
            self._guesses.popitem(last=False)

    def write_denial(self, request: Request) -> Denial | None:
        """Return why a write of somebody who may come in is not done; None: it is.

        A browser that is let in here must not be used by another site's page.
        """
        headers = request.headers
        if headers.get(WRITE_MARK) != "1":
            return Denial(403, "Writes need the header X-Sonde-Write: 1.")
        origin = headers.get("origin")
        if origin is not None and not self.access.own(origin, headers.get("host", "")):
            return Denial(403, "Not on another site's behalf.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return Denial(403, "Not on another site's behalf.")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        if not empty and kind != "application/json":
            return Denial(415, "Expected Content-Type: application/json.")
        return None

    def who(self, request: Request) -> str:
        """Name who is asking, for the audit log."""
        return f"{'loopback' if self.access.open else 'token'} {_address(request)}"


_NOT_BY_THIS_NAME: Final = Denial(
    403, "Not by this name: ask localhost, or set public_url to what a proxy is called."
)
_OFF: Final = Denial(403, "This is off: listening wider than loopback it needs http.token_file.")


def _challenge(request: Request) -> str:
    """Say how to identify oneself. Only a page that is opened makes a browser ask its user."""
    headers = request.headers
    opened = headers.get("sec-fetch-mode") == "navigate" or (
        "sec-fetch-mode" not in headers and "text/html" in headers.get("accept", "")
    )
    return 'Basic realm="Sonde", charset="UTF-8"' if opened else 'Bearer realm="Sonde"'


def _address(request: Request) -> str:
    """Return where a request comes from; of IPv6 the network, of nobody known nothing."""
    if request.client is None:
        return ""
    try:
        found = ip_address(request.client.host)
    except ValueError:
        return request.client.host
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> 64 << 64)) + "/64" if not found.is_loopback else "::1"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Say whether a listening address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _credential(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return text.partition(":")[2]
    return ""
