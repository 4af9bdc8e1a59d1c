"""Endpoints over real sockets: what counts as reached, and what as what else."""

import asyncio
import errno
import socket
import ssl
from pathlib import Path
from typing import NoReturn

import pytest

from monitor.clock import Clock
from monitor.config.values import Check, Egress
from monitor.egress.dial import DIAL_S, dial
from monitor.egress.endpoint import parse_endpoint
from monitor.egress.verdict import Contact, Way
from monitor.egress.watch import EgressWatch
from probes.result import Fault, Verdict
from probes.wire.resolver import ThreadResolver
from tests.integration.fault_server import (
    Answering,
    certificate,
    free_port,
    never_accepting,
    server_context,
    serving,
    trusting_context,
)
from tests.unit.aggregator.samples import result


def no_name(_host: str, _port: int) -> NoReturn:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def no_route(_host: str, _port: int) -> NoReturn:
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


async def never(a: Answering) -> None:
    await a.hang()


async def answer(a: Answering) -> None:
    await a.head("405 Method Not Allowed", Content_Length="0")


async def contact(text: str, ask: object = None, tls: ssl.SSLContext | None = None) -> Contact:
    resolver = ThreadResolver() if ask is None else ThreadResolver(ask=ask)  # type: ignore[arg-type]
    return await dial(parse_endpoint(text), resolver, tls)


def listening() -> socket.socket:
    """A listener whose kernel accepts for it."""
    return socket.create_server(("127.0.0.1", 0))


def port_of(listener: socket.socket) -> int:
    """Return where it listens."""
    port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_connection_is_enough(host: str) -> None:
    """By address and by name; nothing is sent, and the connection is closed at once."""
    with listening() as server:
        assert await contact(f"{host}:{port_of(server)}") is Contact.REACHED
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b""


async def test_any_answer_to_head_is_enough() -> None:
    """What the server thinks of the request is no matter: it was reached."""
    with serving(answer) as server:
        assert await contact(f"{server.url}/up?a=b") is Contact.REACHED
        assert await server.all_closed()
    (seen,) = server.requests
    assert seen.line == "HEAD /v1/up?a=b HTTP/1.1"
    assert {name.lower() for name, _ in seen.headers} == {"host", "user-agent", "connection"}


async def test_a_certificate_has_to_fit(tmp_path: Path) -> None:
    """A captive portal answers everything: under another name's certificate it reaches nobody."""
    pem = certificate(tmp_path)
    with serving(answer, server_context(pem)) as server:
        url = f"https://127.0.0.1:{server.port}"
        assert await contact(url, tls=trusting_context(pem)) is Contact.REACHED
        assert await contact(url, tls=ssl.create_default_context()) is Contact.SILENT


async def test_a_refusal_is_silence() -> None:
    """Nobody listens there: an endpoint that is not up says nothing of the way."""
    assert await contact(f"127.0.0.1:{free_port()}") is Contact.SILENT


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
async def test_what_is_no_http_is_silence(says: bytes) -> None:
    """Hung up, or another protocol: not what was configured."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await contact(f"http://127.0.0.1:{port}/") is Contact.SILENT


async def test_who_never_answers_is_left_in_time() -> None:
    """A server that hangs, and one that never accepts, have three seconds."""
    began = asyncio.get_running_loop().time()
    with serving(never) as server, never_accepting() as port:
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(contact(f"http://127.0.0.1:{server.port}/")),
                group.create_task(contact(f"http://127.0.0.1:{port}/")),
            ]
    assert [task.result() for task in asked] == [Contact.SILENT] * 2
    assert asyncio.get_running_loop().time() - began >= DIAL_S


@pytest.mark.parametrize(
    ("ask", "expected"), [(no_name, Contact.NO_NAME), (no_route, Contact.NO_ROUTE)]
)
async def test_what_the_system_says_is_told_apart(ask: object, expected: Contact) -> None:
    """A name that is not found, and a machine without a route."""
    assert await contact("a.example:443", ask) is expected


async def test_look_ups_that_all_hang_are_no_name() -> None:
    """Our own bound on hanging look-ups is reached when the resolver is dead."""
    resolver = ThreadResolver(lookups=0)
    assert await dial(parse_endpoint("a.example:443"), resolver, None) is Contact.NO_NAME


async def test_an_address_needs_no_resolver() -> None:
    """With every name lost, an address still tells whether the network is there; IPv6 too."""
    with listening() as server:
        assert await contact(f"127.0.0.1:{port_of(server)}", no_name) is Contact.REACHED
    assert await contact(f"[::1]:{free_port()}", no_name) in (Contact.SILENT, Contact.NO_ROUTE)


async def test_a_network_that_dies_and_comes_back() -> None:
    """Servers that stop make our way shut, a refused probe is the network's; then it is not."""
    refused = result(verdict=Verdict.CONNECT_ERROR, fault=Fault.PROVIDER)
    with listening() as one, listening() as two:
        endpoints = tuple(parse_endpoint(f"127.0.0.1:{port_of(each)}") for each in (one, two))
        watch = EgressWatch(Egress(check=Check.AUTO, endpoints=endpoints, every_s=0.1), Clock())
        task = asyncio.ensure_future(watch.run())
        await _until(watch, Way.OPEN)
        assert (await watch.judged(refused)).fault is Fault.PROVIDER
    await _until(watch, Way.SHUT)
    assert (await watch.judged(refused)).fault is Fault.NETWORK
    task.cancel()
    await asyncio.wait([task])


async def _until(watch: EgressWatch, way: Way) -> None:
    async with asyncio.timeout(10):
        while watch.way is not way:  # noqa: ASYNC110 - the watch has no event for tests
            await asyncio.sleep(0.02)
