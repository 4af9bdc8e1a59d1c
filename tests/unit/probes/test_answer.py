"""Plain JSON answers: ok only when everything is there and of the right type."""

import base64
import json
import struct
from typing import Any

import pytest

from probes.answer import Reading, Usage, read_chat, read_embeddings
from probes.result import Fault, Verdict


def _chat(**changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-mini-2024-07-18",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ok", "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }
    return answer | changes


def _message(finish_reason: object = "stop", **message: Any) -> dict[str, Any]:
    return _chat(choices=[{"index": 0, "message": message, "finish_reason": finish_reason}])


def _read(answer: object) -> Reading:
    return read_chat(json.dumps(answer).encode())


def test_a_good_answer() -> None:
    """Text, finish reason, usage, model and fingerprint are read; there are no token times."""
    assert _read(_chat()) == Reading(
        verdict=Verdict.OK,
        fault=Fault.NONE,
        text="ok",
        finish_reason="stop",
        usage=Usage(input_tokens=9, output_tokens=1),
        returned_model="gpt-4o-mini-2024-07-18",
        fingerprint="fp_1",
    )


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        pytest.param(b"", Verdict.EMPTY, id="nothing"),
        pytest.param(b" \r\n", Verdict.EMPTY, id="white-space"),
        pytest.param(b"<!doctype html><p>Hello", Verdict.PROTOCOL_ERROR, id="html"),
        pytest.param(b"null", Verdict.PROTOCOL_ERROR, id="null"),
        pytest.param(b"[]", Verdict.PROTOCOL_ERROR, id="list"),
        pytest.param(b'"ok"', Verdict.PROTOCOL_ERROR, id="text"),
        pytest.param(b"true", Verdict.PROTOCOL_ERROR, id="bool"),
        pytest.param(b'{"choices": [', Verdict.PROTOCOL_ERROR, id="cut"),
        pytest.param(b'{"choices": "\xff"}', Verdict.PROTOCOL_ERROR, id="not-utf8"),
        pytest.param(b"[" * 100_000, Verdict.PROTOCOL_ERROR, id="deep"),
        pytest.param(b'{"a":' * 100_000, Verdict.PROTOCOL_ERROR, id="deep-objects"),
        pytest.param(b'{"created": ' + b"9" * 5000 + b"}", Verdict.PROTOCOL_ERROR, id="huge-int"),
        pytest.param(b"{}", Verdict.PROTOCOL_ERROR, id="empty-object"),
    ],
)
def test_bytes_that_are_no_answer(body: bytes, verdict: Verdict) -> None:
    """Whatever came with the 200 is a failure with a verdict, for both operations."""
    for reading in (read_chat(body), read_embeddings(body)):
        assert (reading.verdict, reading.fault) == (verdict, Fault.PROVIDER)
        assert reading.detail


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_chat(choices=None), id="choices-null"),
        pytest.param(_chat(choices={"0": {}}), id="choices-object"),
        pytest.param(_chat(choices=[None]), id="choice-null"),
        pytest.param(_chat(choices=[{"finish_reason": "stop"}]), id="no-message"),
        pytest.param(_chat(choices=[{"message": []}]), id="message-list"),
        pytest.param(_message(content=["ok"]), id="content-list"),
        pytest.param(_message(content=5), id="content-number"),
        pytest.param(_message(content=[{"type": "text"}]), id="content-part-without-text"),
        pytest.param(_message(content="ok", refusal=True), id="refusal-true"),
        pytest.param(_message(5, content="ok"), id="finish-reason-number"),
    ],
)
def test_malformed_completions(answer: object) -> None:
    """A completion that lacks something, or holds it in another type, is a protocol error."""
    reading = _read(answer)
    assert (reading.verdict, reading.fault) == (Verdict.PROTOCOL_ERROR, Fault.PROVIDER)
    assert reading.returned_model == "gpt-4o-mini-2024-07-18"


@pytest.mark.parametrize(
    ("answer", "verdict", "fault"),
    [
        pytest.param(_chat(choices=[]), Verdict.EMPTY, Fault.PROVIDER, id="no-choices"),
        pytest.param(_message(content=""), Verdict.EMPTY, Fault.PROVIDER, id="no-text"),
        pytest.param(_message(content=" \n"), Verdict.EMPTY, Fault.PROVIDER, id="white-space"),
        pytest.param(_message(content=[]), Verdict.EMPTY, Fault.PROVIDER, id="no-parts"),
        pytest.param(_message(None, content="ok"), Verdict.OK, Fault.NONE, id="no-finish-reason"),
        pytest.param(
            _message(content="ok", refusal=False), Verdict.OK, Fault.NONE, id="refusal-false"
        ),
        pytest.param(_message(), Verdict.EMPTY, Fault.PROVIDER, id="empty-message"),
        pytest.param(
            _message("length", content=None, reasoning_content="hmm"),
            Verdict.EMPTY,
            Fault.REQUEST,
            id="reasoning-only",
        ),
        pytest.param(
            _message(content=None, refusal="I can't."), Verdict.REFUSED, Fault.REQUEST, id="refusal"
        ),
        pytest.param(
            _message("content_filter", content="ha"), Verdict.REFUSED, Fault.REQUEST, id="filter"
        ),
        pytest.param(
            _message("tool_calls", content=None, tool_calls=[{"id": "1"}]),
            Verdict.OK,
            Fault.NONE,
            id="tool-calls",
        ),
        pytest.param(
            _message("function_call", content=None, function_call={"name": "f"}),
            Verdict.OK,
            Fault.NONE,
            id="function-call",
        ),
    ],
)
def test_incomplete_completions(answer: object, verdict: Verdict, fault: Fault) -> None:
    """A well-formed completion may still hold no answer, and not always by the provider's fault."""
    reading = _read(answer)
    assert (reading.verdict, reading.fault) == (verdict, fault)
    assert reading.usage.input_tokens == 9


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"error": {"message": "m", "code": "insufficient_quota"}}, Verdict.QUOTA),
        ({"error": {"message": "m", "code": 429}}, Verdict.THROTTLED),
        ({"error": "something broke"}, Verdict.PROTOCOL_ERROR),
        ({"code": "c", "error": "Incorrect API key provided"}, Verdict.AUTH),
        ({"object": "error", "message": "m", "code": 503}, Verdict.OVERLOADED),
        ([{"error": {"code": 400, "message": "API key not valid"}}], Verdict.AUTH),
        (_chat(error={"message": "m", "code": 502}), Verdict.SERVER_ERROR),
        (_chat(choices=[{"error": {"message": "m", "code": 502}}]), Verdict.SERVER_ERROR),
    ],
)
def test_an_error_with_status_200(answer: object, verdict: Verdict) -> None:
    """An error object inside a 200 is classified by what it says, a protocol error at worst."""
    assert _read(answer).verdict is verdict
    assert read_embeddings(json.dumps(answer).encode()).verdict in (verdict, Verdict.PROTOCOL_ERROR)


def test_an_empty_error_beside_a_good_answer_is_none() -> None:
    """Some servers always send `error: null`."""
    assert _read(_chat(error=None)).verdict is Verdict.OK


def test_lone_surrogates_in_the_text_are_kept() -> None:
    """The text is what was sent, an escaped half of a pair included."""
    body = json.dumps(_chat()).replace('"ok"', r'"\ud83d"').encode()
    assert read_chat(body).text == "\ud83d"


def test_secrets_do_not_get_into_details() -> None:
    """A page that repeats our key is shown without it."""
    secrets = ["house-key-1"]
    html = read_chat(b"<p>house-key-1</p>", secrets=secrets)
    error = read_embeddings(b'{"error": "bad house-key-1"}', secrets=secrets)
    assert "***" in html.detail
    assert "***" in error.detail
    assert "house-key-1" not in html.detail + error.detail


def _embeddings(embedding: object, **changes: Any) -> Reading:
    answer = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
    return read_embeddings(json.dumps(answer | changes).encode())


def _base64(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.mark.parametrize("embedding", [[0.5, -1.0, 2], _base64(0.5, -1.0, 2.0)])
def test_a_good_vector(embedding: object) -> None:
    """A list of numbers and base64 of 32-bit floats give the same vector."""
    assert _embeddings(embedding) == Reading(
        verdict=Verdict.OK,
        fault=Fault.NONE,
        vector=(0.5, -1.0, 2.0),
        usage=Usage(input_tokens=4, output_tokens=0),
        returned_model="text-embedding-3-small",
    )


@pytest.mark.parametrize(
    "embedding",
    [
        pytest.param(None, id="null"),
        pytest.param({}, id="object"),
        pytest.param([0.5, True], id="bool"),
        pytest.param([0.5, "1"], id="text-inside"),
        pytest.param([0.5, None], id="null-inside"),
        pytest.param([[0.5]], id="nested"),
        pytest.param([10**400], id="huge-int"),
        pytest.param("not base64!", id="not-base64"),
        pytest.param("!" + _base64(0.5, -1.0, 2.0), id="a-stray-character"),
        pytest.param("ŵŵŵŵ", id="not-ascii"),
        pytest.param("AAA=", id="cut-base64"),
        pytest.param(_base64(float("nan")), id="nan"),
        pytest.param(_base64(float("inf"), 1.0), id="infinite"),
    ],
)
def test_malformed_vectors(embedding: object) -> None:
    """A vector holds finite numbers and nothing else."""
    assert _embeddings(embedding).verdict is Verdict.PROTOCOL_ERROR


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_not_finite(number: str) -> None:
    """NaN is no JSON, and an overflowing number is no component of a vector."""
    body = f'{{"data": [{{"embedding": [{number}]}}]}}'.encode()
    assert read_embeddings(body).verdict is Verdict.PROTOCOL_ERROR


@pytest.mark.parametrize("embedding", [[], "", [0.0, -0.0, 0], _base64(0.0, 0.0)])
def test_an_empty_vector_is_empty(embedding: object) -> None:
    """A vector without components holds nothing, nor does one that points nowhere."""
    assert _embeddings(embedding).verdict is Verdict.EMPTY


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ([], Verdict.EMPTY),
        (None, Verdict.PROTOCOL_ERROR),
        ({}, Verdict.PROTOCOL_ERROR),
        ([3], Verdict.PROTOCOL_ERROR),
    ],
)
def test_malformed_data(data: object, verdict: Verdict) -> None:
    """Data is a list of objects; an empty one is empty."""
    assert _embeddings([1.0], data=data).verdict is verdict


def test_embeddings_without_usage_have_unknown_tokens() -> None:
    """The output of 0 tokens is only stated beside a known input."""
    assert _embeddings([1.0], usage=None).usage == Usage()
