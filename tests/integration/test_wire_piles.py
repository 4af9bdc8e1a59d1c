"""Reads in which our late loop finds what came one after the other: nothing told is silently wrong.

The truth is the fault server's; where a figure cannot be known, the result must say so.
"""

import asyncio
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest
from aiohappyeyeballs import AddrInfoType

from probes.lag import LagMeter
from probes.result import ProbeResult
from probes.target import Slot
from probes.wire.exchange import Exchange
from probes.wire.pool import Pool
from probes.wire.request import Origin, Request, head_of
from probes.wire.resolver import ThreadResolver
from probes.wire.timeline import Timeline
from tests.integration.fault_server import (
    ANSWER,
    DONE,
    Answering,
    FaultServer,
    Handler,
    certificate,
    event,
    server_context,
    serving,
    trusting_context,
)
from tests.integration.faults import good
from tests.integration.probing import chat, probing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernel stamps are Linux's")

T = TypeVar("T")

CLOSE_S = 0.02
"""What a believed figure may be off here: far less than the pauses of 80 ms that are hidden."""


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for the server."""
    return certificate(tmp_path_factory.mktemp("tls"))


def _metered(work: Callable[[LagMeter], Coroutine[object, object, T]]) -> T:
    """Run this on a loop that is watched."""
    meter = LagMeter()
    with asyncio.Runner(loop_factory=meter.new_loop) as runner:
        return runner.run(work(meter))


def _blocked(
    handler: Handler, after_s: float, for_s: float, tls: Path | None = None, **changes: object
) -> tuple[ProbeResult, FaultServer]:
    """Probe while our loop stands still, `after_s` after the request and `for_s` long."""
    with serving(handler, server_context(tls) if tls else None) as server:

        async def probe(meter: LagMeter) -> ProbeResult:
            trust = trusting_context(tls) if tls else None
            async with probing(server.url, tls=trust, lag=meter) as prober:
                await asyncio.sleep(0.05)  # the kernel begins to stamp a little after it is asked
                async with asyncio.TaskGroup() as group:
                    group.create_task(_block(server, after_s, for_s))
                    return await prober.probe(chat(**changes), Slot(1, 60.0))

        return _metered(probe), server


async def _block(server: FaultServer, after_s: float, for_s: float) -> None:
    while not server.requests:  # noqa: ASYNC110 - the server is in a thread of its own
        await asyncio.sleep(0.001)
    begins_at = server.requests[0].at + after_s
    await asyncio.sleep(max(0.0, begins_at - time.monotonic()))
    time.sleep(max(0.0, begins_at + for_s - time.monotonic()))  # noqa: ASYNC251 - under test


def _offset(result: ProbeResult, server: FaultServer, send: int) -> float:
    """Return the true offset of one of the server's sends."""
    assert result.sent_s is not None
    return result.sent_s + server.sends[send] - server.requests[0].at


def test_a_stream_without_an_end_mark_ends_where_its_bytes_did() -> None:
    """Its last read was late, and its time is the kernel's, not that of our look."""

    async def unmarked(a: Answering) -> None:
        await a.stream_head()
        await a.chunk(event("a"))
        await asyncio.sleep(0.03)
        await a.chunk(event(finish="stop"))
        await a.end()

    result, server = _blocked(unmarked, 0.01, 0.2, stream=True)

    assert (result.ok, result.detail) == (True, "ended without [DONE]")
    assert abs(result.total_s - _offset(result, server, -1)) < CLOSE_S


async def _size_line_behind(a: Answering) -> None:
    await a.stream_head()
    await asyncio.sleep(0.02)
    await a.chunk(event("a"))
    await asyncio.sleep(0.08)
    rest = event("b") + event(finish="stop") + DONE
    await a.send(b"%x\r\n" % len(rest))
    await asyncio.sleep(0.1)
    await a.send(rest + "\r\n")
    await a.end()


async def _end_behind(a: Answering) -> None:
    await a.stream_head()
    await asyncio.sleep(0.02)
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    await a.chunk("data: " + json.dumps({"choices": [choice], "model": "m"}) + "\n\n")
    await asyncio.sleep(0.08)
    await a.end()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("handler", [_size_line_behind, _end_behind])
def test_a_token_with_framing_behind_it_is_tainted(
    handler: Handler, secure: bool, pem: Path
) -> None:
    """The size of the next chunk or the last one: bytes that mean nothing have a stamp as well."""
    result, server = _blocked(handler, 0.01, 0.13, pem if secure else None, stream=True)

    assert result.ok
    assert result.first_token_s is not None
    assert result.first_token_s - _offset(result, server, 1) > CLOSE_S, "it was read with the rest"
    assert result.stream_tainted is True


async def _answer_then_end(a: Answering) -> None:
    await asyncio.sleep(0.02)
    await a.json(ANSWER)
    await asyncio.sleep(0.08)
    a.cut()


async def _answer_then_more(a: Answering) -> None:
    await asyncio.sleep(0.02)
    await a.json(ANSWER)
    await asyncio.sleep(0.08)
    await a.send("HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n\r\n")
    a.cut()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("handler", [_answer_then_end, _answer_then_more])
def test_an_answer_that_was_read_with_what_followed_is_tainted(
    handler: Handler, secure: bool, pem: Path
) -> None:
    """An end, which the kernel stamps like bytes, or bytes that nobody asked for."""
    result, server = _blocked(handler, 0.01, 0.15, pem if secure else None)

    assert result.ok
    late = result.total_s - _offset(result, server, 0) > CLOSE_S
    assert late is result.latency_tainted is True


def test_an_answer_in_several_segments_is_true() -> None:
    """Its end is the newest of them, however late it was read."""

    async def halves(a: Answering) -> None:
        await asyncio.sleep(0.02)
        await a.head(Content_Type="application/json", Transfer_Encoding="chunked")
        body = json.dumps(ANSWER)
        await a.chunk(body[:40])
        await asyncio.sleep(0.08)
        await a.chunk(body[40:])
        await a.end()

    tainted = set()
    for _ in range(3):  # the machine may stop us while we send, but not always
        result, server = _blocked(halves, 0.01, 0.15)
        assert result.ok
        assert abs(result.total_s - _offset(result, server, -1)) < CLOSE_S
        tainted.add(result.latency_tainted)

    assert False in tainted


def test_several_tokens_in_one_segment_are_true() -> None:
    """They came together, and so says the kernel: nothing is doubtful, however late the read."""

    async def together(a: Answering) -> None:
        await a.stream_head()
        await asyncio.sleep(0.05)
        await a.chunk(event("a") + event("b") + event(finish="stop"))
        await asyncio.sleep(0.2)
        await a.chunk(DONE)
        await a.end()

    tainted = set()
    for _ in range(3):  # as above
        result, server = _blocked(together, 0.02, 0.13, stream=True)
        assert result.ok
        assert result.first_token_s == result.last_token_s
        assert result.first_token_s is not None
        assert abs(result.first_token_s - _offset(result, server, 1)) < CLOSE_S
        tainted.add(result.tainted)

    assert False in tainted


async def _busy() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
        time.sleep(0.02)  # noqa: ASYNC251 - the fault under test


def _opened(pool_of: Callable[[], Pool], origin: Origin) -> Timeline:
    """Connect and ask on a loop in which other work is ready in every turn."""

    async def exchange(meter: LagMeter) -> Timeline:
        pool, timeline = pool_of(), Timeline(lateness=meter)
        head = head_of("POST", origin.host, "/", (), body_bytes=0, fresh=True)
        asking = Exchange(pool, Request(origin, head, fresh=True), timeline)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_busy())
                await asking.send()
        finally:
            asking.end()
            await pool.close()
        return timeline

    return _metered(exchange)


def test_the_second_of_two_addresses_is_timed_by_our_own_clock() -> None:
    """Only we know when the first one refused: our lateness until the departure is kept."""

    def two(_host: str, port: int) -> list[AddrInfoType]:
        hosts = ("127.0.0.77", "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in hosts]

    with serving(good) as server:
        found = _opened(
            lambda: Pool(None, ThreadResolver(ask=two)), Origin("two.example", server.port, False)
        )

    assert found.connect_s is not None
    assert found.connect_s > 0.015
    assert found.opening_lag_s > 0.015


@pytest.mark.parametrize(
    ("version", "waits_for_us"),
    [(ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, False)],
    ids=["1.2", "1.3"],
)
def test_a_handshake_that_waits_for_us(
    version: ssl.TLSVersion, waits_for_us: bool, pem: Path
) -> None:
    """Two round trips have our own turn between them; one is the kernel's from end to end."""
    context = server_context(pem)
    context.maximum_version = version
    with serving(good, context) as server:
        found = _opened(lambda: Pool(trusting_context(pem)), Origin("127.0.0.1", server.port, True))

    assert found.tls_s is not None
    assert (found.tls_s > 0.015) is waits_for_us
    assert (found.opening_lag_s > 0.015) is waits_for_us
