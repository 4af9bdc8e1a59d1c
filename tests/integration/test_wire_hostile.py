"""What a hostile server cannot do: hold others up, shift its blame, or plant a secret."""

import asyncio
import dataclasses
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterable

import pytest

from probes.attempt import Attempt
from probes.chat import CHAT
from probes.lag import LagMeter
from probes.outcome import Outcome
from probes.reading import Reading
from probes.result import Fault, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Slot
from probes.wire.exchange import Exchange
from probes.wire.pool import Pool
from probes.wire.request import Origin, Request, head_of
from probes.wire.timeline import Timeline
from tests.faults.waiting import error_that_stalls
from tests.integration.fault_server import ANSWER, DONE, Answering, event, serving
from tests.integration.probing import chat, once, probing

PLAIN_KEY = "0A1b2c3d4e5f60718293a4b5c6d7e8F9"
"""A key without a shape that would give it away."""
FLOODS = {
    "newlines": "\n" * 4_000_000,
    "comments": ":\n" * 2_000_000,
    "comments-in-an-event": "data: {\n" + ":\n" * 2_000_000,
    "events-without-choices": 'data: {"choices": []}\n\n' * 190_000,
    "tokens": event("a") * 28_000,
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_is_the_providers_and_leaves_others_their_turn(flood: str) -> None:
    """Several at once: each is blamed on the provider, and the loop goes on turning."""

    async def flooding(a: Answering) -> None:
        await a.stream_head()
        await a.chunk(FLOODS[flood])
        await a.hang()

    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    with serving(flooding) as server:
        async with probing(server.url) as prober, asyncio.TaskGroup() as group:
            turning = group.create_task(turn())
            tasks = [
                group.create_task(prober.probe(chat(name=f"t{n}", stream=True), Slot(1, 60.0)))
                for n in range(4)
            ]
            await asyncio.wait(tasks)
            turning.cancel()

    found = Counter((task.result().verdict, task.result().fault) for task in tasks)
    assert found == {(Verdict.OVERSIZED, Fault.PROVIDER): 4}
    assert turns > 20


async def test_an_honest_long_stream_is_no_flood() -> None:
    """As many tokens as were asked for fit, whatever their number."""
    tokens = 4000

    async def eloquent(a: Answering) -> None:
        await a.stream_head()
        await a.chunk(event("abcdefgh" * 16) * tokens + event(finish="stop") + DONE)
        await a.end()

    result, _ = await once(eloquent, stream=True, max_output_tokens=tokens)

    assert result.ok, result.detail
    assert result.response_chars == 128 * tokens


@pytest.mark.parametrize(
    ("sent_bytes", "verdict", "fault"),
    [
        (200_000, Verdict.TIMEOUT, Fault.PROVIDER),
        (20_000, Verdict.MONITOR_ERROR, Fault.MONITOR),
    ],
)
async def test_who_is_to_blame_for_a_deadline_our_loop_slept_through(
    sent_bytes: int, verdict: Verdict, fault: Fault
) -> None:
    """Ours is the fault of an ordinary answer's delay, the server's that of a flood."""

    async def blank(a: Answering) -> None:
        await a.stream_head()
        await a.chunk("\n" * sent_bytes)
        await a.hang()

    async def block() -> None:
        await asyncio.sleep(0.2)
        time.sleep(0.5)  # noqa: ASYNC251 - the fault under test

    with serving(blank) as server:
        async with probing(server.url) as prober, asyncio.TaskGroup() as group:
            group.create_task(block())
            target = chat(stream=True, deadline_s=0.4, first_token_deadline_s=0.4)
            result = await prober.probe(target, Slot(1, 60.0))

    assert (result.verdict, result.fault) == (verdict, fault), result.detail


async def _slowly_read(padding: int) -> Outcome:
    """Attempt a plain answer of which the reading takes longer than the deadline."""

    async def padded(a: Answering) -> None:
        await a.json({**ANSWER, "padding": "x" * padding})

    def slow(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
        time.sleep(0.6)
        return CHAT.read(body, secrets=secrets)

    pool, timeline, target = Pool(None), Timeline(), chat(deadline_s=0.5)
    head = head_of("POST", "here", "/v1/chat/completions", (), body_bytes=2, fresh=False)
    spec = dataclasses.replace(CHAT, read=slow)
    try:
        with serving(padded) as server:
            request = Request(Origin("127.0.0.1", server.port, secure=False), head + b"{}")
            exchange = Exchange(pool, request, timeline)
            attempt = Attempt(target, spec, exchange, timeline, LagMeter(), ())
            return await attempt.run(time.monotonic() + target.deadline_s)
    finally:
        await pool.close()


async def test_an_answer_that_takes_too_long_to_take_apart_is_late() -> None:
    """A user of it would wait as long; an answer of ordinary size is judged by its arrival."""
    late, punctual = await _slowly_read(300_000), await _slowly_read(0)

    assert (late.found.verdict, late.found.fault) == (Verdict.TIMEOUT, Fault.PROVIDER)
    assert punctual.found.verdict is Verdict.OK
    assert punctual.total_s < 0.4


@pytest.mark.parametrize("stream", [False, True])
async def test_a_status_outweighs_a_body_that_never_ends(stream: bool) -> None:
    """The deadline passes while the reason is awaited: the outcome was known before."""
    result, _ = await once(error_that_stalls, stream=stream, deadline_s=0.4)

    assert (result.verdict, result.status) == (Verdict.OVERLOADED, 503)
    assert "overloaded," in result.detail
    assert result.total_s < 0.4, "the wait for the rest of the body is in no figure"


async def test_a_key_that_is_echoed_is_in_no_field() -> None:
    """Wherever the server writes it: headers, names, reasons."""

    async def echoing(a: Answering) -> None:
        choice = {"index": 0, "finish_reason": PLAIN_KEY, "message": {"content": PLAIN_KEY}}
        body = {"model": f"m {PLAIN_KEY}", "system_fingerprint": PLAIN_KEY, "choices": [choice]}
        await a.json(body, x_request_id=f"{'r' * 190}{PLAIN_KEY}")

    with serving(echoing) as server:
        async with probing(server.url, api_key=SecretSource(Secret(PLAIN_KEY))) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.ok
    assert PLAIN_KEY[:6] not in repr(result)
    assert (result.returned_model, result.fingerprint, result.finish_reason) == (
        "m ***",
        "***",
        "***",
    )


async def test_a_key_in_a_redirects_host_is_hidden() -> None:
    """Hosts are compared in lower case; a key must be recognised before."""

    async def redirecting(a: Answering) -> None:
        where = f"https://{PLAIN_KEY}.elsewhere.example/v1"
        await a.head("302 Found", Location=where, Content_Length="0")

    with serving(redirecting) as server:
        async with probing(server.url, api_key=SecretSource(Secret(PLAIN_KEY))) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert result.verdict is Verdict.REDIRECTED
    assert "elsewhere.example" in result.detail
    assert PLAIN_KEY.lower() not in result.detail.lower()


async def test_a_compressed_body_without_its_end_is_truncated() -> None:
    """All the text was there, but nobody can know that: the checksum is missing."""

    async def cut(a: Answering) -> None:
        packed = gzip.compress(json.dumps(ANSWER).encode())[:-6]
        length = str(len(packed))
        await a.head(
            Content_Type="application/json", Content_Encoding="gzip", Content_Length=length
        )
        await a.send(packed)

    result, _ = await once(cut)

    assert result.verdict is Verdict.TRUNCATED
    assert "compressed" in result.detail
