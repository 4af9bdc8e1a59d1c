"""The bytes the simulator answers with."""

import base64
import json
import math
import struct

import pytest

from monitor.simulator.answers import (
    DONE,
    Bucket,
    answer,
    chat_body,
    chat_events,
    embeddings_body,
    go_duration,
    limit_headers,
    luck,
    models_body,
    refusal_of,
    unknown_model,
)
from monitor.simulator.exchange import HEAD_RATIO, timeline
from monitor.simulator.journal import Journal
from monitor.simulator.requests import Asked
from monitor.simulator.script import Behaviour, Outcome

OK = Asked(model="gpt-4o", prompt="Answer with the single word: ok")


def events_of(data: tuple[bytes, ...]) -> list[dict[str, object]]:
    """Decode the JSON of events that carry some."""
    return [json.loads(event.removeprefix(b"data: ")) for event in data]


def test_the_answer_says_ok_when_it_is_asked_to() -> None:
    """A prompt with the word ok gets it first; another prompt does not."""
    assert answer(OK, number=1, created=0).pieces[0].lower().startswith("ok")
    other = answer(Asked(model="gpt-4o", prompt="look"), number=1, created=0)
    assert "ok" not in "".join(other.pieces).lower()


@pytest.mark.parametrize(("limit", "finish"), [(2, "length"), (99, "stop"), (None, "stop")])
def test_a_token_limit_cuts_the_answer_with_finish_length(limit: int | None, finish: str) -> None:
    """Fewer tokens than the answer has means finish reason `length`."""
    asked = Asked(model="gpt-4o", prompt="ok", max_tokens=limit)
    said = answer(asked, number=1, created=0)
    assert said.finish_reason == finish
    assert len(said.pieces) == min(5, limit or 99)


def test_chat_body_counts_its_own_tokens() -> None:
    """Usage adds up, and output tokens are the pieces a stream would send."""
    said = answer(OK, number=1, created=7)
    body = json.loads(chat_body(said))
    usage = body["usage"]
    assert body["choices"][0]["message"]["content"] == "".join(said.pieces)
    assert usage["completion_tokens"] == len(said.pieces)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert body["created"] == 7


def test_a_stream_opens_with_a_role_and_ends_with_usage_and_done() -> None:
    """Role and empty content first; finish reason, usage without choices, end marker last."""
    said = answer(OK, number=1, created=0)
    events = chat_events(said, include_usage=True)
    (opening,) = events_of((events.opening,))
    assert opening["choices"][0]["delta"] == {  # type: ignore[index]  # JSON is untyped
        "role": "assistant",
        "content": "",
        "refusal": None,
    }
    *closing, done = events.closing
    finish, usage = events_of(tuple(closing))
    assert finish["choices"][0]["finish_reason"] == "stop"  # type: ignore[index]  # likewise
    assert (usage["choices"], usage["usage"]) == ([], said.usage)
    assert done == DONE
    assert len(events.tokens) == len(said.pieces)


def test_a_stream_without_the_option_has_no_usage() -> None:
    """Unless include_usage is asked for no event mentions usage at all."""
    events = chat_events(answer(OK, number=1, created=0), include_usage=False)
    assert not any(b"usage" in event for event in (events.opening, *events.tokens, *events.closing))


def test_embeddings_are_unit_vectors_that_depend_on_model_and_text() -> None:
    """The same question has the same vector, any other a different one, all of length 1."""
    asked = Asked(model="text-embedding-3-large", prompt="", inputs=("a", "b", "a"))
    body = json.loads(embeddings_body(asked))
    vectors = [item["embedding"] for item in body["data"]]
    assert [item["index"] for item in body["data"]] == [0, 1, 2]
    assert {len(vector) for vector in vectors} == {3072}
    assert vectors[0] == vectors[2] != vectors[1]
    assert math.dist(vectors[0], [0.0] * 3072) == pytest.approx(1.0, abs=1e-5)


def test_base64_embeddings_hold_the_same_floats() -> None:
    """The base64 form is little-endian float32 of the very same vector."""
    plain = Asked(model="text-embedding-3-small", prompt="", inputs=("a",), dimensions=8)
    coded = Asked(
        model="text-embedding-3-small", prompt="", inputs=("a",), dimensions=8, base64=True
    )
    floats = json.loads(embeddings_body(plain))["data"][0]["embedding"]
    raw = base64.b64decode(json.loads(embeddings_body(coded))["data"][0]["embedding"])
    assert list(struct.unpack("<8f", raw)) == floats


def test_an_unknown_embedding_model_has_the_common_size() -> None:
    """A model added by name answers with 1536 components."""
    body = json.loads(embeddings_body(Asked(model="house", prompt="", inputs=("a",))))
    assert len(body["data"][0]["embedding"]) == 1536


def test_models_are_listed_in_the_order_given() -> None:
    """The list carries one object for each model."""
    body = json.loads(models_body(["b", "a"]))
    assert [model["id"] for model in body["data"]] == ["b", "a"]


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Outcome.THROTTLED, 429, "rate_limit_exceeded"),
        (Outcome.QUOTA, 429, "insufficient_quota"),
        (Outcome.SERVER_ERROR, 500, None),
        (Outcome.OVERLOADED, 503, "server_is_overloaded"),
    ],
)
def test_error_outcomes_have_openai_s_status_and_code(
    outcome: Outcome, status: int, code: str | None
) -> None:
    """Each error outcome is told apart by status and code, as OpenAI's are."""
    refusal = refusal_of(outcome, "gpt-4o", 2.0)
    assert refusal is not None
    assert (refusal.status, refusal.code) == (status, code)


@pytest.mark.parametrize("outcome", [Outcome.ANSWER, Outcome.CUT, Outcome.DROPPED, Outcome.HANG])
def test_other_outcomes_are_no_errors(outcome: Outcome) -> None:
    """An answer, a cut one or a hang has no error body."""
    assert refusal_of(outcome, "gpt-4o", 2.0) is None


def test_unknown_models_are_a_404_with_their_name() -> None:
    """A model that is not served is `model_not_found`."""
    refusal = unknown_model("gpt-9")
    assert (refusal.status, refusal.code) == (404, "model_not_found")
    assert "`gpt-9`" in refusal.message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"),
        (0.0061, "7ms"),
        (0.12, "120ms"),
        (1.0, "1s"),
        (1.5, "1.5s"),
        (360.0, "6m0s"),
        (3661.25, "1h1m1.25s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    """Milliseconds below a second, then hours, minutes and seconds without spaces."""
    assert go_duration(seconds) == text


def test_a_bucket_empties_and_refills() -> None:
    """Taking lowers what remains, never below 0; a minute fills it whatever was taken."""
    bucket = Bucket.full(60)
    bucket.take(90, 100.0)
    assert bucket.headers("requests") == limit_headers("requests", 60, 0, 60.0)
    bucket.take(0, 130.0)
    assert bucket.headers("requests") == limit_headers("requests", 60, 30, 30.0)
    bucket.take(0, 999.0)
    assert bucket.headers("requests")["x-ratelimit-remaining-requests"] == "60"


def test_luck_repeats_and_spreads() -> None:
    """The same parts have the same luck; different ones cover the range evenly."""
    drawn = [luck(0, "gpt-4o", n) for n in range(400)]
    assert drawn == [luck(0, "gpt-4o", n) for n in range(400)]
    assert all(0.0 <= one < 1.0 for one in drawn)
    assert sum(drawn) / 400 == pytest.approx(0.5, abs=0.05)
    assert luck(1, "gpt-4o", 0) != drawn[0]


def test_a_stream_keeps_its_cadence() -> None:
    """Head early, tokens evenly after the first, all the closing events with the last token."""
    events = chat_events(answer(OK, number=1, created=0), include_usage=True)
    timed = timeline(events, Behaviour(first_token_s=1.0, token_s=0.1), 2.0)
    at = [at_s for at_s, _ in timed]
    assert at == pytest.approx([2 * HEAD_RATIO, 2.0, 2.2, 2.4, 2.6, 2.8, 2.8, 2.8, 2.8])
    assert timed[-1][1] == DONE


@pytest.mark.parametrize("outcome", [Outcome.CUT, Outcome.DROPPED])
def test_a_cut_stream_has_tokens_but_neither_finish_nor_end_marker(outcome: Outcome) -> None:
    """It stops halfway: at least one token, no finish reason, no [DONE]."""
    events = chat_events(answer(OK, number=1, created=0), include_usage=True)
    sent = [event for _, event in timeline(events, Behaviour(outcome=outcome), 1.0)]
    assert sent == [events.opening, *events.tokens[:3]]


def test_a_stream_without_tokens_still_ends() -> None:
    """An answer of no tokens is an opening and a closing."""
    said = answer(Asked(model="m", prompt="ok", max_tokens=0), number=1, created=0)
    events = chat_events(said, include_usage=False)
    timed = timeline(events, Behaviour(first_token_s=1.0), 1.0)
    assert [event for _, event in timed] == [events.opening, *events.closing]


def test_the_journal_keeps_requests_in_order_of_arrival() -> None:
    """Numbers count from 1, and an entry can be filled in after it was opened."""
    journal = Journal()
    first = journal.open(request_id="a", path="/x", at=1.0, phase="healthy", connection="c:1")
    journal.open(request_id="b", path="/x", at=2.0, phase="healthy", connection="c:2")
    first.status = 200
    rows = [json.loads(line) for line in journal.lines()]
    assert [(row["number"], row["request_id"], row["status"]) for row in rows] == [
        (1, "a", 200),
        (2, "b", None),
    ]
    assert journal.opened == 2
