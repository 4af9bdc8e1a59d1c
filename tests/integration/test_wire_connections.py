"""Connections: kept, fresh, trusted; what the environment must not do; who waits for a place."""

import asyncio
import threading
from pathlib import Path

import pytest

from probes.result import Fault, Operation, RateLimit, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Connection, Slot
from tests.integration.fault_server import (
    ANSWER,
    DONE,
    Answering,
    certificate,
    event,
    server_context,
    serving,
)
from tests.integration.faults import bad_key, good, no_answer
from tests.integration.probing import KEY, chat, probing


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for the server."""
    return certificate(tmp_path_factory.mktemp("tls"))


async def _stream(a: Answering) -> None:
    await a.stream_head()
    await a.chunk(event("O"))
    await a.chunk(event(finish="stop"))
    await a.chunk(DONE)
    await asyncio.sleep(0.005)  # the end of the message comes in a packet of its own
    await a.end()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_kept_connection_is_used_again(stream: bool) -> None:
    """With an ordinary server all probes share one connection, streams as well."""
    with serving(_stream if stream else good) as server:
        async with probing(server.url) as prober:
            results = [
                await prober.probe(chat(stream=stream), Slot(number, 60.0)) for number in range(4)
            ]

    assert [result.reused for result in results] == [False, True, True, True]
    assert all(result.ok for result in results)
    assert server.accepted == 1


async def test_a_fresh_target_connects_each_time() -> None:
    """`connection: fresh` says so to the server and never shares."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            target = chat(connection=Connection.FRESH)
            results = [await prober.probe(target, Slot(number, 60.0)) for number in range(3)]
            assert await server.all_closed()

    assert [result.reused for result in results] == [False, False, False]
    assert server.accepted == 3
    assert server.requests[0].header("connection") == "close"


async def test_a_connection_the_server_has_closed_is_not_used() -> None:
    """A server that hangs up between probes costs a new connection, not a failure."""

    async def once(a: Answering) -> None:
        await a.json(ANSWER)
        a.cut()

    with serving(once) as server:
        async with probing(server.url) as prober:
            for number in range(3):
                result = await prober.probe(chat(), Slot(number, 60.0))
                assert result.ok
                await asyncio.sleep(0.02)

    assert server.accepted == 3


async def test_a_kept_connection_that_dies_is_not_tried_again() -> None:
    """The server drops a reused connection at the request: a reset, one request, no retry."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            await prober.probe(chat(), Slot(1, 60.0))
            server.handler = no_answer
            result = await prober.probe(chat(), Slot(2, 120.0))

    assert result.verdict is Verdict.RESET
    assert result.reused is True
    assert len(server.requests) == 2


async def test_an_untrusted_certificate(pem: Path) -> None:
    """Self-signed: a TLS error that says so, and nothing was sent."""
    with serving(good, server_context(pem)) as server:
        async with probing(server.url) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.TLS_ERROR, Fault.PROVIDER)
    assert "self-signed" in result.detail
    assert server.requests == []
    assert result.sent_s is None


async def test_a_server_that_speaks_no_tls() -> None:
    """Plain HTTP where TLS was expected: a TLS error."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, probing(f"https://127.0.0.1:{port}/v1") as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.verdict is Verdict.TLS_ERROR
    assert result.connect_s is not None
    assert "no TLS handshake: wrong version number" in result.detail
    assert "127.0.0.1" not in result.detail


async def test_without_roots_it_is_our_fault(
    pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that trusts nobody does not make every provider look down."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with serving(good, server_context(pem)) as server:
        async with probing(server.url) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.TLS_ERROR, Fault.MONITOR)
    assert server.accepted == 0


async def test_the_environment_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies and credentials of the environment are neither used nor sent."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-other")
    with serving(good) as server:
        async with probing(server.url) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.ok
    assert server.requests[0].header("authorization") == f"Bearer {KEY}"
    assert server.requests[0].header("openai-organization") is None


async def test_cookies_are_not_kept() -> None:
    """Each probe stands alone: what one answer sets the next request does not send."""

    async def setting(a: Answering) -> None:
        await a.json(ANSWER, Set_Cookie="a=b; Path=/")

    with serving(setting) as server:
        async with probing(server.url) as prober:
            for number in range(2):
                await prober.probe(chat(), Slot(number, 60.0))

    assert [seen.header("cookie") for seen in server.requests] == [None, None]


async def test_each_attempt_has_its_own_nonce() -> None:
    """Prompts differ from attempt to attempt, and only in the nonce; lengths do not differ."""
    with serving(good) as server:
        async with probing(server.url) as prober:
            await prober.probe(chat(), Slot(1, 60.0))
            await prober.probe(chat(), Slot(1, 60.0), attempt=2)
            await prober.probe(chat(), Slot(2, 120.0))

    bodies = [seen.body for seen in server.requests]
    assert len(set(bodies)) == 3
    assert len({len(body) for body in bodies}) == 1


async def test_an_embedding_through_the_whole_road() -> None:
    """An embeddings target: its vector is judged, its size compared."""

    async def vector(a: Answering) -> None:
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        data = [{"object": "embedding", "index": 0, "embedding": [0.25, 0.5]}]
        await a.json({"object": "list", "model": "e", "data": data, "usage": usage})

    with serving(vector) as server:
        async with probing(server.url) as prober:
            target = chat(operation=Operation.EMBEDDINGS)
            result = await prober.probe(target, Slot(1, 60.0))

    assert result.ok, result.detail
    assert result.input_tokens == 3
    assert result.response_chars is None
    assert server.requests[0].line.startswith("POST /v1/embeddings ")


async def test_an_embedding_cannot_be_streamed() -> None:
    """A target that asks for the impossible gets a result that says so."""

    async def events(a: Answering) -> None:
        await _stream(a)

    with serving(events) as server:
        async with probing(server.url) as prober:
            target = chat(operation=Operation.EMBEDDINGS, stream=True)
            result = await prober.probe(target, Slot(1, 60.0))

    assert result.verdict is Verdict.MONITOR_ERROR


async def test_waiting_for_a_place_is_measured_apart() -> None:
    """With one place, the second probe waits; the wait is in no figure but `waited_s`."""

    async def slow(a: Answering) -> None:
        await asyncio.sleep(0.2)
        await a.json(ANSWER)

    with serving(slow) as server:
        async with probing(server.url, max_concurrency=1) as prober:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(prober.probe(chat(name=name), Slot(1, 60.0)))
                    for name in ("a", "b")
                ]
            first, second = (task.result() for task in tasks)

    assert first.waited_s < 0.1
    assert second.waited_s > 0.15
    assert second.total_s < 0.3


async def test_no_place_in_time_is_our_fault() -> None:
    """Nobody blames the provider for our own queue, and nothing is sent."""
    given_up = threading.Event()

    async def patient(a: Answering) -> None:
        await asyncio.to_thread(given_up.wait, 10)
        await a.json(ANSWER)

    with serving(patient) as server:
        async with probing(server.url, max_concurrency=1) as prober, asyncio.TaskGroup() as group:
            holder = group.create_task(prober.probe(chat(deadline_s=20.0), Slot(1, 60.0)))
            while not server.requests:  # noqa: ASYNC110 - another thread counts
                await asyncio.sleep(0.005)
            result = await prober.probe(chat(name="other", deadline_s=0.2), Slot(1, 60.0))
            assert not holder.done(), "it did not wait until the place was free"
            given_up.set()

    assert holder.result().ok
    assert (result.verdict, result.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert "max_concurrency" in result.detail
    assert result.waited_s >= 0.2
    assert len(server.requests) == 1


async def test_a_key_that_cannot_be_read_costs_its_own_provider_only(tmp_path: Path) -> None:
    """A missing key file: verdict auth, fault account, nothing sent, the file named."""
    async with probing(
        "http://127.0.0.1:9/v1", api_key=SecretSource(path=tmp_path / "key")
    ) as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.AUTH, Fault.ACCOUNT)
    assert "cannot read" in result.detail


async def test_a_refused_key_is_read_again(tmp_path: Path) -> None:
    """After a 401 the request is captured anew."""
    key = tmp_path / "key"
    key.write_text("sk-old-0123456789")
    with serving(bad_key) as server:
        async with probing(server.url, api_key=SecretSource(path=key)) as prober:
            refused = await prober.probe(chat(), Slot(1, 60.0))
            server.handler = good
            key.write_text("sk-new-0123456789")
            accepted = await prober.probe(chat(), Slot(2, 120.0))

    assert refused.verdict is Verdict.AUTH
    assert "sk-old" not in repr(refused)
    assert accepted.ok
    assert server.requests[1].header("authorization") == "Bearer sk-new-0123456789"


async def test_a_bug_of_ours_is_a_result() -> None:
    """Whatever breaks inside: monitor_error with the class of the error and nothing else."""
    async with probing("http://user:hunter2@127.0.0.1:9/v1") as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.verdict is Verdict.MONITOR_ERROR
    assert result.fault is Fault.MONITOR
    assert "hunter2" not in repr(result)


async def test_headers_of_the_answer_are_read() -> None:
    """Rate limits, request id and the server's own time come from the response's headers."""

    async def labelled(a: Answering) -> None:
        await a.json(
            ANSWER,
            x_request_id="req_1 sk-abcdefgh12345678",
            openai_processing_ms="12.5",
            x_ratelimit_limit_requests="100",
            x_ratelimit_remaining_requests="25",
        )

    with serving(labelled) as server:
        async with probing(server.url, api_key=SecretSource(Secret(KEY))) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.ok
    assert result.server_ms == 12.5
    assert result.rate_limits == (RateLimit("requests", 100, 25, None),)
    assert result.request_id == "req_1 ***", "what a server sends is sanitised"
