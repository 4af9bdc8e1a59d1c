"""What servers and networks do wrong, each met once: one request, a verdict, nothing left open."""

import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot
from tests.integration.fault_server import (
    ANSWER,
    DONE,
    USAGE,
    Answering,
    event,
    free_port,
    never_accepting,
    serving,
)
from tests.integration.faults import (
    bad_chunk,
    bad_key,
    bomb,
    brotli,
    damaged_gzip,
    endless_head,
    endless_json,
    endless_line,
    error_with_200,
    html,
    huge_error,
    json_cut,
    json_reset,
    many_headers,
    no_answer,
    nonsense,
    redirect,
    reset_at_once,
    stream_answered_with_error,
    stream_answered_with_json,
    stream_cut,
    stream_cut_after_finish,
    stream_error,
    stream_reset,
    unavailable,
    unavailable_half,
)
from tests.integration.probing import KEY, chat, once, probing

GOOD = f"{event()}{event('O')}{event('K')}{event(finish='stop')}{USAGE}"


@dataclass(frozen=True)
class Case:
    """A behaviour and what must come of it."""

    handler: Callable[[Answering], Awaitable[None]]
    verdict: Verdict
    fault: Fault = Fault.PROVIDER
    stream: bool = False
    status: int | None = 200
    says: str = ""


CASES = [
    Case(html, Verdict.PROTOCOL_ERROR, says="text/html instead of JSON"),
    Case(html, Verdict.PROTOCOL_ERROR, stream=True, says="text/html instead of an event stream"),
    Case(error_with_200, Verdict.OVERLOADED),
    Case(json_cut, Verdict.TRUNCATED),
    Case(json_reset, Verdict.RESET, says="reset by peer"),
    Case(no_answer, Verdict.RESET, status=None, says="closed while waiting for the response head"),
    Case(reset_at_once, Verdict.RESET, status=None),
    Case(redirect, Verdict.REDIRECTED, status=307, says="elsewhere.example"),
    Case(nonsense, Verdict.PROTOCOL_ERROR, status=None),
    Case(endless_head, Verdict.PROTOCOL_ERROR, status=None),
    Case(many_headers, Verdict.PROTOCOL_ERROR, status=None),
    Case(endless_json, Verdict.OVERSIZED),
    Case(endless_line, Verdict.OVERSIZED, stream=True),
    Case(bomb, Verdict.OVERSIZED),
    Case(damaged_gzip, Verdict.PROTOCOL_ERROR, says="damaged"),
    Case(brotli, Verdict.PROTOCOL_ERROR, says="content encoding"),
    Case(bad_chunk, Verdict.PROTOCOL_ERROR, stream=True, says="not framed"),
    Case(stream_cut, Verdict.TRUNCATED, stream=True),
    Case(stream_cut_after_finish, Verdict.TRUNCATED, stream=True),
    Case(stream_reset, Verdict.RESET, stream=True),
    Case(stream_error, Verdict.STREAM_ERROR, stream=True, says="worker died"),
    Case(stream_answered_with_json, Verdict.PROTOCOL_ERROR, stream=True),
    Case(stream_answered_with_error, Verdict.QUOTA, Fault.ACCOUNT, stream=True),
    Case(bad_key, Verdict.AUTH, Fault.ACCOUNT, status=401),
    Case(unavailable, Verdict.SERVER_ERROR, status=500, says="down"),
    Case(unavailable_half, Verdict.SERVER_ERROR, status=500, says="Broken"),
    Case(huge_error, Verdict.SERVER_ERROR, status=500),
]


def _no_secret_in(result: ProbeResult) -> bool:
    return KEY not in repr(result) and "hunter2" not in repr(result)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.handler.__name__}-{case.stream}")
async def test_fault(case: Case) -> None:
    """Each fault gives its verdict after exactly one request; no key, no connection is left."""
    result, server = await once(case.handler, stream=case.stream)

    assert (result.verdict, result.fault) == (case.verdict, case.fault), result.detail
    assert result.status == case.status
    assert case.says in result.detail
    assert len(server.requests) == 1
    assert _no_secret_in(result)
    assert 0.0 <= result.total_s < 2.0


async def test_partial_stream_keeps_its_token_times() -> None:
    """A stream that breaks after a token keeps that token's time."""
    result, _ = await once(stream_reset, stream=True)

    assert result.first_token_s is not None
    assert result.first_token_s < 0.04
    assert result.total_s >= 0.05


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
@pytest.mark.parametrize("stream", [True, False])
async def test_unasked_compression_is_read(encoding: str, stream: bool) -> None:
    """A server that compresses although identity was asked for is read as a client would."""
    shapes = {"gzip": 31, "deflate": 15, "raw deflate": -15}

    async def packed(a: Answering) -> None:
        assert a.seen.header("accept-encoding") == "identity"
        squeeze = zlib.compressobj(wbits=shapes[encoding])
        plain = (GOOD + DONE) if stream else json.dumps(ANSWER)
        kind = "text/event-stream" if stream else "application/json"
        await a.head(
            Content_Type=kind,
            Content_Encoding=encoding.rsplit(maxsplit=1)[-1],
            Transfer_Encoding="chunked",
        )
        data = squeeze.compress(plain.encode()) + squeeze.flush()
        for start in range(0, len(data), 7):
            await a.chunk(data[start : start + 7])
        await a.end()

    result, _ = await once(packed, stream=stream)

    assert result.verdict is Verdict.OK, result.detail
    assert result.response_chars == 2


async def test_a_body_that_says_it_is_as_it_is() -> None:
    """`identity` is what we asked for, whether or not the server repeats it."""

    async def plain(a: Answering) -> None:
        await a.json(ANSWER, Content_Encoding="identity")

    result, _ = await once(plain)

    assert result.ok, result.detail


async def test_refused_connection_is_a_connect_error() -> None:
    """Nobody listening: connect_error, no status, no departure."""
    async with probing(f"http://127.0.0.1:{free_port()}/v1") as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.verdict is Verdict.CONNECT_ERROR
    assert (result.status, result.sent_s, result.reused) == (None, None, None)
    assert "refused" in result.detail.lower()


async def test_unanswered_connection_times_out_in_its_phase() -> None:
    """A full accept queue: a timeout that says it was connecting."""
    with never_accepting() as port:
        async with probing(f"http://127.0.0.1:{port}/v1") as prober:
            result = await prober.probe(chat(deadline_s=0.3), Slot(1, 60.0))

    assert result.verdict is Verdict.TIMEOUT
    assert result.total_s == 0.3
    assert "while connecting" in result.detail


async def test_unknown_name_is_a_dns_error() -> None:
    """A name that does not exist: dns_error, with the time it took left out of other phases."""
    async with probing("http://does-not-exist.invalid/v1") as prober:
        result = await prober.probe(chat(deadline_s=20.0), Slot(1, 60.0))

    assert result.verdict is Verdict.DNS_ERROR, result.detail
    assert result.connect_s is None


async def test_many_faults_one_after_the_other_leave_the_prober_usable() -> None:
    """After every fault the same prober answers an ordinary probe."""
    handlers = iter([no_answer, stream_cut, bad_chunk, json_reset, endless_json, bomb])

    async def good(a: Answering) -> None:
        await a.json(ANSWER)

    with serving(good) as server:
        async with probing(server.url) as prober:
            for number, handler in enumerate(handlers):
                server.handler = handler
                broken = await prober.probe(
                    chat(stream="stream" in handler.__name__), Slot(number, 0)
                )
                server.handler = good
                fine = await prober.probe(chat(), Slot(number, 0.0), 2)
                assert not broken.ok
                assert fine.ok, (handler.__name__, fine.detail)


async def test_a_stream_that_ends_without_its_mark() -> None:
    """A message that ends in order after the finish reason is an answer; one before is cut."""

    async def unmarked(a: Answering) -> None:
        await a.stream_head()
        await a.chunk(event("O") + event(finish="stop"))
        await a.end()

    async def unfinished(a: Answering) -> None:
        await a.stream_head()
        await a.chunk(event("O"))
        await a.end()

    result, _ = await once(unmarked, stream=True)
    assert result.ok
    assert result.detail == "ended without [DONE]"
    result, _ = await once(unfinished, stream=True)
    assert result.verdict is Verdict.TRUNCATED


async def test_a_request_that_cannot_be_made() -> None:
    """A provider with a preset nobody knows: our fault, and nothing is sent."""
    async with probing("http://127.0.0.1:9/v1", preset="nobody") as prober:
        result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert "no preset is called" in result.detail
