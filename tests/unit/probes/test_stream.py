"""The fold of a streamed completion: token times, text and a verdict."""

import json
from typing import Any

import pytest

from probes.reading import Reading, Usage
from probes.result import Fault, Verdict
from probes.stream import ChatStream

DONE = b"data: [DONE]\n\n"


def _event(value: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value)}\n\n".encode()


def _chunk(finish_reason: object = None, **delta: Any) -> bytes:
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


ROLE = _chunk(role="assistant", content="")
OK = _chunk(content="ok")
STOP = _chunk("stop")


def _fold(*pieces: bytes) -> Reading:
    """Feed the pieces at the offsets 1, 2, 3, … and close at 99."""
    stream = ChatStream()
    for at_s, piece in enumerate(pieces, start=1):
        stream.feed(piece, float(at_s))
    return stream.close(99.0)


def test_a_good_stream() -> None:
    """Everything is read, and each time is that of the feed that completed the event."""
    opening = {
        "model": "gpt-4o-mini-2024-07-18",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}],
    }
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    reading = _fold(
        b": keep-alive\n\n",
        _event(opening),
        _chunk(content="o"),
        _chunk(content="k"),
        STOP,
        _event(usage),
        DONE,
    )
    assert reading == Reading(
        verdict=Verdict.OK,
        fault=Fault.NONE,
        text="ok",
        finish_reason="stop",
        usage=Usage(input_tokens=9, output_tokens=2),
        returned_model="gpt-4o-mini-2024-07-18",
        fingerprint="fp_1",
        first_token_s=3.0,
        first_visible_token_s=3.0,
        last_token_s=4.0,
        ended_s=7.0,
    )


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_token_that_is_not_visible(key: str) -> None:
    """The first token may be reasoning; the first visible one is the answer's."""
    reading = _fold(ROLE, _chunk(content=None, **{key: "hmm"}), OK, STOP + DONE)
    assert (reading.first_token_s, reading.first_visible_token_s) == (2.0, 3.0)
    assert (reading.text, reading.verdict) == ("ok", Verdict.OK)


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(ROLE, id="role"),
        pytest.param(_chunk(content=None), id="null"),
        pytest.param(_chunk(reasoning_content="", reasoning=None), id="empty-reasoning"),
        pytest.param(_chunk(reasoning={"text": "hmm"}), id="reasoning-object"),
        pytest.param(_chunk(tool_calls=[]), id="no-tool-calls"),
        pytest.param(b": comment\n\n", id="comment"),
        pytest.param(_event({"choices": [], "model": ""}), id="azure-opening"),
        pytest.param(_event({"choices": None}), id="choices-null"),
        pytest.param(_event({}), id="empty-object"),
        pytest.param(_event({"choices": [{"index": 0}]}), id="no-delta"),
        pytest.param(_event({"choices": [{"index": 0, "delta": None}]}), id="delta-null"),
        pytest.param(
            _event({"choices": [{"index": 1, "delta": {"content": "other"}}]}), id="other-choice"
        ),
        pytest.param(_event({"type": "ping"}, name="ping"), id="ping"),
        pytest.param(b"event: ping\n\n", id="ping-without-data"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_not_a_token(silent: bytes) -> None:
    """Empty deltas, comments and chunks without choices start no clock and spoil nothing."""
    stream = ChatStream()
    stream.feed(silent, 1.0)
    assert stream.first_token_s is None
    assert stream.last_token_s is None
    assert stream.events_in_last_feed == 0
    stream.feed(OK + STOP + DONE, 2.0)
    reading = stream.close(3.0)
    assert (reading.verdict, reading.text, reading.first_token_s) == (Verdict.OK, "ok", 2.0)


def test_content_without_an_index_counts() -> None:
    """Some servers leave the index out, or null: there is only one answer anyway."""
    piece = _event({"choices": [{"delta": {"content": "o"}}]})
    other = _event({"choices": [{"index": None, "delta": {"content": "k"}}]})
    assert _fold(piece, other, STOP, DONE).text == "ok"


def test_events_with_tokens_are_counted_per_feed() -> None:
    """Tokens that arrived together share one time, and the count says so."""
    stream = ChatStream()
    stream.feed(ROLE + OK + OK + OK, 1.0)
    assert (stream.events_in_last_feed, stream.last_token_s) == (3, 1.0)
    stream.feed(OK, 2.0)
    assert (stream.events_in_last_feed, stream.last_token_s) == (1, 2.0)
    stream.feed(STOP, 3.0)
    assert (stream.events_in_last_feed, stream.last_token_s) == (0, 2.0)
    stream.feed(DONE, 4.0)
    stream.feed(OK, 5.0)
    assert (stream.events_in_last_feed, stream.last_token_s) == (0, 2.0)


def test_content_may_come_in_parts() -> None:
    """Text parts are the answer; thinking is a token, but not one the user sees."""
    thinking = _chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}])
    reading = _fold(thinking, _chunk(content=[{"type": "text", "text": "ok"}]), STOP, DONE)
    assert (reading.verdict, reading.text) == (Verdict.OK, "ok")
    assert (reading.first_token_s, reading.first_visible_token_s) == (1.0, 2.0)


def test_labels_are_free_of_the_secrets() -> None:
    """A key that is echoed as the model's name is not kept, even where the name is cut off."""
    key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    stream = ChatStream(secrets=[key])
    chunk = {"model": "x" * 180 + key, "system_fingerprint": key, "choices": []}
    stream.feed(_event(chunk), 1.0)
    reading = stream.close(2.0)
    assert reading.fingerprint == "***"
    assert reading.returned_model is not None
    assert key[:8] not in reading.returned_model


@pytest.mark.parametrize(
    ("pieces", "verdict", "fault"),
    [
        pytest.param([OK, STOP, DONE], Verdict.OK, Fault.NONE, id="both-marks"),
        pytest.param([OK, STOP], Verdict.OK, Fault.NONE, id="finish-alone"),
        pytest.param([OK, STOP, b"data: [DONE]\n"], Verdict.OK, Fault.NONE, id="cut-marker"),
        pytest.param([OK, DONE], Verdict.PROTOCOL_ERROR, Fault.PROVIDER, id="marker-alone"),
        pytest.param([OK], Verdict.TRUNCATED, Fault.PROVIDER, id="neither"),
        pytest.param([ROLE], Verdict.TRUNCATED, Fault.PROVIDER, id="role-alone"),
        pytest.param([], Verdict.TRUNCATED, Fault.PROVIDER, id="nothing"),
        pytest.param([b"<html>hello</html>"], Verdict.TRUNCATED, Fault.PROVIDER, id="html"),
        pytest.param([OK, b'data: {"choices": ['], Verdict.TRUNCATED, Fault.PROVIDER, id="cut"),
        pytest.param([DONE], Verdict.EMPTY, Fault.PROVIDER, id="only-marker"),
        pytest.param([ROLE, STOP, DONE], Verdict.EMPTY, Fault.PROVIDER, id="no-content"),
        pytest.param([ROLE, STOP], Verdict.EMPTY, Fault.PROVIDER, id="no-content-no-marker"),
        pytest.param(
            [_chunk(reasoning="hmm"), _chunk("length"), DONE],
            Verdict.EMPTY,
            Fault.REQUEST,
            id="reasoning-only",
        ),
        pytest.param([OK, _chunk("length"), DONE], Verdict.OK, Fault.NONE, id="length"),
        pytest.param(
            [OK, _chunk("content_filter"), DONE], Verdict.REFUSED, Fault.REQUEST, id="filter"
        ),
        pytest.param(
            [_chunk(refusal="I can't"), STOP, DONE], Verdict.REFUSED, Fault.REQUEST, id="refusal"
        ),
        pytest.param(
            [_chunk(tool_calls=[{"index": 0}]), _chunk("tool_calls"), DONE],
            Verdict.OK,
            Fault.NONE,
            id="tool-calls",
        ),
        pytest.param(
            [OK, _chunk("error"), DONE], Verdict.STREAM_ERROR, Fault.PROVIDER, id="finish-error"
        ),
    ],
)
def test_completeness(pieces: list[bytes], verdict: Verdict, fault: Fault) -> None:
    """The two end marks and the content decide together what a stream was."""
    reading = _fold(*pieces)
    assert (reading.verdict, reading.fault) == (verdict, fault)
    assert reading.ended_s == (len(pieces) if pieces and pieces[-1] == DONE else 99.0)


def test_a_missing_marker_is_noted() -> None:
    """An ok stream without [DONE] says so."""
    assert _fold(OK, STOP).detail == "ended without [DONE]"
    assert _fold(OK, STOP, DONE).detail == ""


def test_a_refusal_is_a_visible_token() -> None:
    """The user sees a refusal, so it ends the wait for the first token."""
    assert _fold(_chunk(refusal="I can't"), STOP, DONE).first_visible_token_s == 1.0


def test_tool_calls_are_tokens_that_are_not_visible() -> None:
    """A tool call is the model's output, but nothing to read."""
    reading = _fold(_chunk(function_call={"name": "f"}), _chunk("function_call"), DONE)
    assert (reading.first_token_s, reading.first_visible_token_s) == (1.0, None)


def test_an_empty_finish_reason_is_none() -> None:
    """Some servers send an empty text where others send null; it does not erase the real one."""
    assert _fold(_chunk("", content="ok")).verdict is Verdict.TRUNCATED
    assert _fold(OK, STOP, _chunk(""), DONE).finish_reason == "stop"


def test_the_newest_usage_counts() -> None:
    """Servers that send running totals are believed at the end; null changes nothing."""
    pieces = [
        _event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": count}})
        for count in (1, 2, 3)
    ]
    reading = _fold(OK, *pieces, _event({"choices": [], "usage": None}), STOP, DONE)
    assert reading.usage == Usage(input_tokens=9, output_tokens=3)


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        pytest.param(
            _event({"error": {"message": "sorry", "type": "server_error", "code": None}}),
            Verdict.STREAM_ERROR,
            id="data",
        ),
        pytest.param(
            _event({"error": {"message": "sorry", "code": 429}}), Verdict.THROTTLED, id="numeric"
        ),
        pytest.param(
            _event({"error": {"message": "no", "code": "insufficient_quota"}}),
            Verdict.QUOTA,
            id="quota",
        ),
        pytest.param(_event({"error": "sorry"}), Verdict.STREAM_ERROR, id="flat"),
        pytest.param(
            _event({"object": "error", "message": "m", "code": 500}),
            Verdict.SERVER_ERROR,
            id="vllm",
        ),
        pytest.param(_event({"message": "m"}, name="error"), Verdict.STREAM_ERROR, id="named"),
        pytest.param(
            _event({"error": {"code": 503}}, name="error"), Verdict.OVERLOADED, id="named-coded"
        ),
        pytest.param(_event(None, name="error"), Verdict.STREAM_ERROR, id="named-null"),
        pytest.param(b"event: error\ndata: oh no\n\n", Verdict.STREAM_ERROR, id="named-text"),
        pytest.param(b"event: error\n\n", Verdict.STREAM_ERROR, id="named-empty"),
        pytest.param(
            _event({"choices": [{"index": 0, "error": {"code": 502}}]}),
            Verdict.SERVER_ERROR,
            id="in-choice",
        ),
        pytest.param(b"data: {oops\n\n", Verdict.PROTOCOL_ERROR, id="bad-json"),
        pytest.param(b"data: \xff\n\n", Verdict.PROTOCOL_ERROR, id="bad-utf8"),
        pytest.param(b"data:\n\n", Verdict.PROTOCOL_ERROR, id="empty-data"),
        pytest.param(_event(["chunk"]), Verdict.PROTOCOL_ERROR, id="list"),
        pytest.param(_event({"choices": {}}), Verdict.PROTOCOL_ERROR, id="choices-object"),
        pytest.param(_event({"choices": [5]}), Verdict.PROTOCOL_ERROR, id="choice-number"),
        pytest.param(
            _event({"choices": [{"delta": "ok"}]}), Verdict.PROTOCOL_ERROR, id="delta-text"
        ),
        pytest.param(_chunk(content=["ok"]), Verdict.PROTOCOL_ERROR, id="content-list"),
        pytest.param(b"data: " + b"x" * 5000, Verdict.OVERSIZED, id="endless"),
    ],
)
@pytest.mark.parametrize("after", [OK, OK + STOP], ids=["mid-stream", "after-finish"])
def test_failures_inside_a_stream(failure: bytes, verdict: Verdict, after: bytes) -> None:
    """A failure ends the stream, outweighs what came before, and keeps it."""
    stream = ChatStream(event_limit_bytes=1000)
    done = []
    for at_s, piece in enumerate((after, failure), start=1):
        stream.feed(piece, float(at_s))
        done.append(stream.done)
    assert done == [False, True]
    stream.feed(OK + STOP + DONE, 3.0)
    reading = stream.close(4.0)
    assert reading.verdict is verdict
    assert reading.detail
    assert (reading.text, reading.last_token_s, reading.ended_s) == ("ok", 1.0, 2.0)


def test_nothing_after_the_marker_counts() -> None:
    """Bytes behind [DONE] are not looked at, in the same feed or later."""
    reading = _fold(OK + STOP + DONE + OK, b"data: {oops\n\n")
    assert (reading.verdict, reading.text, reading.ended_s) == (Verdict.OK, "ok", 1.0)


def test_a_marker_may_have_white_space() -> None:
    """A second space before [DONE] does not make it a chunk."""
    assert _fold(OK, STOP, b"data:  [DONE] \n\n").ended_s == 3.0


def test_closing_twice_says_the_same() -> None:
    """`close` only looks; it may be asked before the end as well."""
    stream = ChatStream()
    stream.feed(OK, 1.0)
    assert stream.close(2.0).verdict is Verdict.TRUNCATED
    stream.feed(STOP + DONE, 3.0)
    assert stream.close(4.0) == stream.close(5.0)
    assert stream.close(4.0).verdict is Verdict.OK


def test_secrets_do_not_get_into_details() -> None:
    """An error event that repeats our key is shown without it."""
    for failure in (
        b'data: {"error": "bad house-key-1"}\n\n',
        b"event: error\ndata: bad house-key-1\n\n",
        b"data: bad house-key-1\n\n",
    ):
        stream = ChatStream(secrets=["house-key-1"])
        stream.feed(failure, 1.0)
        detail = stream.close(1.0).detail
        assert "house-key-1" not in detail
        assert "***" in detail
