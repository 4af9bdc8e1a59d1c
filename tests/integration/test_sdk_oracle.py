"""The real openai SDK as an oracle: the same bytes give the same text, usage and finish reason.

Only well-formed answers are compared. On malformed ones the two differ on purpose: the SDK hands
them over or raises, the fold here gives them a verdict.
"""

import json
import struct
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.answer import read_chat, read_embeddings
from probes.reading import Reading
from probes.result import Verdict
from probes.stream import ChatStream


@dataclass(frozen=True)
class Heard:
    """What a caller of the SDK gets out of an answer."""

    text: str
    reasoning: str
    finish_reason: str | None
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None


def _client(body: bytes, content_type: str) -> openai.AsyncOpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": content_type}, content=body)

    return openai.AsyncOpenAI(
        api_key="sk-test",
        base_url="http://oracle.test/v1",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
    )


def _heard(
    texts: list[str], reasoning: list[str], finish: str | None, model: str, usage: Any
) -> Heard:
    inputs = usage and usage.prompt_tokens_details
    outputs = usage and usage.completion_tokens_details
    return Heard(
        text="".join(texts),
        reasoning="".join(reasoning),
        finish_reason=finish,
        model=model,
        prompt_tokens=usage and usage.prompt_tokens,
        completion_tokens=usage and usage.completion_tokens,
        cached_tokens=inputs and inputs.cached_tokens,
        reasoning_tokens=outputs and outputs.reasoning_tokens,
    )


async def _sdk_stream(body: bytes) -> Heard:
    texts: list[str] = []
    reasoning: list[str] = []
    finish, model, usage = None, "", None
    async with _client(body, "text/event-stream") as client:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        async for chunk in stream:
            model = model or chunk.model
            usage = chunk.usage or usage
            for choice in chunk.choices:
                texts.append(choice.delta.content or "")
                extra = choice.delta.model_extra or {}
                reasoning.append(extra.get("reasoning_content") or extra.get("reasoning") or "")
                finish = choice.finish_reason or finish
    return _heard(texts, reasoning, finish, model, usage)


async def _sdk_chat(body: bytes) -> Heard:
    async with _client(body, "application/json") as client:
        answer = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}]
        )
    (choice,) = answer.choices
    return _heard(
        [choice.message.content or ""], [], choice.finish_reason, answer.model, answer.usage
    )


def _ours(body: bytes, cut: int) -> Reading:
    stream = ChatStream()
    for at in range(0, len(body), cut):
        stream.feed(body[at : at + cut], float(at))
    return stream.close(float(len(body)))


def _agree(ours: Reading, theirs: Heard) -> None:
    assert ours.text == theirs.text
    assert ours.finish_reason == theirs.finish_reason
    assert ours.returned_model == (theirs.model or None)
    assert ours.usage.input_tokens == theirs.prompt_tokens
    assert ours.usage.output_tokens == theirs.completion_tokens
    assert ours.usage.cached_tokens == theirs.cached_tokens
    assert ours.usage.reasoning_tokens == theirs.reasoning_tokens


_texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["\u2028", '"\\\n', "data: [DONE]", "\r\n\r\n", "😀", "\x00"]
)
_counts = st.integers(0, 10_000)


@st.composite
def _usages(draw: st.DrawFn) -> dict[str, Any]:
    prompt, completion = draw(_counts), draw(_counts)
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if draw(st.booleans()):
        usage["prompt_tokens_details"] = {"cached_tokens": draw(_counts), "audio_tokens": 0}
        usage["completion_tokens_details"] = {"reasoning_tokens": draw(_counts)}
    return usage


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return head | {"choices": [choice]} | more


@st.composite
def _streams(draw: st.DrawFn) -> bytes:
    """Write a well-formed stream the way one server or another would write it."""
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    escaped, spaced = draw(st.booleans()), draw(st.booleans())
    chunks = []
    if draw(st.booleans()):
        chunks.append(_chunk({}, choices=[], model=""))
    chunks.append(_chunk({"role": "assistant", "content": ""}))
    key = draw(st.sampled_from(["reasoning", "reasoning_content"]))
    chunks += [_chunk({key: text}) for text in draw(st.lists(_texts, max_size=3))]
    chunks += [_chunk({"content": text}) for text in draw(st.lists(_texts, min_size=1, max_size=6))]
    chunks.append(_chunk({}, draw(st.sampled_from(["stop", "length"]))))
    if draw(st.booleans()):
        chunks.append(_chunk({}, choices=[], usage=draw(_usages())))
    blocks = [
        f"data:{' ' if spaced else ''}{json.dumps(chunk, ensure_ascii=escaped)}" for chunk in chunks
    ]
    if draw(st.booleans()):
        blocks.insert(draw(st.integers(0, len(blocks))), ": keep-alive")
    return "".join(block + end + end for block in [*blocks, "data: [DONE]"]).encode()


@settings(max_examples=150, deadline=None)
@given(body=_streams(), cut=st.integers(1, 64))
async def test_streams_read_as_the_sdk_reads_them(body: bytes, cut: int) -> None:
    """Any well-formed stream, however it is cut, gives what a user of the SDK gets."""
    ours, theirs = _ours(body, cut), await _sdk_stream(body)
    _agree(ours, theirs)
    assert ours.verdict in (Verdict.OK, Verdict.EMPTY)
    assert (ours.verdict is Verdict.EMPTY) == (theirs.text.strip() == "")
    assert (ours.first_visible_token_s is None) == (theirs.text == "")
    assert (ours.first_token_s is None) == (theirs.text + theirs.reasoning == "")


@settings(max_examples=150, deadline=None)
@given(
    text=_texts,
    finish=st.sampled_from(["stop", "length"]),
    usage=_usages(),
    escaped=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
async def test_answers_read_as_the_sdk_reads_them(
    text: str, finish: str, usage: dict[str, Any], escaped: bool, indent: int | None
) -> None:
    """Any well-formed completion gives what a user of the SDK gets."""
    message = {"role": "assistant", "content": text, "refusal": None}
    answer = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": usage,
    }
    body = json.dumps(answer, ensure_ascii=escaped, indent=indent).encode()
    _agree(read_chat(body), await _sdk_chat(body))


@settings(max_examples=100, deadline=None)
@given(
    vector=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8),
    packed=st.booleans(),
    tokens=_counts,
)
async def test_vectors_read_as_the_sdk_reads_them(
    vector: list[float], packed: bool, tokens: int
) -> None:
    """Lists and base64 give the SDK's numbers."""
    raw = struct.pack(f"<{len(vector)}f", *vector)
    embedding = b64encode(raw).decode() if packed else vector
    answer = {
        "object": "list",
        "model": "e-1",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    body = json.dumps(answer).encode()
    async with _client(body, "application/json") as client:
        theirs = await client.embeddings.create(model="e-1", input="hi")
    ours = read_embeddings(body)
    assert ours.vector == tuple(theirs.data[0].embedding)
    assert ours.usage.input_tokens == theirs.usage.prompt_tokens
    assert ours.returned_model == theirs.model


_SAMPLES = Path(__file__).parent / "samples"
_AZURE = (_SAMPLES / "azure.sse").read_bytes()
_OPENROUTER = (_SAMPLES / "openrouter.sse").read_bytes()
_VLLM = (
    b'data: {"id":"v","object":"chat.completion.chunk","created":1,"model":"llama","choices":'
    b'[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}'
    b"\r\n\r\n"
    b'data: {"id":"v","object":"chat.completion.chunk","created":1,"model":"llama","choices":'
    b'[{"index":0,"delta":{"content":"ok"},"logprobs":null,"finish_reason":"stop",'
    b'"stop_reason":null}]}\r\n\r\n'
    b'data: {"id":"v","object":"chat.completion.chunk","created":1,"model":"llama","choices":[],'
    b'"usage":{"prompt_tokens":5,"total_tokens":7,"completion_tokens":2}}\r\n\r\n'
    b"data: [DONE]\r\n\r\n"
)


@pytest.mark.parametrize("body", [_AZURE, _OPENROUTER, _VLLM], ids=["azure", "openrouter", "vllm"])
@pytest.mark.parametrize("cut", [1, 7, 1_000_000])
async def test_streams_as_servers_send_them(body: bytes, cut: int) -> None:
    """The habits of real servers (filter results, comments, empty models) change nothing."""
    ours = _ours(body, cut)
    _agree(ours, await _sdk_stream(body))
    assert (ours.verdict, ours.text) == (Verdict.OK, "ok")


async def test_a_cut_stream_is_where_we_differ() -> None:
    """The SDK ends a cut stream without a word; here it is truncated."""
    body = _VLLM[: _VLLM.index(b"\r\n\r\n", 300)]
    theirs = await _sdk_stream(body)
    assert theirs.finish_reason is None
    assert _ours(body, 1).verdict is Verdict.TRUNCATED


async def test_an_error_with_status_200_is_where_we_differ() -> None:
    """The SDK makes a completion without choices of it; here it is what the error says."""
    body = b'{"error": {"message": "spent", "code": "insufficient_quota"}}'
    async with _client(body, "application/json") as client:
        theirs = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}]
        )
    assert theirs.model_dump()["choices"] is None
    assert read_chat(body).verdict is Verdict.QUOTA
