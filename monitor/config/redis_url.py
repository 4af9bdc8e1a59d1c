"""What a Redis URL says: one server, Sentinels who know the master, or a Cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_KEYS: Final = frozenset({"sentinel_user", "sentinel_password"})
_EXPECTED: Final = (
    "expected redis://HOST, rediss://HOST, redis+sentinel://HOST,HOST/MASTER"
    " or redis+cluster://HOST,HOST"
)


class Kind(StrEnum):
    """How one finds the server that answers."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Login:
    """Who we say we are. None: nobody; a password without a user is that of `default`."""

    user: str | None
    password: str | None

    def __repr__(self) -> str:
        return "Login(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """A URL, taken apart."""

    kind: Kind
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    """The server; the Sentinels; or some nodes of a Cluster, which name the others."""
    login: Login
    sentinel_login: Login
    """The Sentinels' own: theirs is another list of users than the master's."""
    service: str = ""
    """What Sentinels call the master."""
    db: int = 0


def parse_redis_url(url: str) -> RedisAddress:
    """Take a URL apart. Raises ValueError, whose message repeats no part of it."""
    parts = urlsplit(url)
    scheme, _, kind_text = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or kind_text not in ("", *Kind):
        raise ValueError(_EXPECTED)
    kind = Kind(kind_text or Kind.STANDALONE)
    credentials, _, hosts_text = parts.netloc.rpartition("@")
    hosts = tuple(_host(text, kind) for text in hosts_text.split(","))
    if kind is Kind.STANDALONE and len(hosts) > 1:
        raise ValueError("several hosts: say redis+sentinel:// or redis+cluster://")
    service, db = _path(parts.path, kind)
    user, _, password = credentials.partition(":")
    query = _query(parts.query, kind)
    return RedisAddress(
        kind=kind,
        tls=scheme == "rediss",
        hosts=hosts,
        login=Login(unquote(user) or None, unquote(password) or None),
        sentinel_login=Login(query.get("sentinel_user"), query.get("sentinel_password")),
        service=service,
        db=db,
    )


def _host(text: str, kind: Kind) -> tuple[str, int]:
    usual = _SENTINEL_PORT if kind is Kind.SENTINEL else _PORT
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or usual
    except ValueError:
        host, port = None, usual
    if not host:
        raise ValueError("expected HOST or HOST:PORT, several with commas between")
    return host, port


def _path(path: str, kind: Kind) -> tuple[str, int]:
    """Return the master's name and the number of the database."""
    steps = [unquote(step) for step in path.strip("/").split("/") if step]
    service = steps.pop(0) if kind is Kind.SENTINEL and steps else ""
    if kind is Kind.SENTINEL and not service:
        raise ValueError("expected the master's name after the Sentinels: /mymaster")
    db_text = steps.pop(0) if steps else "0"
    if steps or not (db_text.isascii() and db_text.isdigit() and len(db_text) <= 4):
        raise ValueError("expected the number of a database at the end, or nothing")
    if kind is Kind.CLUSTER and int(db_text):
        raise ValueError("a Redis Cluster has database 0 alone")
    return service, int(db_text)


def _query(text: str, kind: Kind) -> Mapping[str, str]:
    query = dict(parse_qsl(text, keep_blank_values=True))
    if not query.keys() <= (_KEYS if kind is Kind.SENTINEL else frozenset()):
        raise ValueError(
            "unknown settings after ?; a Sentinel URL takes sentinel_user and"
            " sentinel_password, others none"
        )
    return query
