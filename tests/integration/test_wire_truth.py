"""What the results say against what the server knows it took, above all while our loop is late."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probes.lag import LagMeter
from probes.result import ProbeResult, StampQuality
from probes.target import Connection, Slot
from tests.integration.fault_server import (
    ANSWER,
    DONE,
    Answering,
    FaultServer,
    certificate,
    event,
    server_context,
    serving,
    trusting_context,
)
from tests.integration.faults import answer_after_100_ms, good, tokens_each_30_ms
from tests.integration.probing import chat, probing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernel stamps are Linux's")

CLOSE_S = 0.02
"""What a result may be off here: far more than it is (0.1 ms), far less than the 200 ms blocks."""
BLOCK_S = 0.2


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for the server."""
    return certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def metered() -> Iterator[LagMeter]:
    """Watch the running loop, which the test runner has made."""
    meter = LagMeter()
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined] # its own
    meter.watch(selector)
    try:
        yield meter
    finally:
        del selector.select  # the instance's, over that of its class


async def _block_after(delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    time.sleep(BLOCK_S)  # noqa: ASYNC251 - the fault under test


def _took_s(server: FaultServer) -> float:
    """From the request's arrival at the server to its newest send."""
    return server.sends[-1] - server.requests[-1].at


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("connection", list(Connection))
async def test_a_blocked_loop_does_not_lengthen_the_latency(
    connection: Connection, secure: bool, pem: Path
) -> None:
    """The loop stands still from before the answer's arrival until long after: the result is true.

    With TLS 1.3 on a fresh connection the server's session tickets arrive before the answer; their
    stamp would make the latency too short by all of the server's time.
    """
    tls = server_context(pem) if secure else None
    with metered() as lag:
        with serving(answer_after_100_ms, tls) as server:
            trust = trusting_context(pem) if secure else None
            async with probing(server.url, tls=trust, lag=lag) as prober:
                target = chat(connection=connection)
                warm = await prober.probe(target, Slot(1, 60.0))
                async with asyncio.TaskGroup() as group:
                    group.create_task(_block_after(0.05))
                    result = await prober.probe(target, Slot(2, 120.0))
                truth_s = _took_s(server)

    assert warm.ok
    assert result.ok
    assert result.sent_s is not None
    assert result.reused is (connection is Connection.REUSE)
    assert abs(result.total_s - result.sent_s - truth_s) < CLOSE_S
    assert result.first_byte_s == result.total_s, "head and body came in one packet"
    assert result.stamps is StampQuality.KERNEL
    assert result.loop_lag_s > BLOCK_S / 2


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_token_times_of_a_punctual_loop(secure: bool, pem: Path) -> None:
    """First and last token are where the server sent them, untainted."""
    tls = server_context(pem) if secure else None
    with metered() as lag:
        with serving(tokens_each_30_ms, tls) as server:
            trust = trusting_context(pem) if secure else None
            async with probing(server.url, tls=trust, lag=lag) as prober:
                result = await prober.probe(chat(stream=True), Slot(1, 60.0))

    origin = server.requests[0].at
    assert result.ok
    assert result.sent_s is not None
    assert result.first_token_s is not None
    assert result.last_token_s is not None
    assert abs(result.first_token_s - result.sent_s - (server.sends[1] - origin)) < CLOSE_S
    assert abs(result.last_token_s - result.sent_s - (server.sends[4] - origin)) < CLOSE_S
    assert result.stream_tainted is False


async def test_tokens_that_piled_up_are_tainted_but_the_end_is_true() -> None:
    """A block during the stream: its token times are marked, its whole latency is right."""
    with metered() as lag:
        with serving(tokens_each_30_ms) as server:
            async with probing(server.url, lag=lag) as prober, asyncio.TaskGroup() as group:
                group.create_task(_block_after(0.05))
                result = await prober.probe(chat(stream=True), Slot(1, 60.0))

    assert result.ok
    assert result.sent_s is not None
    assert result.stream_tainted is True
    assert result.inter_token_s is None
    end_mark = server.sends[5] - server.requests[0].at
    assert abs(result.total_s - result.sent_s - end_mark) < CLOSE_S


@pytest.mark.parametrize(
    "behind",
    [": keep-alive\n\n", event(""), event(finish="stop"), f": {'c' * 9000}\n\n"],
    ids=["comment", "empty-delta", "finish", "long-comment"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_one_token_that_was_read_with_what_came_later_is_tainted(
    secure: bool, behind: str, pem: Path
) -> None:
    """Its time is that of the bytes behind it: too late by as much as they were."""

    async def token_then_more(a: Answering) -> None:
        await a.stream_head()
        await asyncio.sleep(0.1)
        await a.chunk(event("a"))
        await asyncio.sleep(0.06)
        await a.chunk(behind)
        await asyncio.sleep(0.2)
        await a.chunk(event(finish="stop") + DONE)
        await a.end()

    with metered() as lag:
        with serving(token_then_more, server_context(pem) if secure else None) as server:
            trust = trusting_context(pem) if secure else None
            async with (
                probing(server.url, tls=trust, lag=lag) as prober,
                asyncio.TaskGroup() as group,
            ):
                group.create_task(_block_after(0.05))
                result = await prober.probe(chat(stream=True), Slot(1, 60.0))

    assert result.ok
    assert result.stream_tainted is True
    assert (result.inter_token_s, result.tokens_per_s) == (None, None)


async def test_a_token_that_was_read_late_but_alone_keeps_its_time() -> None:
    """The kernel's stamp is its own: a late loop takes nothing from it."""

    async def one_token(a: Answering) -> None:
        await a.stream_head()
        await asyncio.sleep(0.1)
        await a.chunk(event("a"))
        await asyncio.sleep(0.3)
        await a.chunk(event(finish="stop") + DONE)
        await a.end()

    with metered() as lag:
        with serving(one_token) as server:
            async with probing(server.url, lag=lag) as prober, asyncio.TaskGroup() as group:
                group.create_task(_block_after(0.05))
                result = await prober.probe(chat(stream=True), Slot(1, 60.0))

    assert result.stream_tainted is False
    assert result.sent_s is not None
    assert result.first_token_s is not None
    truth_s = server.sends[1] - server.requests[0].at
    assert abs(result.first_token_s - result.sent_s - truth_s) < CLOSE_S


async def test_a_short_block_is_enough() -> None:
    """Tokens each 3 ms, and 15 ms of block over the first ones: their pile is not believed."""

    async def quick(a: Answering) -> None:
        await a.stream_head()
        await asyncio.sleep(0.1)
        for _ in range(40):
            await asyncio.sleep(0.003)
            await a.chunk(event("a"))
        await a.chunk(event(finish="stop") + DONE)
        await a.end()

    async def block(server: FaultServer) -> None:
        while not server.sends:  # noqa: ASYNC110 - the server is in a thread of its own
            await asyncio.sleep(0.001)
        await asyncio.sleep(server.sends[0] + 0.1 - time.monotonic())
        time.sleep(0.015)  # noqa: ASYNC251 - the fault under test

    with metered() as lag:
        with serving(quick) as server:
            async with probing(server.url, lag=lag) as prober, asyncio.TaskGroup() as group:
                group.create_task(block(server))
                result = await prober.probe(chat(stream=True), Slot(1, 60.0))

    assert result.ok
    assert result.stream_tainted is True
    assert result.loop_lag_s > 0.01


async def test_a_pile_between_the_first_and_the_last_token_spoils_nothing() -> None:
    """Only the first and the last token's times are told, and these two came alone."""

    async def slow_ends(a: Answering) -> None:
        await a.stream_head()
        for pause_s in (0.05, 0.1, 0.003, 0.003, 0.2):
            await asyncio.sleep(pause_s)
            await a.chunk(event("a"))
        await asyncio.sleep(0.1)
        await a.chunk(event(finish="stop") + DONE)
        await a.end()

    with metered() as lag:
        with serving(slow_ends) as server:
            async with probing(server.url, lag=lag) as prober, asyncio.TaskGroup() as group:
                group.create_task(_block_after(0.1))
                result = await prober.probe(chat(stream=True), Slot(1, 60.0))

    origin = server.requests[0].at
    assert result.ok
    assert result.stream_tainted is False
    assert result.loop_lag_s > BLOCK_S / 2
    assert result.sent_s is not None
    assert result.first_token_s is not None
    assert result.last_token_s is not None
    assert abs(result.first_token_s - result.sent_s - (server.sends[1] - origin)) < CLOSE_S
    assert abs(result.last_token_s - result.sent_s - (server.sends[5] - origin)) < CLOSE_S


async def test_tokens_sent_together_are_not_our_fault() -> None:
    """A server that sends several tokens in one packet taints nothing while we are punctual."""

    async def bundled(a: Answering) -> None:
        await a.stream_head()
        await a.chunk("".join(event(letter) for letter in "abcd"))
        await a.chunk(event(finish="stop") + DONE)
        await a.end()

    tainted = set()
    with metered() as lag:
        with serving(bundled) as server:
            async with probing(server.url, lag=lag) as prober:
                for number in range(10):  # the machine may be late itself, but not always
                    result = await prober.probe(chat(stream=True), Slot(number, 60.0))
                    assert result.ok
                    tainted.add(result.stream_tainted)

    assert False in tainted


async def test_a_block_before_the_departure_is_in_no_figure() -> None:
    """Time lost between connecting and sending is ours: the result does not show it."""

    async def at_once(a: Answering) -> None:
        await a.json(ANSWER)

    def probe_result(result: ProbeResult) -> tuple[float | None, float]:
        return result.sent_s, result.total_s

    with serving(at_once) as server:
        async with probing(server.url) as prober, asyncio.TaskGroup() as group:
            group.create_task(_block_after(0.0))
            sent_s, total_s = probe_result(await prober.probe(chat(), Slot(1, 60.0)))

    assert sent_s is not None
    assert sent_s < CLOSE_S
    assert total_s < 2 * CLOSE_S


async def test_phases_of_a_fresh_tls_connection_add_up(pem: Path) -> None:
    """Connect and TLS add up to the departure; a reused connection has neither."""
    with serving(answer_after_100_ms, server_context(pem)) as server:
        async with probing(server.url, tls=trusting_context(pem)) as prober:
            first = await prober.probe(chat(), Slot(1, 60.0))
            second = await prober.probe(chat(), Slot(2, 120.0))

    assert first.connect_s is not None
    assert first.tls_s is not None
    assert first.tls_s > 0.0
    assert first.sent_s == pytest.approx(first.connect_s + first.tls_s)
    assert (second.connect_s, second.tls_s, second.sent_s) == (None, None, 0.0)
    assert (first.reused, second.reused) == (False, True)


async def test_a_slow_handshake_is_in_tls_s() -> None:
    """A peer that never answers our hello: a timeout that says so, with the connect time kept."""

    async def main(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(main, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, probing(f"https://127.0.0.1:{port}/v1") as prober:
        result = await prober.probe(chat(deadline_s=0.3), Slot(1, 60.0))

    assert result.detail == "deadline of 0.3 s passed during the TLS handshake"
    assert result.connect_s is not None
    assert (result.tls_s, result.sent_s, result.total_s) == (None, None, 0.3)


async def test_fresh_connections_are_stamped_by_the_kernel() -> None:
    """The kernel stamps packets while some socket asks for it: one does between probes."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            await asyncio.sleep(0.05)
            target = chat(connection=Connection.FRESH)
            results = []
            for number in range(20):
                results.append(await prober.probe(target, Slot(number, 60.0)))
                await asyncio.sleep(0.01)

    assert {result.stamps for result in results} == {StampQuality.KERNEL}
