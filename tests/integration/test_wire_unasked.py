"""Bytes nobody asked for: none of them may become the answer to somebody else's request."""

import asyncio
import json
import socket
import ssl
import time
from pathlib import Path

import pytest

from probes.pricing import cost_usd
from probes.reading import Usage
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Price, Slot
from probes.wire.connection import HttpConnection
from probes.wire.pool import KEEPALIVE_S
from probes.wire.response import Response
from probes.wire.sockets import StampingSocket
from probes.wire.timeline import Timeline, UnaskedError
from tests.integration.fault_server import (
    ANSWER,
    Answering,
    FaultServer,
    certificate,
    server_context,
    serving,
    trusting_context,
)
from tests.integration.faults import good, no_answer, reset_at_once
from tests.integration.probing import chat, probing

CLOSING = "HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for the server."""
    return certificate(tmp_path_factory.mktemp("tls"))


def _numbered(number: int) -> str:
    body = json.dumps({**ANSWER, "model": f"answer-{number}"})
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}"


class TooMany:
    """Answers each request with its number; behind the first answer comes something else."""

    def __init__(self, unasked: str, *, apart: bool) -> None:
        self.server: FaultServer | None = None
        self._unasked = unasked
        self._apart = apart

    async def __call__(self, a: Answering) -> None:
        """Answer."""
        assert self.server is not None
        number = len(self.server.requests)
        if number > 1:
            await a.send(_numbered(number))
            return
        head, _, body = _numbered(number).partition("\r\n\r\n")
        await a.send(head + "\r\n\r\n")
        await asyncio.sleep(0.03)  # the head is being looked at when the rest comes
        await a.send(body + ("" if self._apart else self._unasked))
        if self._apart:
            await asyncio.sleep(0.03)
            await a.send(self._unasked)


def _own(results: list[ProbeResult]) -> list[tuple[Verdict, str | None]]:
    return [(result.verdict, result.returned_model) for result in results]


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("apart", [True, False], ids=["later", "same-packet"])
@pytest.mark.parametrize(
    "unasked",
    [_numbered(0), CLOSING, "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-", "\r\n"],
    ids=["response", "408", "garbage", "half-a-head", "newline"],
)
async def test_what_follows_an_answer_is_no_answer(
    unasked: str, apart: bool, secure: bool, pem: Path
) -> None:
    """Each probe gets the answer to its own request, whatever lies on the kept connection."""
    handler = TooMany(unasked, apart=apart)
    with serving(handler, server_context(pem) if secure else None) as server:
        handler.server = server
        trust = trusting_context(pem) if secure else None
        async with probing(server.url, tls=trust) as prober:
            results = [await prober.probe(chat(), Slot(1, 60.0))]
            await asyncio.sleep(0.1)
            results += [await prober.probe(chat(), Slot(number, 0.0)) for number in (2, 3)]

    assert _own(results) == [(Verdict.OK, f"answer-{number}") for number in (1, 2, 3)]
    assert len(server.requests) == 3


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("unasked", [_numbered(0), CLOSING])
async def test_what_was_not_even_read_yet_is_no_answer(
    unasked: str, secure: bool, pem: Path
) -> None:
    """It arrives while our loop stands still, right before the next request would go out."""
    handler = TooMany(unasked, apart=True)
    with serving(handler, server_context(pem) if secure else None) as server:
        handler.server = server
        trust = trusting_context(pem) if secure else None
        async with probing(server.url, tls=trust) as prober:
            first = await prober.probe(chat(), Slot(1, 60.0))
            time.sleep(0.1)  # noqa: ASYNC251 - the fault under test
            second = await prober.probe(chat(), Slot(2, 120.0))

    assert _own([first, second]) == [(Verdict.OK, "answer-1"), (Verdict.OK, "answer-2")]
    assert second.reused is False


async def test_an_end_that_was_not_read_yet_costs_no_probe() -> None:
    """The server hung up while our loop stood still: a new connection, not a failure."""

    async def last(a: Answering) -> None:
        await a.json(ANSWER)
        await asyncio.sleep(0.03)
        a.cut()

    with serving(last) as server:
        async with probing(server.url) as prober:
            await prober.probe(chat(), Slot(1, 60.0))
            time.sleep(0.1)  # noqa: ASYNC251 - the fault under test
            result = await prober.probe(chat(), Slot(2, 120.0))

    assert result.ok, result.detail
    assert (result.reused, server.accepted) == (False, 2)


async def test_an_answer_to_nothing_is_a_protocol_error(pem: Path) -> None:
    """A server that answers as soon as the connection stands has not read what was asked."""

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_numbered(0).encode())
        await writer.drain()
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(hasty, "127.0.0.1", 0, ssl=server_context(pem))
    port = listening.sockets[0].getsockname()[1]
    trust = trusting_context(pem)
    async with listening, probing(f"https://127.0.0.1:{port}/v1", tls=_slow(trust)) as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.PROTOCOL_ERROR, Fault.PROVIDER)
    assert "before the request" in result.detail
    assert (result.status, result.first_byte_s, result.returned_model) == (None, None, None)


async def test_an_answer_that_lies_there_before_the_request_is_a_protocol_error() -> None:
    """On a plain connection too: it came before anything was asked, and nothing is asked then."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        buffer = memoryview(bytearray(4096))
        with StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0) as sock:
            sock.connect(("127.0.0.1", port))
            theirs, _ = listening.accept()
            with theirs:
                theirs.sendall(_numbered(0).encode())
                await asyncio.sleep(0.02)
                sock.setblocking(False)
                connection = HttpConnection(sock, buffer)
                connection.connection_made(asyncio.Transport())
                with pytest.raises(UnaskedError):
                    connection.ask(b"question", Timeline(), Response())
                theirs.setblocking(False)
                with pytest.raises(BlockingIOError):
                    theirs.recv(10)


async def test_a_server_that_hangs_up_at_once_has_not_answered() -> None:
    """An end, or a reset, that lies there before the request is no answer to nothing."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, probing(f"http://127.0.0.1:{port}/v1") as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.RESET, Fault.PROVIDER)


def _slow(context: ssl.SSLContext) -> ssl.SSLContext:
    """Finish the handshake in two round trips, so that the answer overtakes the request."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize("dying", [no_answer, reset_at_once])
async def test_a_kept_connection_that_dies_blames_the_way(dying: object) -> None:
    """A reset at a reused connection says little about the provider; the detail says why."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            await prober.probe(chat(), Slot(1, 60.0))
            server.handler = dying  # type: ignore[assignment] # one of the handlers above
            kept = await prober.probe(chat(), Slot(2, 120.0))
            fresh = await prober.probe(chat(), Slot(3, 180.0))

    assert (kept.verdict, kept.fault, kept.reused) == (Verdict.RESET, Fault.NETWORK, True)
    assert kept.detail.startswith("reused connection, idle 0.0 s: ")
    assert (fresh.verdict, fresh.fault, fresh.reused) == (Verdict.RESET, Fault.PROVIDER, False)


def test_connections_are_given_up_before_servers_do_it() -> None:
    """A target alone, probed at the default interval, never meets the end of an idle connection."""
    assert chat().interval_s > KEEPALIVE_S


async def test_putting_the_result_together_is_inside_the_boundary() -> None:
    """A bug after the answer is a result as well: monitor_error, and nothing is raised."""
    free = Price(input_usd="nothing", output_usd=1.0)  # type: ignore[arg-type] # the fault under test
    with pytest.raises(TypeError):
        cost_usd(free, Usage(input_tokens=1, output_tokens=1))
    with serving(good) as server:
        async with probing(server.url) as prober:
            result = await prober.probe(chat(price=free), Slot(1, 60.0))
            after = await prober.probe(chat(), Slot(2, 120.0))

    assert (result.verdict, result.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert result.detail == "a bug: TypeError"
    assert after.ok


async def test_a_closed_prober_sends_nothing() -> None:
    """After close there is no new session that nobody would close."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            await prober.close()
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.detail) == (Verdict.MONITOR_ERROR, "this prober has been closed")
    assert server.requests == []
