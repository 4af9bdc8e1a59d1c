"""The writer, through influxdb-client and a socket, against everything a server may do."""

import asyncio
import gzip
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from aggregator.stores import influxdb_writer, open_influxdb
from aggregator.stores.delivery import Destination, Outcome, WriteError
from aggregator.stores.influxdb_writer import ANSWER_LIMIT_BYTES
from probes.secret import Secret, SecretSource
from tests.servers.running import free_port

TOKEN = "a-token-nobody-may-read"
LINE = b"m v=1 1"
BODY = gzip.compress(LINE)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Faulty:
    """A server that gives the answer a test wants, and remembers what it was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = saying(204)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path_qs, dict(request.headers), await request.read()))
        return await self.answer(request)


def saying(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=told)

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def garbage(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"what is HTTP?\r\n\r\n")  # type: ignore[attr-defined]  # a real one
    request.transport.close()
    return web.Response()


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(  # type: ignore[attr-defined]  # as above
        b"HTTP/1.1 503 Down\r\nContent-Length: 500\r\n\r\nback soon"
    )
    request.transport.close()
    return web.Response()


async def trickle(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(status=503)
    await answer.prepare(request)
    while True:
        await answer.write(b"x")
        await asyncio.sleep(0.02)


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(status=400)
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 65_536)


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
async def faulty() -> AsyncIterator[Faulty]:
    """Run the server on a loopback port."""
    made = Faulty()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = site.name
    yield made
    await runner.cleanup()


async def written(url: str, token: SecretSource | None = None) -> int | WriteError:
    """Write one line; return the points too old, or what went wrong."""
    token = token or SecretSource(value=Secret(TOKEN))
    writer = open_influxdb(Destination(url, "o", "b"), token)
    try:
        return await writer.write(BODY)
    except WriteError as error:
        return error
    finally:
        await writer.close()


async def test_what_is_sent(faulty: Faulty) -> None:
    """The v2 write: organisation, bucket, nanoseconds, the token, and the gzip as it was given."""
    assert await written(faulty.url) == 0
    ((path, headers, body),) = faulty.requests
    assert path == "/api/v2/write?org=o&bucket=b&precision=ns"
    assert headers["Authorization"] == f"Token {TOKEN}"
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Accept-Encoding"] == "identity"
    assert body == LINE  # aiohttp's server has unpacked it


@pytest.mark.parametrize(
    ("answer", "outcome", "told"),
    [
        (
            saying(400, '{"error":"unable to parse"}'),
            Outcome.REJECTED,
            "answered 400: unable to parse",
        ),
        (
            saying(422, '{"message":"type conflict"}'),
            Outcome.REJECTED,
            "answered 422: type conflict",
        ),
        (
            saying(401, '{"code":"unauthorized"}'),
            Outcome.TOKEN,
            'answered 401: {"code":"unauthorized"}',
        ),
        (saying(403), Outcome.TOKEN, "answered 403"),
        (
            saying(404, '{"error":"database not found: \\"b\\""}'),
            Outcome.BUCKET,
            'answered 404: database not found: "b"',
        ),
        (saying(413), Outcome.TOO_LARGE, "answered 413"),
        (saying(429), Outcome.THROTTLED, "answered 429"),
        (saying(503, "<html>down</html>"), Outcome.UNAVAILABLE, "answered 503: <html>down</html>"),
        (
            saying(302, Location="http://elsewhere.example/"),
            Outcome.UNAVAILABLE,
            "answered 302, which is not InfluxDB's answer to a write: is the URL right?",
        ),
        (
            saying(200, "<html>Please log in</html>"),
            Outcome.UNAVAILABLE,
            "answered 200, which is not InfluxDB's answer to a write: is the URL right?",
        ),
        (saying(400, "nonsense", Content_Encoding="gzip"), Outcome.REJECTED, None),
        (saying(400, "nonsense", Content_Encoding="br"), Outcome.REJECTED, None),
        (saying(503, "[" * 16_000), Outcome.UNAVAILABLE, None),
        (saying(503, '{"message":' * 1_000), Outcome.UNAVAILABLE, None),
        (
            saying(400, '{"message":[1],"error":{}}'),
            Outcome.REJECTED,
            'answered 400: {"message":[1],"error":{}}',
        ),
        (saying(500, "[1, 2]"), Outcome.UNAVAILABLE, "answered 500: [1, 2]"),
        (saying(400, f"no {TOKEN}\x00\n\u202e"), Outcome.REJECTED, "answered 400: no ***"),
    ],
)
async def test_every_status_has_its_outcome(
    faulty: Faulty, answer: Answer, outcome: Outcome, told: str | None
) -> None:
    """One request each, whatever the answer, and words for people without a secret."""
    faulty.answer = answer
    failure = await written(faulty.url)
    assert isinstance(failure, WriteError)
    assert failure.outcome is outcome
    assert told is None or str(failure) == told
    assert failure.__cause__ is None
    assert len(faulty.requests) == 1


async def test_retry_after_is_handed_on(faulty: Faulty) -> None:
    """In seconds."""
    faulty.answer = saying(429, Retry_After="17")
    failure = await written(faulty.url)
    assert isinstance(failure, WriteError)
    assert failure.retry_after_s == 17.0


async def test_points_too_old_are_counted(faulty: Faulty) -> None:
    """A 422 that stored the others is no failure."""
    words = "partial write: points beyond retention policy dropped=4"
    faulty.answer = saying(422, f'{{"message":"{words}"}}')
    assert await written(faulty.url) == 4


@pytest.mark.parametrize("answer", [reset, garbage])
async def test_a_broken_connection_is_unreachable(faulty: Faulty, answer: Answer) -> None:
    """Cut off, or not HTTP at all: tried again later, and the token is in no word of it."""
    faulty.answer = answer
    failure = await written(faulty.url)
    assert isinstance(failure, WriteError)
    assert failure.outcome is Outcome.UNREACHABLE
    assert TOKEN not in str(failure)


async def test_nobody_listening_is_told_in_a_word() -> None:
    """Without the library's own wrapping."""
    failure = await written(f"http://127.0.0.1:{free_port()}")
    assert isinstance(failure, WriteError)
    assert (failure.outcome, str(failure)) == (Outcome.UNREACHABLE, "Connection refused")


async def test_a_name_that_is_not_there_is_unreachable() -> None:
    """The resolver's words are told."""
    failure = await written("http://nowhere.invalid:8086")
    assert isinstance(failure, WriteError)
    assert failure.outcome is Outcome.UNREACHABLE


async def test_a_hung_server_is_left_after_the_deadline(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it does with the connection."""
    monkeypatch.setattr(influxdb_writer, "WRITE_S", 0.2)
    faulty.answer = hang
    failure = await written(faulty.url)
    assert isinstance(failure, WriteError)
    assert (failure.outcome, str(failure)) == (Outcome.TIMEOUT, "no answer within 0.2 s")


@pytest.mark.parametrize(
    ("answer", "outcome", "told"),
    [
        (cut, Outcome.UNAVAILABLE, "answered 503: back soon"),
        (trickle, Outcome.TIMEOUT, "no answer within 0.3 s"),
        (saying(503, "garbage", Content_Encoding="gzip"), Outcome.UNAVAILABLE, None),
        (endless, Outcome.REJECTED, None),
    ],
)
async def test_an_answer_that_breaks_off_costs_one_write(
    faulty: Faulty,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    outcome: Outcome,
    told: str | None,
) -> None:
    """There is one connection: the next write must find it free, or a new one in its place."""
    monkeypatch.setattr(influxdb_writer, "WRITE_S", 0.3)
    writer = open_influxdb(Destination(faulty.url, "o", "b"), None)
    faulty.answer = answer
    for _ in range(3):
        with pytest.raises(WriteError) as caught:
            await writer.write(BODY)
        assert caught.value.outcome is outcome
        assert told is None or str(caught.value) == told
    monkeypatch.setattr(influxdb_writer, "WRITE_S", 5.0)
    faulty.answer = saying(204)
    assert await writer.write(BODY) == 0
    await writer.close()


async def test_a_cancelled_write_lets_go_of_its_connection(faulty: Faulty) -> None:
    """Cancelled in the middle of an answer: the next write is not kept waiting."""
    writer = open_influxdb(Destination(faulty.url, "o", "b"), None)
    faulty.answer = trickle
    task = asyncio.ensure_future(writer.write(BODY))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    faulty.answer = saying(204)
    async with asyncio.timeout(5):
        assert await writer.write(BODY) == 0
    await writer.close()


@pytest.mark.parametrize("status", [204, 200, 302, 401, 500])
async def test_no_answer_reaches_a_library_log(
    faulty: Faulty, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """A server that repeats our token: at DEBUG the client would print all of its answer."""
    caplog.set_level(logging.DEBUG)
    faulty.answer = saying(status, f"you said {TOKEN}" if status != 204 else "")
    found = await written(faulty.url)
    assert TOKEN not in str(found)
    assert TOKEN not in caplog.text


async def test_tls_errors_are_told_in_words(faulty: Faulty) -> None:
    """An https address of a server that speaks http."""
    failure = await written(faulty.url.replace("http:", "https:"))
    assert isinstance(failure, WriteError)
    assert failure.outcome is Outcome.UNREACHABLE
    assert re.fullmatch(r"TLS: [a-z ]+", str(failure))  # OpenSSL's words differ from year to year


async def test_an_endless_answer_is_not_read_to_its_end(faulty: Faulty) -> None:
    """Its beginning is enough; it costs neither memory nor the deadline."""
    faulty.answer = endless
    failure = await written(faulty.url)
    assert isinstance(failure, WriteError)
    assert failure.outcome is Outcome.REJECTED
    assert len(str(failure)) < ANSWER_LIMIT_BYTES


async def test_a_token_file_is_read_again_when_it_changes(faulty: Faulty, tmp_path: Path) -> None:
    """The next write has the new token; before that the change is noticed."""
    path = tmp_path / "token"
    path.write_text("first-token\n")
    writer = open_influxdb(Destination(faulty.url, "", "b"), SecretSource(path=path))
    await writer.write(BODY)
    assert not writer.renewed()
    path.unlink()
    assert not writer.renewed()
    with pytest.raises(WriteError, match="cannot read") as caught:
        await writer.write(BODY)
    assert caught.value.outcome is Outcome.TOKEN
    path.write_text("the-second-token\n")
    assert writer.renewed()
    await writer.write(BODY)
    await writer.close()
    sent = [headers["Authorization"] for _, headers, _ in faulty.requests]
    assert sent == ["Token first-token", "Token the-second-token"]


async def test_without_a_token_none_is_sent(faulty: Faulty) -> None:
    """As a 1.x without users wants it; and closing what was never opened is fine."""
    writer = open_influxdb(Destination(faulty.url, "", "b"), None)
    await writer.close()
    assert await writer.write(BODY) == 0
    assert not writer.renewed()
    await writer.close()
    assert "Authorization" not in faulty.requests[0][1]
