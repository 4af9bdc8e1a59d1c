"""Who may see pages and ask the API, have probes made and change things.

On loopback whoever is on this machine, by one of its names; wider than that whoever has the token.
"""

import base64
import binascii
import hmac
import math
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

import structlog
from fastapi import Request

from probes.secret import SecretError, SecretSource

WRONG_AT_MOST: Final = 10
"""Different wrong tokens of one address in WRONG_WITHIN_S; after that it is not listened to for the
rest of it. Enough for somebody who mistypes; a guesser gets 15,000 a day. The same one again, of a
page whose token was changed, is no further guess."""
STRONG_CHARS: Final = 24
"""A token of so many characters nobody guesses, however often he may: who has it comes in whatever
others sent from the same address. Else one stranger behind the same ingress keeps everybody out.
`openssl rand -hex 16` makes 32."""
WRONG_WITHIN_S: Final = 60.0
ADDRESSES: Final = 1_000
"""Addresses that are remembered, the newest: of IPv6 a whole /64 is one, for its owner has all."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing. https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1"""
WRITE_MARK: Final = "x-sonde-write"
"""A header that every write carries: a page of another site cannot send it without asking us first
(CORS), and we never allow it. https://fetch.spec.whatwg.org/#cors-preflight-fetch"""

log = structlog.get_logger("sonde.api")


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
        return _same(_credential(authorization), self.token.read().reveal())

    @property
    def strong(self) -> bool:
        """Whether the token is one that nobody guesses. Raises SecretError."""
        return self.token is not None and len(self.token.read().reveal()) >= STRONG_CHARS

    def own(self, origin: str, host: str) -> bool:
        """Whether an Origin header names this site: what Host says, or the proxy before us."""
        here = origin.partition("://")[2]
        proxied = self.public_url is not None and _origin(origin) == _origin(self.public_url)
        return proxied or (bool(here) and here == host)

    def address(self, request: Request) -> str:
        """Return where a request comes from; of IPv6 the network, of nobody known nothing.

        What a proxy says of it (X-Forwarded-For) counts when there is said to be one, it is on this
        machine, and it says an address: anybody else would choose his own name in the audit log.
        """
        client = "" if request.client is None else request.client.host
        said = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if self.public_url is not None and is_loopback(client) and _is_address(said):
            return _network(said)
        return _network(client)


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
        self._guesses: OrderedDict[str, deque[tuple[float, bytes]]] = OrderedDict()
        """When each address gave wrong tokens of late, and which; the newest address last."""
        self._salt = secrets.token_bytes(16)
        self._unusable = ""
        """What is wrong with the token, as it was logged; empty: nothing."""

    def denial(self, request: Request) -> Denial | None:
        """Return why a request is not answered; None: it is."""
        access = self.access
        if access.open:
            return None if access.named(request.headers.get("host", "")) else _NOT_BY_THIS_NAME
        if access.token is None:
            return _OFF
        given = request.headers.get("authorization")
        address = access.address(request)
        wait_s = 0.0 if given is None else self._wait_s(address)
        try:
            if (wait_s == 0.0 or access.strong) and access.allows(given):
                self._unusable = ""
                return None
        except SecretError as error:
            return self._without_token(error)
        if wait_s > 0.0:
            wait = {"Retry-After": str(math.ceil(wait_s))}
            return Denial(429, "Too many wrong tokens from there.", wait)
        if given is not None:
            self._guessed(address, _credential(given))
        return Denial(401, "A token is needed.", {"WWW-Authenticate": _challenge(request)})

    def _without_token(self, error: SecretError) -> Denial:
        """Tell the owner once what is wrong, in the log; whoever asks need not know our paths."""
        if str(error) != self._unusable:
            self._unusable = str(error)
            log.error("access.token_unusable", error=self._unusable)
        return Denial(503, "The token cannot be read: see access.token_unusable in the log.")

    def _wait_s(self, address: str) -> float:
        """Return how long an address is not listened to any more; 0: it is now."""
        guesses = self._guesses.get(address)
        if guesses is None or len(guesses) < WRONG_AT_MOST:
            return 0.0
        return max(0.0, guesses[0][0] + WRONG_WITHIN_S - self._monotonic())

    def _guessed(self, address: str, token: str) -> None:
        self._wrong()
        guesses = self._guesses.setdefault(address, deque(maxlen=WRONG_AT_MOST))
        known = blake2s(token.encode(), key=self._salt, digest_size=8).digest()
        if all(known != each for _, each in guesses):
            guesses.append((self._monotonic(), known))
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
        return f"{'loopback' if self.access.open else 'token'} {self.access.address(request)}"


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


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _network(host: str) -> str:
    """Return whom an address stands for: an owner of IPv6 addresses has a whole /64 of them."""
    try:
        found = ip_address(host)
    except ValueError:
        return host
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> 64 << 64)) + "/64" if not found.is_loopback else "::1"


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return what makes two addresses one site: https://www.rfc-editor.org/rfc/rfc6454#section-4 .

    Of what is no address, or `null`, something that is like no site.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port


_PORTS: Final = {"http": 80, "https": 443}


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


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


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
