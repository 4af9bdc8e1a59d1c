"""The two mock providers answer as their fixtures' documentation says, judged by the real SDK."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import openai
import pytest

from tests.servers.aimock import Aimock
from tests.servers.llmock import Llmock

MESSAGES = [{"role": "user", "content": "say ok"}]


@asynccontextmanager
async def sdk(base_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """Open an SDK client that neither retries nor looks at the environment."""
    http = httpx2.AsyncClient(trust_env=False)
    async with openai.AsyncOpenAI(
        api_key="sk-any", base_url=base_url, max_retries=0, timeout=5.0, http_client=http
    ) as client:
        yield client


async def stream_of(client: openai.AsyncOpenAI, model: str) -> list[object]:
    """Return every chunk of a stream with usage."""
    stream = await client.chat.completions.create(
        model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    return [chunk async for chunk in stream]


async def drain(client: openai.AsyncOpenAI, model: str, into: list[object]) -> None:
    """Read a stream to its end, noting each chunk at once."""
    stream = await client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    async for chunk in stream:
        into.append(chunk)  # noqa: PERF401  # a comprehension would lose them when the stream breaks


async def test_aimock_answers_chat_in_one_piece_and_as_a_stream(aimock: Aimock) -> None:
    """One fixture serves both forms, with its own usage figures."""
    aimock.chat("gpt-mock", "ok, fine", input_tokens=3, output_tokens=2)
    async with sdk(aimock.base_url) as client:
        whole = await client.chat.completions.create(model="gpt-mock", messages=MESSAGES)
        chunks = await stream_of(client, "gpt-mock")
    assert whole.choices[0].message.content == "ok, fine"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (3, 2)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert (text, chunks[-1].usage.completion_tokens) == ("ok, fine", 2)
    assert [entry["response"]["status"] for entry in aimock.requests()] == [200, 200]


async def test_aimock_embeds_with_floats_whatever_is_asked(aimock: Aimock) -> None:
    """The SDK asks for base64 and gets a list; it takes either."""
    aimock.embedding("embed-mock", [0.5, 0.25, -1.0])
    async with sdk(aimock.base_url) as client:
        answer = await client.embeddings.create(model="embed-mock", input="x")
    assert answer.data[0].embedding == [0.5, 0.25, -1.0]


async def test_aimock_throttles_with_headers(aimock: Aimock) -> None:
    """A 429 has Retry-After, empty buckets and Go durations."""
    aimock.throttled("busy", retry_after_s=7)
    async with sdk(aimock.base_url) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="busy", messages=MESSAGES)
    headers = caught.value.response.headers
    assert (caught.value.code, headers["retry-after"]) == ("rate_limit_exceeded", "7")
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-tokens"] == "6m0s"


async def test_aimock_fails_and_drops(aimock: Aimock) -> None:
    """A 500 is a 500; a dropped stream breaks its connection after some chunks."""
    aimock.failing("broken")
    aimock.dropped("leaky", after_chunks=3)
    async with sdk(aimock.base_url) as client:
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="broken", messages=MESSAGES)
        seen: list[object] = []
        with pytest.raises(openai.APIConnectionError):
            await drain(client, "leaky", seen)
    assert 0 < len(seen) <= 3


async def test_llmock_answers_chat_in_one_piece_and_as_a_stream(llmock: Llmock) -> None:
    """A scripted reply is used up; after it the static text returns."""
    llmock.reply("ok then")
    async with sdk(llmock.base_url) as client:
        chunks = await stream_of(client, "gpt-4o")
        whole = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "ok then"
    assert chunks[-1].usage.completion_tokens > 0
    assert whole.choices[0].message.content == "Mock response from gpt-4o."
    assert [entry["completed"] for entry in llmock.requests()] == [True, True]


async def test_llmock_embeds_1536_floats_whatever_is_asked(llmock: Llmock) -> None:
    """It ignores both dimensions and encoding."""
    async with sdk(llmock.base_url) as client:
        answer = await client.embeddings.create(model="any", input="x", dimensions=8)
    assert len(answer.data[0].embedding) == 1536


async def test_llmock_queues_failures(llmock: Llmock) -> None:
    """A 429 with its wait, then a 500, then all is well."""
    llmock.failing(429, retry_after_s=1.5)
    llmock.failing(500)
    async with sdk(llmock.base_url) as client:
        with pytest.raises(openai.RateLimitError) as throttled:
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    headers = throttled.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "1500")
    assert "x-ratelimit-limit-requests" not in headers


async def test_llmock_cuts_streams_politely_and_rudely(llmock: Llmock) -> None:
    """`truncate` raises nothing in the SDK; `disconnect` breaks the connection."""
    llmock.stream_fault("truncate")
    async with sdk(llmock.base_url) as client:
        chunks = await stream_of(client, "gpt-4o")
        assert {c.choices[0].finish_reason for c in chunks} == {None}
        llmock.stream_fault("disconnect")
        with pytest.raises(openai.APIConnectionError):
            await stream_of(client, "gpt-4o")


async def test_llmock_enforces_a_real_limit(limited_llmock: Callable[[int], Llmock]) -> None:
    """Headers count down on every answer, and the request beyond the limit is refused."""
    server = limited_llmock(2)
    async with sdk(server.base_url) as client:
        remaining = []
        for _ in range(2):
            raw = await client.chat.completions.with_raw_response.create(
                model="gpt-4o", messages=MESSAGES
            )
            remaining.append(raw.headers["x-ratelimit-remaining-requests"])
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert remaining == ["1", "0"]
    assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert float(caught.value.response.headers["retry-after"]) > 1
