"""The fold of a streamed response: token times, text and a verdict."""

import json
from typing import Any

import pytest

from probes.reading import Reading, Usage
from probes.response_stream import ResponseStream
from probes.result import Fault, Verdict

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 16,
}


def _event(kind: str, **parts: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n".encode()


def _message(text: str, kind: str = "output_text") -> dict[str, object]:
    key = "refusal" if kind == "refusal" else "text"
    return {"type": "message", "content": [{"type": kind, key: text}]}


def _ended(status: str = "completed", **parts: Any) -> bytes:
    response = {"status": status, "model": "m-1", "usage": USAGE, "output": [], **parts}
    return _event(f"response.{status}", response=response)


CREATED = _event("response.created", response={"status": "in_progress", "model": "m-1"})
OK = _event("response.output_text.delta", delta="ok")
HMM = _event("response.reasoning_summary_text.delta", delta="hmm")
DONE = b"data: [DONE]\n\n"


def _fold(*pieces: bytes) -> Reading:
    """Feed the pieces at the offsets 1, 2, 3, … and close at 99."""
    stream = ResponseStream()
    for at_s, piece in enumerate(pieces, start=1):
        stream.feed(piece, float(at_s))
    return stream.close(99.0)


def test_a_good_stream() -> None:
    """Everything is read, the end is that of the last event, and reasoning is the first token."""
    item = _event("response.output_item.added", item={"type": "message", "content": []})
    reading = _fold(CREATED, HMM, item, OK, _ended(output=[_message("ok")]))
    assert reading == Reading(
        verdict=Verdict.OK,
        fault=Fault.NONE,
        text="ok",
        finish_reason="stop",
        usage=Usage(input_tokens=9, output_tokens=7, cached_tokens=4, reasoning_tokens=5),
        returned_model="m-1",
        first_token_s=2.0,
        first_visible_token_s=4.0,
        last_token_s=4.0,
        ended_s=5.0,
    )


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(CREATED, id="created"),
        pytest.param(_event("response.output_text.delta", delta=""), id="empty"),
        pytest.param(_event("response.output_text.delta"), id="no-delta"),
        pytest.param(_event("response.output_text.done", text="ok"), id="done"),
        pytest.param(_event("response.something.new", response=None), id="unknown"),
        pytest.param(b": ping\n\n", id="comment"),
    ],
)
def test_what_is_not_a_token(silent: bytes) -> None:
    """It starts no clock and spoils nothing."""
    stream = ResponseStream()
    stream.feed(silent, 1.0)
    assert (stream.first_token_s, stream.last_token_s, stream.events_in_last_feed) == (
        None,
        None,
        0,
    )
    stream.feed(OK + OK, 2.0)
    assert (stream.first_token_s, stream.events_in_last_feed) == (2.0, 2)
    stream.feed(_ended(), 3.0)
    assert stream.done
    reading = stream.close(4.0)
    assert (reading.verdict, reading.text) == (Verdict.OK, "okok")


def test_without_types_the_names_of_the_events_count() -> None:
    """A gateway may strip one of the two."""
    bare = b'event: response.output_text.delta\ndata: {"delta": "ok"}\n\n'
    assert _fold(bare, _ended()).text == "ok"


@pytest.mark.parametrize("pieces", [(), (CREATED,), (CREATED, OK), (CREATED, OK, DONE), (DONE,)])
def test_only_a_last_event_makes_it_whole(pieces: tuple[bytes, ...]) -> None:
    """A stream that just ends was cut, whatever it had said until then."""
    reading = _fold(*pieces)
    assert (reading.verdict, reading.fault) == (Verdict.TRUNCATED, Fault.PROVIDER)
    assert reading.detail == "ended without response.completed"


def test_done_ends_it_at_once() -> None:
    """Some servers have the mark here too; nothing is waited for behind it."""
    stream = ResponseStream()
    stream.feed(OK + DONE + OK, 1.0)
    assert stream.done
    assert stream.close(2.0).text == "ok"


@pytest.mark.parametrize(
    ("pieces", "verdict", "fault", "finish_reason"),
    [
        ((OK, "max_output_tokens"), Verdict.OK, Fault.NONE, "length"),
        ((HMM, "max_output_tokens"), Verdict.EMPTY, Fault.REQUEST, "length"),
        ((OK, "content_filter"), Verdict.REFUSED, Fault.REQUEST, "content_filter"),
        ((OK, "what"), Verdict.OK, Fault.NONE, "what"),
    ],
)
def test_incomplete_means_what_its_reason_says(
    pieces: tuple[bytes, str], verdict: Verdict, fault: Fault, finish_reason: str
) -> None:
    """Our own limit is a finish reason like that of a chat; a filter is a refusal."""
    piece, reason = pieces
    reading = _fold(piece, _ended("incomplete", incomplete_details={"reason": reason}))
    assert (reading.verdict, reading.fault) == (verdict, fault)
    assert reading.finish_reason == finish_reason


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        (_ended("failed", error={"code": "rate_limit_exceeded", "message": "x"}), "throttled"),
        (_ended("failed", error={"code": "vector_store_timeout", "message": "x"}), "stream_error"),
        (_ended("failed", error=None), "stream_error"),
        (_event("error", code="invalid_prompt", message="x"), "refused"),
        (_event("error", error={"code": "insufficient_quota", "message": "x"}), "quota"),
        (b'data: {"type": "error", "code": "insufficient_quota"}\n\n', "quota"),
        (b"event: error\ndata: oops\n\n", "stream_error"),
        (b"data: {\n\n", "protocol_error"),
        (b"data: 3\n\n", "protocol_error"),
        (b'data: {"type": 3}\n\n', "protocol_error"),
        (b'data: {"type": "response.output_text.delta", "delta": 3}\n\n', "protocol_error"),
        (b'data: {"type": "response.completed"}\n\n', "protocol_error"),
        (_ended(output=[3]), "protocol_error"),
        (b"data: " + b"x" * 200_000, "oversized"),
    ],
)
def test_failures_inside_outweigh_everything_before(last: bytes, verdict: str) -> None:
    """By the code of the error; and what is not as promised is no answer."""
    reading = _fold(CREATED, OK, last, _ended())
    assert reading.verdict == verdict
    assert reading.text == "ok"


def test_a_refusal_is_visible_and_is_none_of_the_text() -> None:
    """As in a chat."""
    reading = _fold(_event("response.refusal.delta", delta="no"), _ended())
    assert (reading.verdict, reading.text) == (Verdict.REFUSED, "")
    assert reading.first_visible_token_s == 1.0


def test_the_call_of_a_tool_is_a_token_that_nobody_sees() -> None:
    """Nobody asked for one, and an expectation will say so."""
    reading = _fold(_event("response.function_call_arguments.delta", delta="{}"), _ended())
    assert (reading.verdict, reading.detail) == (Verdict.OK, "tool calls instead of text")
    assert (reading.first_token_s, reading.first_visible_token_s) == (1.0, None)


def test_a_server_that_sends_no_deltas_has_no_token_times() -> None:
    """Its text is in the last event, and is believed; when it came is not known."""
    reading = _fold(CREATED, _ended(output=[_message("ok")]))
    assert (reading.verdict, reading.text, reading.first_token_s) == (Verdict.OK, "ok", None)
    refused = _fold(_ended(output=[_message("no", "refusal")]))
    assert refused.verdict is Verdict.REFUSED


def test_a_last_event_without_output_is_whole_all_the_same() -> None:
    """The deltas had it all."""
    assert _fold(OK, _ended(output=None)).verdict is Verdict.OK
    assert _fold(_ended()).verdict is Verdict.EMPTY


def test_no_secret_is_in_what_is_told() -> None:
    """A server may echo the key anywhere."""
    stream = ResponseStream(secrets=["house-key-1"])
    stream.feed(_event("error", message="bad house-key-1"), 1.0)
    assert "house-key-1" not in stream.close(2.0).detail
