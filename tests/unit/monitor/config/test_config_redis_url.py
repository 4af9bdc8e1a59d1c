"""URLs of Redis, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.redis_url import Kind, Login, RedisAddress, parse_redis_url

NOBODY = Login(None, None)


@pytest.mark.parametrize(
    ("url", "kind", "tls", "hosts"),
    [
        ("redis://h", Kind.STANDALONE, False, (("h", 6379),)),
        ("rediss://h:1", Kind.STANDALONE, True, (("h", 1),)),
        ("redis://[::1]:2", Kind.STANDALONE, False, (("::1", 2),)),
        ("redis+cluster://a,b:7", Kind.CLUSTER, False, (("a", 6379), ("b", 7))),
        ("rediss+sentinel://a,b:7/m", Kind.SENTINEL, True, (("a", 26379), ("b", 7))),
    ],
)
def test_kinds(url: str, kind: Kind, tls: bool, hosts: tuple[tuple[str, int], ...]) -> None:
    """Each kind says where to ask first, with the port that is usual there."""
    found = parse_redis_url(url)
    assert (found.kind, found.tls, found.hosts) == (kind, tls, hosts)
    assert (found.login, found.sentinel_login) == (NOBODY, NOBODY)


def test_everything_about_sentinels() -> None:
    """The master's name and database, our login there, and another one with the Sentinels."""
    url = "redis+sentinel://u:p%40ss@a/main/3?sentinel_user=w&sentinel_password=x%20y"
    assert parse_redis_url(url) == RedisAddress(
        kind=Kind.SENTINEL,
        tls=False,
        hosts=(("a", 26379),),
        login=Login("u", "p@ss"),
        sentinel_login=Login("w", "x y"),
        service="main",
        db=3,
    )


def test_a_password_alone() -> None:
    """It is the default user's."""
    assert parse_redis_url("redis://:p@h/1").login == Login(None, "p")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://secret", "expected redis://HOST"),
        ("redis+raft://secret", "expected redis://HOST"),
        ("redis://:secret@", "expected HOST or HOST:PORT"),
        ("redis://secret:99999", "expected HOST or HOST:PORT"),
        ("redis://secret,b", "several hosts: say redis"),
        ("redis+sentinel://secret", "expected the master's name"),
        ("redis://secret/x", "expected the number of a database"),
        ("redis://secret/1/2", "expected the number of a database"),
        ("redis+cluster://secret/1", "a Redis Cluster has database 0 alone"),
        ("redis://h?ssl_cert_reqs=secret", "unknown settings after ?"),
        ("redis+sentinel://h/m?db=secret", "unknown settings after ?"),
    ],
)
def test_what_is_refused(url: str, problem: str) -> None:
    """In words that say what is expected, and repeat nothing of it."""
    with pytest.raises(ValueError, match=problem.replace("?", r"\?")) as caught:
        parse_redis_url(url)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40).map(lambda text: f"redis://{text}"))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    """Nothing else is ever raised, and a login never shows itself."""
    try:
        found = parse_redis_url(url)
    except ValueError:
        return
    assert found.hosts
    assert repr(found.login) == "Login(***)"
