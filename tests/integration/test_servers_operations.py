"""Every operation against the providers that others wrote: what they serve, we read."""

import pytest

from probes.answer_schema import TextPattern
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Expectation, Slot
from tests.integration.probing import KEY, chat, probing
from tests.servers.aimock import Aimock
from tests.servers.llm_katan import MODEL, LlmKatan
from tests.servers.llmock import Llmock

TEXT = [
    pytest.param(operation, stream, id=f"{operation}-{'streamed' if stream else 'plain'}")
    for operation in (Operation.CHAT, Operation.RESPONSES)
    for stream in (False, True)
]


async def probed(
    url: str, operation: Operation, model: str, *, key: str = KEY, **changes: object
) -> ProbeResult:
    """Probe a server once."""
    async with probing(url, api_key=SecretSource(Secret(key))) as prober:
        target = chat(operation=operation, model=model, **changes)
        return await prober.probe(target, Slot(1, 60.0))


@pytest.mark.parametrize(("operation", "stream"), TEXT)
async def test_aimock_says_what_it_was_told_to(
    aimock: Aimock, operation: Operation, *, stream: bool
) -> None:
    """Text, usage, model and end are read from either API, in one piece and streamed."""
    usage = {"input_tokens": 7, "output_tokens": 3, "prompt_tokens": 7, "completion_tokens": 3}
    answer = {"content": "ok, fine", "usage": usage | {"total_tokens": 10}}
    aimock.add({"match": {"model": "gpt-mock"}, "response": answer, "chunkSize": 4})
    wanted = Expectation(equals="ok, fine")
    result = await probed(aimock.base_url, operation, "gpt-mock", stream=stream, expect=wanted)
    assert (result.verdict, result.detail) == (Verdict.OK, "")
    assert (result.finish_reason, result.returned_model) == ("stop", "gpt-mock")
    assert (result.input_tokens, result.output_tokens) == (7, 3)
    assert (result.first_visible_token_s is not None) == stream


@pytest.mark.parametrize(("operation", "stream"), TEXT)
async def test_aimock_reasons_before_it_answers(
    aimock: Aimock, operation: Operation, *, stream: bool
) -> None:
    """Reasoning is the first token of a stream, and none of the text."""
    answer = {"content": "ok", "reasoning": "hm, let me see"}
    fixture = {"match": {"model": "gpt-mock"}, "response": answer, "chunkSize": 4, "latency": 20}
    aimock.add(fixture)
    wanted = Expectation(equals="ok")
    result = await probed(aimock.base_url, operation, "gpt-mock", stream=stream, expect=wanted)
    assert (result.verdict, result.detail) == (Verdict.OK, "")
    if stream:
        assert result.first_token_s is not None
        assert result.first_visible_token_s is not None
        assert result.first_token_s < result.first_visible_token_s


async def test_aimock_drops_a_streamed_response(aimock: Aimock) -> None:
    """A connection that dies in the middle is no answer."""
    aimock.dropped("gpt-mock")
    result = await probed(aimock.base_url, Operation.RESPONSES, "gpt-mock", stream=True)
    assert result.verdict in (Verdict.RESET, Verdict.TRUNCATED)
    assert result.fault is Fault.PROVIDER


@pytest.mark.parametrize(("operation", "stream"), TEXT)
async def test_llmock_answers_both_apis(
    llmock: Llmock, operation: Operation, *, stream: bool
) -> None:
    """Tokens are those of its usage."""
    llmock.reply("it is ok")
    wanted = Expectation(contains="ok")
    result = await probed(llmock.base_url, operation, "gpt-4o", stream=stream, expect=wanted)
    assert (result.verdict, result.detail) == (Verdict.OK, "")
    assert (result.input_tokens or 0) > 0
    assert (result.output_tokens or 0) > 0


async def test_both_embed(aimock: Aimock, llmock: Llmock) -> None:
    """A list of floats is a vector as good as base64."""
    aimock.embedding("e", [0.6, 0.8])
    short = Expectation(dimensions=2, normalised=True)
    result = await probed(aimock.base_url, Operation.EMBEDDINGS, "e", expect=short)
    assert (result.verdict, result.detail) == (Verdict.OK, "")
    long = Expectation(dimensions=1536)
    result = await probed(llmock.base_url, Operation.EMBEDDINGS, "e", expect=long)
    assert (result.verdict, result.detail) == (Verdict.OK, "")


async def test_both_list_their_models(aimock: Aimock, llmock: Llmock) -> None:
    """One of them by name or by its list, the other too: both know theirs and no other."""
    aimock.chat("gpt-mock")
    for url, model in ((aimock.base_url, "gpt-mock"), (llmock.base_url, "gpt-4o")):
        there = await probed(url, Operation.MODELS, model, prompt="")
        gone = await probed(url, Operation.MODELS, "gpt-none", prompt="")
        assert there.verdict is Verdict.OK
        assert (gone.verdict, gone.fault) == (Verdict.MODEL_NOT_FOUND, Fault.REQUEST)


@pytest.mark.parametrize("stream", [False, True])
async def test_llm_katan_echoes_what_it_was_asked(llm_katan: LlmKatan, *, stream: bool) -> None:
    """The nonce arrived, and its answer is whole."""
    wanted = Expectation(regex=TextPattern("[0-9a-f]{16} Say ok"))
    result = await probed(
        llm_katan.base_url, Operation.CHAT, MODEL, key=llm_katan.key, stream=stream, expect=wanted
    )
    assert (result.verdict, result.detail) == (Verdict.OK, "")
    assert (result.output_tokens or 0) > 0


async def test_llm_katan_tells_a_canary_of_a_bad_key(llm_katan: LlmKatan) -> None:
    """What the free operation is for: key and model good, the model gone, the key bad."""
    found = [
        await probed(llm_katan.base_url, Operation.MODELS, model, key=key, prompt="")
        for model, key in ((MODEL, llm_katan.key), ("gone", llm_katan.key), (MODEL, "sk-other"))
    ]
    assert [(each.verdict, each.fault) for each in found] == [
        (Verdict.OK, Fault.NONE),
        (Verdict.MODEL_NOT_FOUND, Fault.REQUEST),
        (Verdict.AUTH, Fault.ACCOUNT),
    ]


@pytest.mark.parametrize("operation", [Operation.EMBEDDINGS, Operation.RESPONSES])
async def test_what_llm_katan_does_not_serve_is_our_own_request(
    llm_katan: LlmKatan, operation: Operation
) -> None:
    """A path that is not there is no outage."""
    result = await probed(llm_katan.base_url, operation, MODEL, key=llm_katan.key)
    assert (result.status, result.fault) == (404, Fault.REQUEST)
