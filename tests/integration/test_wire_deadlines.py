"""No probe outlives its deadline by more than half a second, whatever the server does."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from probes.lag import LagMeter
from probes.result import Fault, Verdict
from probes.target import Slot
from tests.faults.waiting import (
    comments,
    comments_after_a_token,
    dripping_body,
    dripping_head,
    empty_deltas,
    endless_tokens,
    error_that_stalls,
)
from tests.integration.fault_server import DONE, Answering, event, serving
from tests.integration.faults import half_a_body, half_a_head, silent
from tests.integration.probing import chat, once, probing

OVERRUN_S = 0.5
"""The promise."""


@pytest.mark.parametrize(
    ("handler", "phase", "status"),
    [
        (silent, "while waiting for the response head", None),
        (half_a_head, "while waiting for the response head", None),
        (dripping_head, "while waiting for the response head", None),
        (half_a_body, "while reading the body", 200),
        (dripping_body, "while reading the body", 200),
    ],
)
async def test_the_whole_deadline(
    handler: Callable[[Answering], Awaitable[None]], phase: str, status: int | None
) -> None:
    """A stalled or dripping answer ends at the deadline, which is its latency's lower bound."""
    began = time.monotonic()
    result, server = await once(handler, deadline_s=0.3)
    elapsed_s = time.monotonic() - began

    assert result.verdict is Verdict.TIMEOUT
    assert result.fault is Fault.PROVIDER
    assert result.total_s == 0.3
    assert result.censored
    assert result.detail == f"deadline of 0.3 s passed {phase}"
    assert result.status == status
    assert elapsed_s <= 0.3 + OVERRUN_S
    assert len(server.requests) == 1


@pytest.mark.parametrize("handler", [silent, comments, empty_deltas])
async def test_the_first_token_deadline(handler: Callable[[Answering], Awaitable[None]]) -> None:
    """Neither comments nor empty deltas put off the deadline of the first token."""
    result, _ = await once(handler, stream=True, deadline_s=5.0, first_token_deadline_s=0.3)

    assert result.verdict is Verdict.TIMEOUT
    assert result.detail.startswith("first-token deadline of 0.3 s passed while waiting for the")
    assert result.first_token_s is None
    assert result.sent_s is not None
    assert result.total_s == pytest.approx(result.sent_s + 0.3)


async def test_the_idle_deadline() -> None:
    """After a token, comments do not put off the idle deadline; the token's time is kept."""
    result, _ = await once(comments_after_a_token, stream=True, deadline_s=5.0, idle_deadline_s=0.3)

    assert result.verdict is Verdict.TIMEOUT
    assert result.detail == "idle deadline of 0.3 s passed in the middle of the stream"
    assert result.last_token_s is not None
    assert result.total_s == pytest.approx(result.last_token_s + 0.3)


async def test_tokens_put_off_the_idle_deadline_but_not_the_whole_one() -> None:
    """A stream that never ends is over at the whole deadline."""
    result, _ = await once(endless_tokens, stream=True, deadline_s=0.6, idle_deadline_s=0.3)

    assert result.verdict is Verdict.TIMEOUT
    assert result.detail == "deadline of 0.6 s passed in the middle of the stream"
    assert result.total_s == 0.6
    assert result.last_token_s is not None
    assert result.last_token_s > 0.4


async def test_a_stalled_error_body_does_not_hide_the_status() -> None:
    """With the status known the outcome is: what came of the body is told, the rest not awaited."""
    result, _ = await once(error_that_stalls, deadline_s=10.0)

    assert result.verdict is Verdict.OVERLOADED
    assert "overloaded," in result.detail
    assert result.total_s < 1.0, "the wait for the rest of the body is in no figure"


async def test_lingering_after_the_end_mark_costs_nothing() -> None:
    """Nobody waits for a server that keeps the connection open behind [DONE]."""

    async def lingering(a: Answering) -> None:
        await a.stream_head()
        await a.chunk(event("O") + event(finish="stop") + DONE)
        await a.hang()  # until the client goes: one that waited would meet its deadline

    result, server = await once(lingering, stream=True, deadline_s=5.0)

    assert result.ok
    assert result.total_s == result.last_token_s, "the mark came in the token's own packet"
    assert server.accepted == 1


async def test_a_deadline_that_passed_while_we_were_blocked_is_our_fault() -> None:
    """When our own loop stood still at the deadline, the provider is not blamed."""
    answered = asyncio.Event()

    async def late_reader(a: Answering) -> None:
        await asyncio.sleep(0.1)
        await a.json({"choices": []})

    async def block() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.6)  # noqa: ASYNC251 - the fault under test
        answered.set()

    with serving(late_reader) as server:
        async with probing(server.url, lag=LagMeter()) as prober, asyncio.TaskGroup() as group:
            group.create_task(block())
            result = await prober.probe(chat(deadline_s=0.4), Slot(1, 60.0))

    assert answered.is_set()
    assert result.verdict is Verdict.MONITOR_ERROR
    assert result.fault is Fault.MONITOR
    assert "our own loop stood still" in result.detail
