"""Cancelling a probe cuts its connection and leaves nothing behind, in every phase."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from probes.prober import Prober
from probes.result import Verdict
from probes.target import Slot, Target
from tests.integration.fault_server import (
    Answering,
    FaultServer,
    certificate,
    never_accepting,
    server_context,
    serving,
    trusting_context,
)
from tests.integration.faults import half_a_body, half_a_head, half_a_stream, silent
from tests.integration.probing import chat, probing

Phase = tuple[Callable[[Answering], Awaitable[None]], bool]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for the server."""
    return certificate(tmp_path_factory.mktemp("tls"))


async def _cancelled_after(
    prober: Prober, target: Target, delay_s: float, server: FaultServer | None = None
) -> None:
    probe = asyncio.ensure_future(prober.probe(target, Slot(1, 60.0)))
    while server is not None and not server.requests:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0.005)
    await asyncio.sleep(delay_s)
    assert not probe.done()
    probe.cancel()
    with suppress(asyncio.CancelledError):
        await probe
    assert probe.cancelled()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    "phase",
    [(silent, False), (half_a_head, False), (half_a_body, False), (half_a_stream, True)],
    ids=["mid-wait", "mid-head", "mid-body", "mid-stream"],
)
async def test_the_server_sees_the_connection_close(phase: Phase, secure: bool, pem: Path) -> None:
    """A cancelled probe raises CancelledError and its connection is closed at once."""
    handler, stream = phase
    tls = server_context(pem) if secure else None
    with serving(handler, tls) as server:
        trust = trusting_context(pem) if secure else None
        async with probing(server.url, tls=trust) as prober:
            await _cancelled_after(prober, chat(stream=stream, deadline_s=10.0), 0.1, server)
            assert await server.all_closed()
            assert len(server.requests) == 1
            assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_timeout_closes_as_well(secure: bool, pem: Path) -> None:
    """The connection of a probe that met its deadline is never used again, TLS or not."""
    tls = server_context(pem) if secure else None
    with serving(half_a_body, tls) as server:
        trust = trusting_context(pem) if secure else None
        async with probing(server.url, tls=trust) as prober:
            for number in range(2):
                result = await prober.probe(chat(deadline_s=0.2), Slot(number, 60.0))
                assert result.verdict is Verdict.TIMEOUT
                assert result.reused is False
            assert await server.all_closed()
    assert server.accepted == 2


async def test_cancelling_while_connecting() -> None:
    """A connection attempt in flight is given up with the probe."""
    with never_accepting() as port:
        async with probing(f"http://127.0.0.1:{port}/v1") as prober:
            await _cancelled_after(prober, chat(deadline_s=10.0), 0.1)
            assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_while_waiting_for_a_place_keeps_the_places() -> None:
    """Who gives up waiting for a place takes none with it."""
    with serving(silent) as server:
        async with probing(server.url, max_concurrency=1) as prober:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(
                    prober.probe(chat(name="first", deadline_s=0.5), Slot(1, 60.0))
                )
                await asyncio.sleep(0.05)
                await _cancelled_after(prober, chat(name="second"), 0.05)
            assert first.result().verdict is Verdict.TIMEOUT
            again = await prober.probe(chat(deadline_s=0.1), Slot(2, 120.0))
            assert again.waited_s < 0.05


async def test_closing_a_prober_closes_idle_connections(pem: Path) -> None:
    """Kept connections end with the prober, TLS included, without waiting for the peer."""
    closed = threading.Event()
    closed_first: list[bool] = []

    async def answer_then_sleep(a: Answering) -> None:
        await a.json({"choices": []})
        # All of the peer stands still meanwhile: no farewell of TLS is answered.
        closed_first.append(closed.wait(10))

    with serving(answer_then_sleep, server_context(pem)) as server:
        async with probing(server.url, tls=trusting_context(pem)) as prober:
            await prober.probe(chat(), Slot(1, 60.0))
        closed.set()
        assert await server.all_closed()
    assert closed_first == [True], "closing waited for the peer"


def test_tls_here_verifies(pem: Path) -> None:
    """The context of these tests checks certificates, as the product's does."""
    context = trusting_context(pem)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
