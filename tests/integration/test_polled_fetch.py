"""Documents of others over real sockets: what is sent, what is taken, what is left."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.polled.fetch import LIMIT_BYTES, Document, Fetcher, FetchError, Validators
from tests.integration.fault_server import (
    Answering,
    certificate,
    free_port,
    server_context,
    serving,
    trusting_context,
)

NONE = Validators()
WALL = 1_795_255_200.0
"""Sat, 21 Nov 2026 10:00:00 UTC."""


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    made = Fetcher()
    yield made
    await made.close()


async def test_a_document_and_its_validators(fetcher: Fetcher) -> None:
    """A GET that says who asks and wants it plain: no cookie, no credential, nothing else."""

    async def answer(a: Answering) -> None:
        await a.json({"a": 1}, ETag='W/"7"', Last_Modified="Fri, 20 Nov 2026 10:00:00 GMT")

    with serving(answer) as server:
        found = await fetcher.fetch(f"{server.url}/x?y=z", NONE, WALL)
    expected = Validators('W/"7"', "Fri, 20 Nov 2026 10:00:00 GMT")
    assert found == Document(b'{"a": 1}', expected)
    (seen,) = server.requests
    assert seen.line == "GET /v1/x?y=z HTTP/1.1"
    assert (
        seen.header(
            "user-agent",
        )
        is not None
    )
    assert {name.lower() for name, _ in seen.headers} == {
        *("host", "accept", "accept-encoding", "connection", "user-agent"),
    }
    assert seen.header("accept-encoding") == "identity"


async def test_what_is_known_is_not_fetched_again(fetcher: Fetcher) -> None:
    """The validators go back as they came, and 304 says that nothing is new."""

    async def answer(a: Answering) -> None:
        await a.head("304 Not Modified", ETag='"7"')

    with serving(answer) as server:
        known = Validators('"7"', "Fri, 20 Nov 2026 10:00:00 GMT")
        assert await fetcher.fetch(server.url, known, WALL) is None
    (seen,) = server.requests
    assert seen.header("if-none-match") == '"7"'
    assert seen.header("if-modified-since") == "Fri, 20 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "message", "retry_after_s"),
    [
        ("500 Broken", {}, "HTTP 500", None),
        ("404 Not Found", {}, "HTTP 404", None),
        ("429 Slow", {"Retry_After": "120"}, "HTTP 429", 120.0),
        ("503 Busy", {"Retry_After": "Sat, 21 Nov 2026 10:01:00 GMT"}, "HTTP 503", 60.0),
        ("204 Nothing", {}, "HTTP 204", None),
        ("302 Found", {}, "redirected in circles", None),
        ("302 Found", {"Location": "http://localhost:1/"}, "another host", None),
        ("302 Found", {"Location": "//example.com/x"}, "another host", None),
        ("302 Found", {"Location": "http://u:p@127.0.0.1/"}, "another host", None),
        ("302 Found", {"Location": "ftp://127.0.0.1/"}, "from https", None),
        ("302 Found", {"Location": "http://[x"}, "another host", None),
    ],
)
async def test_what_is_no_document(
    fetcher: Fetcher,
    status: str,
    headers: dict[str, str],
    message: str,
    retry_after_s: float | None,
) -> None:
    """Every other status, and every redirect away, is refused in words of ours."""

    async def answer(a: Answering) -> None:
        await a.head(status, Content_Length="0", **headers)

    with serving(answer) as server, pytest.raises(FetchError, match=message) as caught:
        await fetcher.fetch(server.url, NONE, WALL)
    assert caught.value.retry_after_s == retry_after_s
    assert "example.com" not in str(caught.value)


async def test_a_redirect_on_the_same_host_is_followed(fetcher: Fetcher) -> None:
    """A page that moved within its host is found; each hop is one request."""

    async def answer(a: Answering) -> None:
        if a.seen.line.startswith("GET /v1/old "):
            await a.head("301 Moved", Location="new", Content_Length="0")
        else:
            await a.json([])

    with serving(answer) as server:
        found = await fetcher.fetch(f"{server.url}/old", NONE, WALL)
    assert found is not None
    assert [seen.line for seen in server.requests] == [
        "GET /v1/old HTTP/1.1",
        "GET /v1/new HTTP/1.1",
    ]


@pytest.mark.parametrize("said", [True, False])
async def test_a_document_without_end_is_left(fetcher: Fetcher, said: bool) -> None:
    """At a megabyte we hang up, whether its length was said or not."""
    sent = 0

    async def answer(a: Answering) -> None:
        nonlocal sent
        await a.head(**({"Content_Length": str(10**9)} if said else {}))
        while True:
            await a.send(b"x" * 65_536)
            sent += 65_536

    with serving(answer) as server:
        with pytest.raises(FetchError, match="larger than 1024 KiB"):
            await fetcher.fetch(server.url, NONE, WALL)
        assert await server.all_closed()
    assert sent < 20 * LIMIT_BYTES


async def test_a_bomb_is_not_unpacked(fetcher: Fetcher) -> None:
    """We asked for it plain: what comes compressed all the same is not looked into."""
    bomb = gzip.compress(b"0" * 50_000_000)

    async def answer(a: Answering) -> None:
        await a.head(Content_Encoding="gzip", Content_Length=str(len(bomb)))
        await a.send(bomb)

    with serving(answer) as server, pytest.raises(FetchError, match="compressed"):
        await fetcher.fetch(server.url, NONE, WALL)


async def test_a_cut_document_is_none(fetcher: Fetcher) -> None:
    """Half a document would be read as one that says less."""

    async def answer(a: Answering) -> None:
        await a.head(Content_Length="100")
        await a.send(b'{"components": []')
        a.cut()

    with serving(answer) as server, pytest.raises(FetchError, match="unreachable"):
        await fetcher.fetch(server.url, NONE, WALL)


async def test_nobody_there(fetcher: Fetcher) -> None:
    """A refused connection is told by its kind, without the address."""
    with pytest.raises(FetchError, match=r"^unreachable: ConnectError$"):
        await fetcher.fetch(f"http://127.0.0.1:{free_port()}/secret", NONE, WALL)


async def test_cancelling_ends_a_fetch_that_hangs(fetcher: Fetcher) -> None:
    """The deadline is the caller's: it cuts the connection wherever the server stopped."""

    async def answer(a: Answering) -> None:
        await a.head(Content_Length="100")
        await a.hang()

    with serving(answer) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await fetcher.fetch(server.url, NONE, WALL)
        assert await server.all_closed()


@pytest.mark.parametrize("trusted", [True, False])
async def test_certificates_are_checked(tmp_path: Path, trusted: bool) -> None:
    """A page is believed under its own name alone."""
    pem = certificate(tmp_path)

    async def answer(a: Answering) -> None:
        await a.json([])

    context: ssl.SSLContext | None = trusting_context(pem) if trusted else None
    fetcher = Fetcher(context)
    with serving(answer, server_context(pem)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        if trusted:
            assert await fetcher.fetch(url, NONE, WALL) is not None
        else:
            with pytest.raises(FetchError, match="unreachable"):
                await fetcher.fetch(url, NONE, WALL)
    await fetcher.close()
