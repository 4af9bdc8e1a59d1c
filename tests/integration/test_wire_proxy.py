"""Through a proxy: what arrives, how long it took, and who is to blame when it does not.

tinyproxy is the proxy of others; the raw ones answer CONNECT in ways it never would.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from probes.result import Fault, ProbeResult, StampQuality, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Connection, Slot
from tests.integration.fault_server import (
    ANSWER,
    Answering,
    FaultServer,
    certificate,
    free_port,
    never_accepting,
    server_context,
    serving,
    trusting_context,
)
from tests.integration.probing import chat, probing
from tests.servers.tinyproxy import PASSWORD, USER, Tinyproxy

Starting = Callable[..., Tinyproxy]


async def answer(a: Answering) -> None:
    """Answer a chat request."""
    await a.json(ANSWER)


def _at(url: str) -> SecretSource:
    return SecretSource(Secret(url), variable="PROXY")


async def _through(
    proxy: str, url: str, tls: ssl.SSLContext | None = None, **changes: object
) -> ProbeResult:
    async with probing(url, tls=tls, proxy=_at(proxy)) as prober:
        return await prober.probe(chat(**changes), Slot(1, 60.0))


@pytest.mark.parametrize("secure", [False, True])
async def test_probes_through_a_proxy(tinyproxy: Starting, tmp_path: Path, *, secure: bool) -> None:
    """Both kinds go through one CONNECT, and a kept connection needs no second one.

    The server gets the request as it would get it directly: nothing of the proxy's is in it.
    """
    proxy = tinyproxy()
    pem = certificate(tmp_path)
    with serving(answer, server_context(pem) if secure else None) as server:
        tls = trusting_context(pem) if secure else None
        async with probing(server.url, tls=tls, proxy=_at(proxy.url)) as prober:
            results = [await prober.probe(chat(), Slot(n, 60.0)) for n in (1, 2)]
    assert [each.verdict for each in results] == [Verdict.OK] * 2, results[0].detail
    assert [each.reused for each in results] == [False, True]
    assert proxy.connects() == 1
    assert server.accepted == 1
    for seen in server.requests:
        assert seen.line == "POST /v1/chat/completions HTTP/1.1"
        assert seen.header("host") == f"127.0.0.1:{server.port}"
        assert not [name for name, _ in seen.headers if name.lower().startswith("proxy-")]


async def test_a_proxy_with_a_password(tinyproxy: Starting) -> None:
    """It is told user name and password, percent-encoded in the address as any URL's are."""
    proxy = tinyproxy(password=True)
    with serving(answer) as server:
        quoted = PASSWORD.replace("-", "%2D")
        result = await _through(f"http://{USER}:{quoted}@127.0.0.1:{proxy.port}", server.url)
    assert result.verdict is Verdict.OK, result.detail


WRONG = "wrong-secret-0815"


@pytest.mark.parametrize(("credentials", "status"), [("", 407), (f"{USER}:{WRONG}@", 401)])
async def test_a_missing_or_wrong_password_is_our_own_fault(
    tinyproxy: Starting, credentials: str, status: int
) -> None:
    """The provider was never asked, and nothing told holds what we said."""
    proxy = tinyproxy(password=True)
    with serving(answer) as server:
        result = await _through(f"http://{credentials}127.0.0.1:{proxy.port}", server.url)
        assert server.accepted == 0
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, Fault.MONITOR)
    assert str(status) in result.detail
    assert "user name and password" in result.hint
    token = base64.b64encode(f"{USER}:{WRONG}".encode()).decode()
    assert not [secret for secret in (WRONG, token) if secret in repr(result)]


async def test_a_host_that_the_proxy_does_not_reach_is_the_networks_fault(
    tinyproxy: Starting,
) -> None:
    """To a closed port it answers CONNECT with a 5xx: not the provider's own refusal."""
    result = await _through(tinyproxy().url, f"http://127.0.0.1:{free_port()}/v1")
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, Fault.NETWORK)
    assert "the proxy answered CONNECT with 50" in result.detail
    assert "proxy" in result.hint


async def test_a_port_that_the_proxy_forbids_is_our_own_fault(tinyproxy: Starting) -> None:
    """403 is a rule of a proxy that is ours."""
    with serving(answer) as server:
        result = await _through(tinyproxy(rules="ConnectPort 443").url, server.url)
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, Fault.MONITOR)
    assert "403" in result.detail


async def test_a_proxy_that_is_down_is_the_networks_fault() -> None:
    """Connection refused, by the proxy: the provider may be well."""
    with serving(answer) as server:
        result = await _through(f"http://127.0.0.1:{free_port()}", server.url)
        assert server.accepted == 0
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, Fault.NETWORK)
    assert result.detail == "the proxy was not reached: Connection refused"
    assert "proxy" in result.hint


async def test_a_proxy_without_a_name_is_the_networks_fault() -> None:
    """Its name does not resolve: that is no dns_error of the provider."""
    result = await _through("http://proxy.invalid:3128", "http://127.0.0.1:9/v1")
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, Fault.NETWORK)
    assert result.detail == "the proxy's name was not resolved"


async def test_a_proxy_that_does_not_answer_is_the_networks_fault() -> None:
    """The deadline passes while the connection to it is attempted."""
    with never_accepting() as port:
        url = "http://127.0.0.1:9/v1"
        result = await _through(f"http://127.0.0.1:{port}", url, deadline_s=0.3)
    assert (result.verdict, result.fault) == (Verdict.TIMEOUT, Fault.NETWORK)
    assert result.total_s == pytest.approx(0.3)


@asynccontextmanager
async def _raw_proxy(
    reply: bytes, *, after_s: float = 0.0, on_to: FaultServer | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a proxy that answers CONNECT with these bytes, in two pieces; then, perhaps, connects."""
    asked: list[bytes] = []
    tasks: list[asyncio.Task[object]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await asyncio.sleep(after_s)
            writer.write(reply[:9])
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(reply[9:])
            if on_to is not None:
                await _join(reader, writer, on_to.port)
            else:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test has ended
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked
        for each in tasks:
            each.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    there, thither = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pass_on(reader, thither))
            group.create_task(_pass_on(there, writer))
    finally:
        thither.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("reply", "fault", "detail"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Fault.NETWORK, "with 502"),
        (b"HTTP/1.0 407 No\r\nContent-Length: 3\r\n\r\nno!", Fault.MONITOR, "with 407"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x\r\n\r\n", Fault.NETWORK, "with 302"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK", Fault.NETWORK, "more than its answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Fault.NETWORK, "could be read"),
        (b"HTTP/1.1 " + b"2" * 20_000, Fault.NETWORK, "could be read"),
    ],
)
async def test_answers_to_connect(reply: bytes, fault: Fault, detail: str) -> None:
    """Everything but a bare 2xx ends it, as the network's fault or, where we are refused, ours."""
    async with _raw_proxy(reply) as (url, _):
        result = await _through(url, "http://127.0.0.1:9/v1")
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, fault), result.detail
    assert detail in result.detail


async def _told(reply: bytes) -> ProbeResult:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        return await _through(f"http://127.0.0.1:{port}", "http://127.0.0.1:9/v1")


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300)
    | st.binary(max_size=300).map(lambda data: b"HTTP/1.1 " + data)
    | st.integers(100, 599).map(lambda status: b"HTTP/1.1 %d X\r\nA: b\r\n\r\n" % status)
)
def test_whatever_a_proxy_says_is_not_the_providers_fault(reply: bytes) -> None:
    """Anything but the way that opens: always one result, and never of the provider."""
    assume(not re.match(rb"HTTP/1\.[01] 2", reply))
    result = asyncio.run(_told(reply))
    assert result.verdict is Verdict.CONNECT_ERROR, result.detail
    assert result.fault in (Fault.NETWORK, Fault.MONITOR)


async def test_a_proxy_that_hangs_up_is_the_networks_fault() -> None:
    """An end in the middle of its answer."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        result = await _through(f"http://127.0.0.1:{port}", "http://127.0.0.1:9/v1")
    assert (result.verdict, result.fault) == (Verdict.CONNECT_ERROR, Fault.NETWORK)


async def test_a_proxy_that_keeps_us_waiting_is_the_networks_fault() -> None:
    """It has accepted and opens no way: the deadline passes, in a phase of its own."""
    async with _raw_proxy(b"HTTP/1.1 200 OK\r\n\r\n", after_s=5.0) as (url, _):
        result = await _through(url, "http://127.0.0.1:9/v1", deadline_s=0.3)
    assert (result.verdict, result.fault) == (Verdict.TIMEOUT, Fault.NETWORK)
    assert "while waiting for the proxy" in result.detail


@pytest.mark.parametrize("secure", [False, True])
async def test_times_through_a_proxy(tmp_path: Path, *, secure: bool) -> None:
    """The proxy's 0.2 s are in connect_s and nowhere else; the answer keeps the kernel's stamps."""
    pem = certificate(tmp_path)
    with serving(answer, server_context(pem) if secure else None) as server:
        opened = _raw_proxy(b"HTTP/1.1 200 Fine\r\nVia: x\r\n\r\n", after_s=0.2, on_to=server)
        async with opened as (url, asked):
            tls = trusting_context(pem) if secure else None
            result = await _through(url, server.url, tls, connection=Connection.FRESH)
    assert result.verdict is Verdict.OK, result.detail
    assert result.connect_s is not None
    assert result.connect_s >= 0.2
    assert (result.tls_s is not None) is secure
    assert (result.tls_s or 0.0) < 0.2
    assert result.sent_s == pytest.approx(result.connect_s + (result.tls_s or 0.0))
    assert result.total_s < result.sent_s + 0.2
    assert result.stamps is StampQuality.KERNEL
    assert not result.latency_tainted
    place = f"127.0.0.1:{server.port}"
    assert asked == [f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()]


async def test_a_proxy_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """A new password, or another proxy, is in use from the next connection on.

    One that is unusable is our own fault, and is not shown.
    """
    place = tmp_path / "proxy"
    place.write_text("nonsense-but-secret\n")
    target = chat(connection=Connection.FRESH)
    with serving(answer) as server:
        opened = _raw_proxy(b"HTTP/1.1 200 OK\r\n\r\n", on_to=server)
        source = SecretSource(path=place)
        async with opened as (url, asked), probing(server.url, proxy=source) as prober:
            unusable = await prober.probe(target, Slot(1, 60.0))
            place.write_text(f"{url.replace('//', '//u:p@')}\n")
            result = await prober.probe(target, Slot(2, 120.0))
    assert (unusable.verdict, unusable.fault) == (Verdict.CONNECT_ERROR, Fault.MONITOR)
    assert unusable.detail.startswith("the proxy is not usable: not a proxy's address")
    assert "nonsense" not in repr(unusable)
    assert result.verdict is Verdict.OK, result.detail
    assert b"Proxy-Authorization: Basic dTpw\r\n" in asked[0]
