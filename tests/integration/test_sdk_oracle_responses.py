"""The real openai SDK as an oracle of responses: the same bytes give the same text and usage."""

import json
from typing import Any

import httpx2
import openai
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.response_answer import read_response
from probes.response_stream import ResponseStream
from probes.result import Verdict


def _client(body: bytes, content_type: str) -> openai.AsyncOpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": content_type}, content=body)

    return openai.AsyncOpenAI(
        api_key="sk-test",
        base_url="http://oracle.test/v1",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
    )


# Any: JSON objects of the API's shape.
@st.composite
def _responses(draw: st.DrawFn) -> dict[str, Any]:
    texts = draw(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
    cached, reasoning = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
    reasons = {"id": "r", "type": "reasoning", "summary": []}
    return {
        "id": "resp",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m-1",
        "output": [*([reasons] if draw(st.booleans()) else []), {**message, "content": content}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": 19,
        },
    }


@settings(max_examples=40, deadline=None)
@given(response=_responses())
async def test_a_plain_response_reads_as_the_sdk_reads_it(response: dict[str, Any]) -> None:
    """Text, usage and model."""
    body = json.dumps(response).encode()
    async with _client(body, "application/json") as client:
        theirs = await client.responses.create(model="m", input="hi")
    ours = read_response(body)
    assert theirs.usage is not None
    assert (ours.text, ours.returned_model) == (theirs.output_text, theirs.model)
    assert ours.verdict is (Verdict.OK if theirs.output_text.strip() else Verdict.EMPTY)
    assert ours.usage.input_tokens == theirs.usage.input_tokens
    assert ours.usage.output_tokens == theirs.usage.output_tokens
    assert ours.usage.cached_tokens == theirs.usage.input_tokens_details.cached_tokens
    assert ours.usage.reasoning_tokens == theirs.usage.output_tokens_details.reasoning_tokens


def _event(kind: str, number: int, **parts: object) -> bytes:
    value = {"type": kind, "sequence_number": number, **parts}
    return f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode()


@settings(max_examples=40, deadline=None)
@given(response=_responses())
async def test_a_streamed_response_reads_as_the_sdk_reads_it(response: dict[str, Any]) -> None:
    """The deltas are the text, the last event is the end."""
    texts = [part["text"] for part in response["output"][-1]["content"]]
    place = {"item_id": "m", "output_index": 0, "content_index": 0, "logprobs": []}
    events = [
        _event("response.created", 0, response={**response, "status": "in_progress", "output": []}),
        *(
            _event("response.output_text.delta", number, delta=text, **place)
            for number, text in enumerate(texts, start=1)
        ),
        _event("response.completed", len(texts) + 1, response=response),
    ]
    body = b"".join(events)
    heard, model, output_tokens = "", "", None
    async with _client(body, "text/event-stream") as client:
        async for event in await client.responses.create(model="m", input="hi", stream=True):
            if event.type == "response.output_text.delta":
                heard += event.delta
            elif event.type == "response.completed":
                model, usage = event.response.model, event.response.usage
                output_tokens = usage and usage.output_tokens
    stream = ResponseStream()
    stream.feed(body, 1.0)
    ours = stream.close(2.0)
    assert stream.done
    assert (ours.text, ours.returned_model) == (heard, model)
    assert ours.usage.output_tokens == output_tokens
