"""Whatever bytes arrive and however they are cut: one reading, and never an exception."""

import json
import math
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from probes.answer import read_chat, read_embeddings
from probes.classify import classify_response
from probes.reading import Reading
from probes.result import DETAIL_LIMIT, Fault, Verdict
from probes.sse import Event, EventSource
from probes.stream import ChatStream
from tests.property.readings import timeless

_KEYS = (
    *("choices", "delta", "message", "content", "refusal", "reasoning", "finish_reason", "index"),
    *("error", "code", "type", "usage", "prompt_tokens", "completion_tokens", "tool_calls"),
    *("data", "embedding", "model"),
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_chunks = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {
                    "delta": st.fixed_dictionaries(
                        {},
                        optional={
                            "content": st.none() | st.text(max_size=8),
                            "reasoning": st.text(max_size=4),
                            "refusal": st.just("no"),
                        },
                    ),
                    "finish_reason": st.sampled_from([None, None, None, "stop", "length", "error"]),
                }
            ),
            max_size=2,
        ),
    },
    optional={"usage": st.none() | st.just({"prompt_tokens": 3, "completion_tokens": 4})},
)
_end_of_line = st.sampled_from(["\n", "\r", "\r\n"])


@st.composite
def _event(draw: st.DrawFn) -> bytes:
    end = draw(_end_of_line)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return f": comment{end}{end}".encode()
    if kind == 1:
        return f"data: [DONE]{end}{end}".encode()
    if kind == 2:
        name = draw(st.sampled_from(["ping", "error"]))
        return f"id: 1{end}retry: 5{end}event: {name}{end}{end}".encode()
    value = draw(_json if kind == 3 else _chunks)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    return f"data: {text}{end}{end}".encode("utf-8", "surrogatepass")


_streams = st.lists(_event() | st.binary(max_size=12), max_size=10).map(b"".join)


@st.composite
def _cut(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Draw a stream, whole and in pieces (some of them empty)."""
    whole = draw(_streams)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    edges = [0, *cuts, len(whole)]
    return whole, [whole[start:end] for start, end in pairwise(edges)]


def _fold(pieces: list[bytes], limit_bytes: int) -> Reading:
    stream = ChatStream(event_limit_bytes=limit_bytes)
    for at_s, piece in enumerate(pieces):
        stream.feed(piece, float(at_s))
    return stream.close(1000.0)


@settings(max_examples=200, deadline=None)
@given(cut=_cut(), limit_bytes=st.sampled_from([16, 100, 10_000]))
def test_the_reading_does_not_depend_on_the_cuts(
    cut: tuple[bytes, list[bytes]], limit_bytes: int
) -> None:
    """In one piece, in any pieces or byte by byte, a stream reads the same, times aside."""
    whole, pieces = cut
    expected = timeless(_fold([whole], limit_bytes))
    assert timeless(_fold(pieces, limit_bytes)) == expected
    single = [whole[i : i + 1] for i in range(len(whole))]
    assert timeless(_fold(single, limit_bytes)) == expected


@settings(max_examples=200, deadline=None)
@given(cut=_cut())
def test_token_times_are_in_order(cut: tuple[bytes, list[bytes]]) -> None:
    """First token <= first visible <= last <= end, and text comes with a visible token."""
    reading = _fold(cut[1], 10_000)
    times = [reading.first_token_s, reading.first_visible_token_s, reading.last_token_s]
    seen = [time for time in times if time is not None]
    assert seen == sorted(seen)
    assert reading.ended_s is not None
    assert all(time <= reading.ended_s for time in seen)
    assert not reading.text or reading.first_visible_token_s is not None
    assert (reading.first_token_s is None) == (reading.last_token_s is None)


def _naive_events(data: bytes) -> list[Event]:
    """Read the same standard the slow and obvious way: split everything, then look at lines."""
    text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf")
    events, name, parts = [], "", list[bytes]()
    for line in text.split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if parts or name == "error":
                events.append(Event(name, b"\n".join(parts)))
            name, parts = "", []
        elif field == b"data":
            parts.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return events


_sse_bits = st.sampled_from(
    [
        *(b"\n", b"\r", b"\r\n", b"data: ", b"data", b":", b" ", b"event: x", b"event: error"),
        *(b"\xc3", b"\xa9", b"\xef\xbb\xbf", b"id: 1", b"a"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(_sse_bits, max_size=30))
def test_events_agree_with_an_obvious_parser(pieces: list[bytes]) -> None:
    """Fed in small pieces, the source gives what splitting the whole text gives."""
    source = EventSource()
    found = [event for piece in pieces for event in source.feed(piece)]
    whole = b"".join(pieces)
    # A CR at the very end is the end of a line at once; only then is the last line complete.
    assert found == _naive_events(whole)


def _check(reading: Reading) -> None:
    assert len(reading.detail) <= DETAIL_LIMIT
    assert reading.detail.isprintable()
    assert (reading.verdict is Verdict.OK) == (reading.fault is Fault.NONE)
    assert reading.verdict is Verdict.OK or reading.detail
    if reading.vector is not None:
        assert reading.vector
        assert all(math.isfinite(number) for number in reading.vector)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_body_gives_a_reading(body: bytes) -> None:
    """Plain answers never raise, and every reading keeps the promises of its type."""
    _check(read_chat(body))
    _check(read_embeddings(body))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200) | _streams)
def test_any_stream_gives_a_reading(data: bytes) -> None:
    """Streams never raise either."""
    _check(_fold([data], 10_000))


@settings(max_examples=200, deadline=None)
@given(
    status=st.integers(-1, 1000),
    headers=st.dictionaries(st.text(max_size=8) | st.just("location"), st.text(max_size=20)),
    body=st.binary(max_size=100) | _json.map(lambda value: json.dumps(value).encode()),
    preset=st.sampled_from(["openai", "xai", "compatible", ""]),
)
def test_any_response_is_classified(
    status: int, headers: dict[str, str], body: bytes, preset: str
) -> None:
    """A response that is not the one we asked for is never `ok` and never raises."""
    found = classify_response(status, headers, body, preset=preset)
    assert found.verdict is not Verdict.OK
    assert found.fault is not Fault.NONE
    assert found.detail
    assert len(found.detail) <= DETAIL_LIMIT
    assert found.detail.isprintable()
