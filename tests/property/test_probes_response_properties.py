"""Responses, models, patterns and drift: whatever comes, one reading and no exception."""

import json
import math
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from probes.answer_schema import AnswerSchema, TextPattern
from probes.drift import KNOWN_LIMIT, Drift, DriftKind
from probes.expect import judge
from probes.model_list import read_models
from probes.reading import Reading
from probes.reference import Reference
from probes.response_answer import read_response
from probes.response_stream import ResponseStream
from probes.result import DETAIL_LIMIT, Fault, Operation, ProbeResult, Verdict
from probes.target import Expectation, Target
from tests.property.readings import timeless

_KINDS = st.sampled_from(
    [
        *("response.output_text.delta", "response.refusal.delta", "response.reasoning_text.delta"),
        *("response.completed", "response.incomplete", "response.failed", "error", "ping"),
        *("response.created", "response.function_call_arguments.delta"),
    ]
)
_KEYS = (
    *("type", "delta", "response", "status", "output", "content", "text", "refusal", "error"),
    *("code", "incomplete_details", "reason", "usage", "input_tokens", "model", "data", "id"),
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | _KINDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
_parts = st.fixed_dictionaries(
    {"type": _KINDS},
    optional={"delta": st.text(max_size=4) | _json, "response": _json, "error": _json},
)


@st.composite
def _event(draw: st.DrawFn) -> bytes:
    value = draw(_parts | _json)
    name = f"event: {draw(_KINDS)}\n" if draw(st.booleans()) else ""
    return f"{name}data: {json.dumps(value)}\n\n".encode()


_streams = st.lists(
    _event() | st.binary(max_size=12) | st.just(b"data: [DONE]\n\n"), max_size=8
).map(b"".join)


def _fold(pieces: list[bytes]) -> Reading:
    stream = ResponseStream()
    for at_s, piece in enumerate(pieces):
        stream.feed(piece, float(at_s))
    return stream.close(1000.0)


def _check(reading: Reading) -> None:
    assert len(reading.detail) <= DETAIL_LIMIT
    assert reading.detail.isprintable()
    assert (reading.verdict is Verdict.OK) == (reading.fault is Fault.NONE)
    assert reading.verdict is Verdict.OK or reading.detail


@settings(max_examples=200, deadline=None)
@given(whole=_streams, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_a_streamed_response_reads_the_same_however_it_is_cut(
    whole: bytes, cuts: list[int]
) -> None:
    """In one piece, in any pieces or byte by byte; and never without a verdict."""
    expected = _fold([whole])
    _check(expected)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert timeless(_fold(pieces)) == timeless(expected)
    single = [whole[i : i + 1] for i in range(len(whole))]
    assert timeless(_fold(single)) == timeless(expected)


@settings(max_examples=100, deadline=None)
@given(whole=_streams)
def test_only_a_terminal_event_makes_a_streamed_response_ok(whole: bytes) -> None:
    """Nothing else can fool it into success."""
    if _fold([whole]).verdict is Verdict.OK:
        assert b"response.completed" in whole or b"response.incomplete" in whole


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_body_gives_a_reading(body: bytes) -> None:
    """Of a response, and of a list of models."""
    _check(read_response(body))
    _check(read_models(body))


_WANTED = Expectation(
    regex=TextPattern("(?i)o.*k|^[0-9]+$"),
    json_schema=AnswerSchema('{"required": ["a"], "properties": {"a": {"const": [1]}}}'),
)


def _target(operation: Operation, wanted: Expectation) -> Target:
    return Target(
        name="t",
        provider="p",
        preset="openai",
        model="m",
        operation=operation,
        prompt="?",
        expect=wanted,
    )


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(max_size=40)
    | st.text(alphabet='[]{}"a:1\ud800`', max_size=40)
    | _json.map(json.dumps).map(lambda text: f"```json\n{text}\n```")
    | st.integers(1, 9000).map(lambda depth: "[" * depth + "]" * depth)
)
def test_any_text_can_be_judged(text: str) -> None:
    """Deep, long, broken or no Unicode at all: a verdict, and never an exception."""
    reading = Reading(verdict=Verdict.OK, fault=Fault.NONE, text=text)
    for wanted in (
        _WANTED,
        replace(_WANTED, regex=None),
        Expectation(contains="a", equals="b"),
    ):
        _check(judge(reading, _target(Operation.CHAT, wanted)))


_vectors = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4).map(tuple)


@settings(max_examples=300, deadline=None)
@given(first=_vectors, second=_vectors)
def test_a_cosine_is_a_cosine_or_none(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    """Within -1..1 for any finite vectors, tiny and huge ones too; what is kept is read again."""
    reference = Reference.of(first)
    if reference is None:
        return
    assert Reference.from_bytes(reference.to_bytes()) == reference
    cosine = reference.cosine(second)
    assert cosine is None or -1.0 <= cosine <= 1.0


@settings(max_examples=200, deadline=None)
@given(
    vector=st.lists(
        st.floats(min_value=-10, max_value=10, width=32).filter(lambda x: abs(x) > 1e-3),
        min_size=1,
        max_size=8,
    ).map(tuple),
    scale=st.floats(min_value=0.01, max_value=100),
)
def test_a_vector_is_like_itself_at_any_length(vector: tuple[float, ...], scale: float) -> None:
    """The oracle is the definition: the product over the lengths."""
    reference = Reference.of(vector)
    assert reference is not None
    other = tuple(x * scale for x in reversed(vector))
    product = math.fsum(a * b for a, b in zip(vector, other, strict=True))
    cosine = reference.cosine(other)
    assert cosine is not None
    assert abs(cosine - product / (math.hypot(*vector) * math.hypot(*other))) < 1e-9
    assert reference.cosine(tuple(x * scale for x in vector)) is not None


@settings(max_examples=200, deadline=None)
@given(seen=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 600_000)), max_size=40))
def test_an_event_is_a_value_unseen_for_a_week(seen: list[tuple[str, int]]) -> None:
    """The oracle looks at all that was ever seen."""
    drift, last_seen = Drift(), dict[str, float]()
    at = 0.0
    for value, step in seen:
        at += step
        result = ProbeResult(
            target="t",
            provider="p",
            model="m",
            operation=Operation.CHAT,
            location="here",
            slot=1,
            slot_at=at,
            at=at,
            verdict=Verdict.OK,
            fault=Fault.NONE,
            total_s=1.0,
            fingerprint=value,
        )
        sightings = drift.learn(result)
        fresh = value not in last_seen or at - last_seen[value] > 7 * 86_400
        assert len(last_seen) < KNOWN_LIMIT
        assert [each.kind for each in sightings] == [DriftKind.FINGERPRINT] * fresh
        last_seen[value] = at
