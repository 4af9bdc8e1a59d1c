"""What comes of single faults beside verdict and fault, for which there is the matrix."""

import zlib

import pytest

from probes.result import Fault, Verdict
from probes.target import Slot
from tests.faults.asked import begin, good_body, target
from tests.faults.breaking import reset_in_body
from tests.faults.matrix import ROWS
from tests.integration.fault_server import (
    ANSWER,
    Answering,
    event,
    free_port,
    never_accepting,
    serving,
)
from tests.integration.faults import good
from tests.integration.probing import chat, once, probing


async def test_partial_stream_keeps_its_token_times() -> None:
    """A stream that breaks after a token keeps that token's time."""
    result, _ = await once(reset_in_body, stream=True)

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
        await begin(a, Content_Encoding=encoding.rsplit(maxsplit=1)[-1])
        data = squeeze.compress(good_body(a)) + squeeze.flush()
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


async def test_every_fault_one_after_the_other_leaves_the_prober_usable() -> None:
    """After each of them the same prober answers an ordinary probe."""
    ending = [
        row for row in ROWS if row.behaviour and not row.waits and row.fault is not Fault.NONE
    ]
    with serving(good) as server:
        async with probing(server.url) as prober:
            for number, row in enumerate(ending):
                server.handler = row.behaviour
                met = await prober.probe(target(row.asked[-1], waits=False), Slot(number, 0.0))
                server.handler = good
                fine = await prober.probe(chat(), Slot(number, 0.0), 2)
                assert met.verdict is row.verdict, (row.name, met.detail)
                assert fine.ok, (row.name, fine.detail)


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
