"""The real openai SDK as an oracle of requests: what our wire sends is what its user would send.

Each preset is asked the same by both, of the same server; what the server saw is compared.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest

from probes.providers import PRESETS, Preset, Style
from probes.result import Operation
from probes.secret import Secret, SecretSource
from probes.target import Slot
from tests.integration.fault_server import ANSWER, DONE, Answering, Seen, event, serving
from tests.integration.probing import KEY, chat, probing

PROMPT = "Say ok"
MODEL = "some-model"
ANTHROPIC: dict[str, dict[str, Any]] = {  # its models API is not of the compatible endpoint
    "anthropic": {
        "Authorization": openai.omit,
        "x-api-key": KEY,
        "anthropic-version": "2023-06-01",
    }
}
OTHERS = (Operation.EMBEDDINGS, Operation.RESPONSES, Operation.MODELS)
OURS = {
    "accept-encoding",  # identity, so that bytes on the wire are bytes of the answer
    "connection",  # the wire decides what is kept
    "x-stainless-read-timeout",  # the SDK's own timeout, which does not apply
    "x-stainless-raw-response",  # we read the answer ourselves
    "x-stainless-retry-count",  # we do not retry
    "content-length",  # the nonce's
}
"""Headers in which the two may differ."""


async def answer(a: Answering) -> None:
    """Answer whatever is asked."""
    if "embeddings" in a.seen.line:
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}]
        await a.json({"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1}})
    elif a.seen.line.startswith("GET"):
        await a.json({"id": MODEL, "object": "model", "created": 1, "owned_by": "x"})
    elif "/responses" in a.seen.line:
        await a.json({"id": "r", "object": "response", "status": "completed", "output": []})
    elif a.seen.json.get("stream"):
        await a.stream_head()
        await a.chunk(event("OK") + event(finish="stop") + DONE)
        await a.end()
    else:
        await a.json(ANSWER)


TEAM = (("X-Team", SecretSource(Secret("ml"))),)


def _client(preset: Preset, url: str, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
    if preset.style is Style.AZURE:
        return openai.AsyncAzureOpenAI(
            api_key=KEY,
            azure_endpoint=url,
            api_version=preset.api_version,
            default_headers={"X-Team": "ml"},
            http_client=http_client,
        )
    return openai.AsyncOpenAI(
        api_key=KEY, base_url=url, default_headers={"X-Team": "ml"}, http_client=http_client
    )


async def _asked_by_the_sdk(preset: Preset, url: str, model: str) -> None:
    # Any: parameters whose names are data.
    limit: dict[str, Any] = {preset.token_parameter.value: 16}
    usage: dict[str, Any] = (
        {"stream_options": {"include_usage": True}} if preset.include_usage else {}
    )
    messages: Any = [{"role": "user", "content": PROMPT}]
    async with httpx2.AsyncClient(trust_env=False) as http_client:
        client = _client(preset, url, http_client)
        await client.chat.completions.create(model=model, messages=messages, **limit)
        stream = await client.chat.completions.create(
            model=model, messages=messages, stream=True, **limit, **usage
        )
        async for _ in stream:
            continue
        await client.embeddings.create(model=model, input=PROMPT)
        await client.responses.create(model=model, input=PROMPT, max_output_tokens=16, store=False)
        await client.models.retrieve(model, extra_headers=ANTHROPIC.get(preset.name, {}))


def _compared(seen: Seen) -> tuple[str, dict[str, str], dict[str, Any]]:
    headers = {name.lower(): value for name, value in seen.headers}
    body: dict[str, Any] = seen.json if seen.body else {}
    for message in body.get("messages", ()):
        message["content"] = message["content"][-len(PROMPT) :]  # without the nonce
    if "input" in body:
        body["input"] = body["input"][-len(PROMPT) :]
    return seen.line, {name: headers[name] for name in headers.keys() - OURS}, body


@pytest.mark.parametrize("name", sorted(PRESETS))
async def test_our_request_is_the_sdks(name: str) -> None:
    """Method, address, query, headers and body, of every operation."""
    preset = PRESETS[name]
    with serving(answer) as server:
        root = server.url.removesuffix("/v1")
        azure = preset.style is Style.AZURE
        path = "" if azure else urlsplit(preset.base_url or "http://x/v1").path
        common = chat(preset=name, prompt=PROMPT, model=MODEL)
        targets = [
            common,
            replace(common, name="streamed", stream=True),
            *(replace(common, name=str(each), operation=each) for each in OTHERS),
        ]
        async with probing(root + path, preset=name, headers=TEAM) as prober:
            for target in targets:
                await prober.probe(target, Slot(1, 60.0))
        await _asked_by_the_sdk(preset, root + path, MODEL)
    ours, theirs = server.requests[: len(targets)], server.requests[len(targets) :]
    assert [_compared(seen) for seen in ours] == [_compared(seen) for seen in theirs]
    assert len(ours) == 5
