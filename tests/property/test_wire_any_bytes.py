"""Whatever bytes a server sends, in whatever pieces: one result, in time, in bounded memory."""

import asyncio
import json
import math
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.hints import Hint
from probes.prober import Prober
from probes.result import Operation, ProbeResult, Verdict
from probes.target import Connection, Slot, Target
from probes.verdicts import VERDICTS
from tests.integration.fault_server import (
    ANSWER,
    DONE,
    Answering,
    FaultServer,
    event,
    serving,
)
from tests.integration.probing import KEY, chat, probing

DEADLINE_S: Final = 0.1
OVERRUN_S: Final = 0.5
TRIES: Final = 4
"""A machine so busy that our own loop stood still at the deadline says nothing about the bytes."""
PEAK_BYTES: Final = 12 * 1024 * 1024
"""More than a probe may read (1 MiB here) and what is made of it; far less than what is sent to it
again and again."""

HEADS: Final = (
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: //elsewhere\r\n",
)
FRAGMENTS: Final = (
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"Content-Length: 40\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: deflate\r\n",
    b"x-ratelimit-remaining-requests: nan\r\n",
    b"openai-processing-ms: 1e999\r\n",
    f"x-request-id: {KEY}\r\n".encode(),
    b"1\r\n",
    b"40\r\n",
    b"ffffffff\r\n",
    b"0\r\n\r\n",
    b"\x1f\x8b\x08\x00",
    b"data: ",
    b"event: error\n",
    b": comment\n\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x00",
    DONE.encode(),
    event("OK").encode(),
    event(finish="stop").encode(),
    event(KEY).encode(),
    json.dumps(ANSWER).encode(),
    b'{"error": {"code": 429, "message": "slow down"}}',
    b'event: response.output_text.delta\ndata: {"delta": "OK"}\n\n',
    b'data: {"type": "response.output_text.delta", "delta": "OK"}\n\n',
    b'data: {"type": "response.completed", "response": {"status": "completed"}}\n\n',
    b'data: {"type": "response.failed", "response": {"error": {"code": "server_error"}}}\n\n',
    b'{"object": "list", "data": [{"id": "m"}, {"id": null}]}',
    b'{"object": "list", "data": [{"embedding": [1e999]}]}',
)

FLOODS: Final = (b"\n", b"x", b": \n", b"1\r\n \r\n", b"X: 1\r\n", event("a").encode())


class End(StrEnum):
    """What the server does behind its last byte."""

    CLOSE = "close"
    RESET = "reset"
    STAY = "stay"


@dataclass
class Script:
    """What the server sends next."""

    pieces: list[bytes] = field(default_factory=list)
    end: End = End.CLOSE

    async def __call__(self, a: Answering) -> None:
        """Send it, each piece in a packet of its own if the network likes."""
        for piece in self.pieces:
            await a.send(piece)
            await asyncio.sleep(0)
        match self.end:
            case End.STAY:
                await a.hang()
            case End.CLOSE:
                a.cut()
            case End.RESET:
                a.reset()


@dataclass
class Stage:
    """A server that follows the script, and the prober that meets it."""

    runner: asyncio.Runner
    script: Script
    server: FaultServer
    prober: Prober


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Keep one prober for all examples, as the daemon does: nothing may wear off."""
    script = Script()
    with asyncio.Runner() as runner, serving(script) as server:
        making = probing(server.url)
        prober = runner.run(making.__aenter__())
        tracemalloc.start()
        try:
            yield Stage(runner, script, server, prober)
        finally:
            tracemalloc.stop()
            runner.run(making.__aexit__(None, None, None))


@dataclass(frozen=True)
class Bytes:
    """An answer, told shortly: each part so many times, cut at these places."""

    parts: tuple[tuple[bytes, int], ...]
    cuts: tuple[float, ...]
    bytewise: bool
    """Whether its first bytes come one by one."""

    def pieces(self) -> list[bytes]:
        """Return it as it is sent."""
        data = b"".join(part * times for part, times in self.parts)
        if self.bytewise:
            return [data[at : at + 1] for at in range(min(len(data), 200))] + [data[200:]]
        cuts = [round(cut * len(data)) for cut in sorted(self.cuts)]
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


parts = st.one_of(
    st.tuples(st.sampled_from(FRAGMENTS) | st.binary(max_size=40), st.just(1)),
    st.tuples(st.sampled_from(FLOODS), st.integers(1, 30_000)),
)
answers = st.builds(
    lambda head, rest, cuts, bytewise: Bytes(((head, 1), *rest), tuple(cuts), bytewise),
    st.sampled_from(HEADS),
    st.lists(parts, max_size=10),
    st.lists(st.floats(0.0, 1.0), max_size=6),
    st.booleans(),
)
targets = st.sampled_from(
    [
        chat(
            deadline_s=DEADLINE_S,
            first_token_deadline_s=DEADLINE_S,
            idle_deadline_s=DEADLINE_S,
            connection=connection,
            name=f"{operation}-{stream}-{connection}",
            operation=operation,
            stream=stream,
        )
        for connection in Connection
        for operation, stream in (
            (Operation.CHAT, False),
            (Operation.CHAT, True),
            (Operation.EMBEDDINGS, False),
            (Operation.RESPONSES, False),
            (Operation.RESPONSES, True),
            (Operation.MODELS, False),
        )
    ]
)


@dataclass(frozen=True)
class Met:
    """What came of one example."""

    result: ProbeResult
    took_s: float
    peak_bytes: int


def _once(stage: Stage, target: Target) -> Met:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    began = time.monotonic()
    result = stage.runner.run(stage.prober.probe(target, Slot(1, 60.0)))
    took_s = time.monotonic() - began
    return Met(result, took_s, tracemalloc.get_traced_memory()[1] - before)


@settings(max_examples=150, deadline=None)
@given(answer=answers, end=st.sampled_from(End), target=targets)
def test_any_bytes_give_one_result(stage: Stage, answer: Bytes, end: End, target: Target) -> None:
    """Nothing is raised, nothing hangs, nothing grows, and the key is in no part of the result."""
    stage.script.pieces, stage.script.end = answer.pieces(), end
    tries = (_once(stage, target) for _ in range(TRIES))
    met = next((each for each in tries if each.result.hint != Hint.BUSY), None)

    assert met is not None, "our own process was too busy each time"
    assert met.took_s <= DEADLINE_S + OVERRUN_S, met.result
    assert met.peak_bytes <= PEAK_BYTES
    assert not asyncio.all_tasks(stage.runner.get_loop())
    _check(met.result)


_WITHOUT_WORDS: Final = (Operation.EMBEDDINGS, Operation.MODELS)


def _check(result: ProbeResult) -> None:
    assert isinstance(result, ProbeResult)
    assert result.fault in VERDICTS[result.verdict].faults
    assert result.verdict is not Verdict.MONITOR_ERROR, result.detail
    assert math.isfinite(result.total_s)
    assert result.total_s >= 0.0
    assert result.status is None or 101 <= result.status <= 999
    if result.ok:
        assert result.status == 200
        assert result.operation is not Operation.CHAT or result.response_chars
        assert result.detail or result.finish_reason or result.operation in _WITHOUT_WORDS
    assert KEY not in repr(result)
