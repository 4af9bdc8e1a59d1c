"""Connections of one key: the newest first, none too old, none whose request was refused early."""

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
from aiohappyeyeballs import AddrInfoType

from probes.result import Fault, Verdict
from probes.target import Slot
from probes.wire.exchange import Exchange
from probes.wire.pool import NEXT_ADDRESS_S, Pool
from probes.wire.request import Origin, Request, head_of
from probes.wire.resolver import ThreadResolver
from probes.wire.timeline import Timeline
from tests.integration.fault_server import ANSWER, Answering, never_accepting, serving
from tests.integration.faults import good, silent
from tests.integration.probing import chat, probing


@asynccontextmanager
async def pooled(
    resolver: ThreadResolver | None = None, keepalive_s: float = 50.0
) -> AsyncIterator[Pool]:
    """Make a pool, closed at the end."""
    pool = Pool(None, resolver, keepalive_s)
    try:
        yield pool
    finally:
        await pool.close()


async def asked(
    pool: Pool, port: int, *, host: str = "127.0.0.1", body: bytes = b"", secure: bool = False
) -> Timeline:
    """Send one request and read the whole answer."""
    head = head_of("POST", host, "/", (), body_bytes=len(body), fresh=False)
    timeline = Timeline()
    exchange = Exchange(pool, Request(Origin(host, port, secure), head + body), timeline)
    try:
        await exchange.send()
        await exchange.body_into(bytearray(), 10_000)
        await exchange.finish()
    finally:
        exchange.end()
    return timeline


async def test_the_newest_connection_is_used_first() -> None:
    """Of three kept ones two may age and end; none of them is older than it must be."""

    async def slow(a: Answering) -> None:
        await asyncio.sleep(0.1)
        await a.json(ANSWER)

    with serving(slow) as server:
        async with pooled() as pool:
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(asked(pool, server.port))
            for _ in range(3):
                assert (await asked(pool, server.port)).reused

    assert server.accepted == 3
    assert len({seen.connection for seen in server.requests[3:]}) == 1


async def test_an_idle_connection_ends_by_itself() -> None:
    """When its time is over, whether or not anybody asks; younger ones later."""
    with serving(good) as server:
        async with pooled(keepalive_s=0.15) as pool:
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(asked(pool, server.port))
            await asyncio.sleep(0.1)
            assert (await asked(pool, server.port)).reused
            await asyncio.sleep(0.1)
            assert (await asked(pool, server.port)).reused, "it was used meanwhile"
            assert server.closed == 1
            assert await server.all_closed(within_s=2.0)
            assert not (await asked(pool, server.port)).reused


async def test_a_connection_that_is_too_old_is_not_used() -> None:
    """Even if nobody has ended it yet, because the loop stood still meanwhile."""
    with serving(good) as server:
        async with pooled(keepalive_s=0.05) as pool:
            await asked(pool, server.port)
            await asyncio.to_thread(_nothing)  # the answer's turn is over
            loop_stands_still_s = 0.1
            _stand_still(loop_stands_still_s)
            assert not (await asked(pool, server.port)).reused


def _nothing() -> None:
    """Do nothing."""


def _stand_still(for_s: float) -> None:
    until = asyncio.get_running_loop().time() + for_s
    while asyncio.get_running_loop().time() < until:
        pass


async def test_a_request_that_was_refused_while_it_still_left() -> None:
    """Its answer counts, but what is left of it must not become part of the next request."""
    ended = asyncio.Semaphore(0)

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        with suppress(ConnectionError):
            while await reader.read(65536):  # noqa: ASYNC110 - slower than it comes in
                await asyncio.sleep(0.01)
        writer.close()
        ended.release()

    listening = await asyncio.start_server(hasty, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, pooled() as pool:
        for _ in range(2):
            timeline = await asked(pool, port, body=b" " * 20_000_000)
            assert timeline.last is not None
            assert timeline.reused is False
            await ended.acquire()


async def test_the_next_address_is_tried_beside_a_silent_one() -> None:
    """The user waits a quarter of a second, not for the operating system to give up."""
    with never_accepting() as dead_port, serving(good) as server:

        def ask(host: str, port: int) -> list[AddrInfoType]:
            kind = socket.SOCK_STREAM
            return [
                (socket.AF_INET, kind, 0, "", ("127.0.0.1", each))
                for each in (dead_port, server.port)
            ]

        async with pooled(ThreadResolver(ask=ask)) as pool:
            timeline = await asked(pool, 1, host="two.example")

    assert timeline.resolve_s is not None
    assert timeline.connect_s is not None
    assert NEXT_ADDRESS_S <= timeline.connect_s < 4 * NEXT_ADDRESS_S
    assert server.accepted == 1


async def test_closing_ends_what_is_under_way_through_our_own_fault() -> None:
    """A probe in flight when its prober is closed blames nobody else."""
    with serving(silent) as server:
        async with probing(server.url) as prober, asyncio.TaskGroup() as group:
            probe = group.create_task(prober.probe(chat(), Slot(1, 60.0)))
            while not server.requests:  # noqa: ASYNC110 - another thread counts
                await asyncio.sleep(0.005)
            await prober.close()
        assert await server.all_closed()

    result = probe.result()
    assert (result.verdict, result.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert result.detail == "this prober has been closed"


async def test_closing_ends_a_connection_that_is_only_being_made() -> None:
    """Whoever waits for a name, a connection or a handshake is told so, and waits no longer."""

    class Hanging(ThreadResolver):
        async def resolve(self, host: str, port: int) -> tuple[list[AddrInfoType], float]:
            await asyncio.Event().wait()
            raise AssertionError("unreachable: nobody sets it")

    with never_accepting() as full, socket.create_server(("127.0.0.1", 0)) as mute:
        async with pooled(Hanging()) as pool, asyncio.TaskGroup() as group:
            probes = [
                group.create_task(_refused(pool, full, host="late.example")),
                group.create_task(_refused(pool, full)),
                group.create_task(_refused(pool, mute.getsockname()[1], secure=True)),
            ]
            await asyncio.sleep(0.05)
            await pool.close()
    assert {probe.result() for probe in probes} == {"this prober has been closed"}


async def test_closing_in_any_turn_leaves_nothing_open() -> None:
    """However far an exchange has come, down to the turn of the loop."""
    answers = set[str]()
    with serving(good) as server:
        for turns in range(40):
            async with pooled() as pool, asyncio.TaskGroup() as group:
                probe = group.create_task(_refused(pool, server.port))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await pool.close()
            answers.add(probe.result())
        async with pooled() as pool:  # answered last: by then the server knows of all the others
            await asked(pool, server.port)
        assert await server.all_closed()
    assert "this prober has been closed" in answers
    assert answers <= {"this prober has been closed", "not refused"}


async def _refused(pool: Pool, port: int, *, host: str = "127.0.0.1", secure: bool = False) -> str:
    try:
        await asked(pool, port, host=host, secure=secure)
    except Exception as error:  # noqa: BLE001 - looked at by the test
        return str(error)
    return "not refused"


@contextmanager
def _no_descriptors_left() -> Iterator[None]:
    """Use up every file descriptor this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, soft), hard))
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_descriptors_it_is_our_fault() -> None:
    """A machine at its limit must not make every provider look down; then it goes on."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            with _no_descriptors_left():
                result = await prober.probe(chat(), Slot(1, 60.0))
            after = await prober.probe(chat(), Slot(2, 120.0))

    assert (result.verdict, result.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert "Too many open files" in result.detail
    assert after.ok


async def test_a_body_comes_after_a_request() -> None:
    """To ask an exchange for what was never sent is a bug, and no failure of the wire."""
    async with pooled() as pool:
        request = Request(Origin("127.0.0.1", 9, secure=False), b"")
        with pytest.raises(RuntimeError, match="no connection"):
            await Exchange(pool, request, Timeline()).pieces()


async def test_many_connections_at_once() -> None:
    """Three hundred probes in flight have three hundred connections, and all are kept."""
    many = 300

    async def slow(a: Answering) -> None:
        await asyncio.sleep(1.0)
        await a.json(ANSWER)

    with serving(slow) as server:
        async with probing(server.url, max_concurrency=many) as prober:
            for number in range(2):
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(
                            prober.probe(chat(name=f"t{n}", deadline_s=20.0), Slot(number, 60.0))
                        )
                        for n in range(many)
                    ]
                assert {task.result().detail for task in tasks} == {""}
                assert {task.result().reused for task in tasks} == {number == 1}
        assert await server.all_closed()
    assert server.accepted == many
