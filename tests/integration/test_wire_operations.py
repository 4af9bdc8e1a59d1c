"""Responses, models and checked embeddings over sockets: what is asked, and what comes of it."""

import json

import pytest

from probes.answer_schema import TextPattern
from probes.reference import Reference
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Expectation, ReasoningEffort, Slot, Target
from tests.integration.fault_server import Answering, FaultServer, Handler, Seen, serving
from tests.integration.probing import chat, once, probing

MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "ok"}]}
USAGE = {
    "input_tokens": 11,
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 2},
}
RESPONSE = {"status": "completed", "model": "m-1", "output": [MESSAGE], "usage": USAGE}


def path_of(seen: Seen) -> str:
    """Return what was asked for."""
    return seen.line.split(" ")[1]


def event(kind: str, **parts: object) -> str:
    """Return one event of a streamed response."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n"


async def response(a: Answering) -> None:
    """Answer with a whole response."""
    await a.json(RESPONSE)


async def streamed_response(a: Answering) -> None:
    """Reason, answer, end, and keep the connection open behind that."""
    await a.stream_head()
    await a.chunk(event("response.created", response={"status": "in_progress"}))
    await a.chunk(event("response.reasoning_text.delta", delta="hm"))
    await a.chunk(event("response.output_text.delta", delta="ok"))
    await a.chunk(event("response.completed", response=RESPONSE))
    await a.hang()


async def cut_response(a: Answering) -> None:
    """End in an orderly way before the response has."""
    await a.stream_head()
    await a.chunk(event("response.output_text.delta", delta="ok"))
    await a.end()


async def silent_response(a: Answering) -> None:
    """Send everything but a token."""
    await a.stream_head()
    for _ in range(100):
        await a.chunk(event("response.in_progress", response={"status": "in_progress"}))
    await a.hang()


async def test_a_response_is_asked_for_as_its_page_says() -> None:
    """Nothing is stored there, the limit has this API's name, and a nonce comes first."""
    result, server = await once(
        response, operation=Operation.RESPONSES, reasoning_effort=ReasoningEffort.LOW
    )
    asked = server.requests[0].json
    prompt = str(asked.pop("input"))
    assert asked == {
        "model": "m",
        "max_output_tokens": 16,
        "store": False,
        "reasoning": {"effort": "low"},
    }
    assert prompt.endswith(" Say ok")
    assert len(prompt) == len("Say ok") + 17
    assert path_of(server.requests[0]) == "/v1/responses"
    assert (result.verdict, result.detail) == (Verdict.OK, "")
    tokens = (result.input_tokens, result.output_tokens, result.reasoning_tokens)
    assert tokens == (11, 3, 2)
    assert (result.response_chars, result.returned_model) == (2, "m-1")


async def test_chat_says_effort_and_temperature_only_when_they_are_configured() -> None:
    """A parameter that is not configured is not sent: some models refuse it."""
    with serving(response) as server:
        async with probing(server.url) as prober:
            await prober.probe(chat(), Slot(1, 60.0))
            said = chat(reasoning_effort=ReasoningEffort.NONE, temperature=0.0)
            await prober.probe(said, Slot(2, 120.0))
    plain, full = (request.json for request in server.requests)
    assert {"reasoning_effort", "temperature"}.isdisjoint(plain)
    assert (full["reasoning_effort"], full["temperature"]) == ("none", 0.0)


async def test_a_streamed_response_ends_with_its_last_event() -> None:
    """The server may linger as it likes, and reasoning comes before the first visible token."""
    result, server = await once(streamed_response, operation=Operation.RESPONSES, stream=True)
    assert server.requests[0].json["stream"] is True
    assert (result.verdict, result.finish_reason) == (Verdict.OK, "stop")
    assert result.first_token_s is not None
    assert result.first_visible_token_s is not None
    assert result.first_token_s <= result.first_visible_token_s <= result.total_s < 1.0


@pytest.mark.parametrize(
    ("handler", "verdict", "detail"),
    [
        (cut_response, Verdict.TRUNCATED, "ended without response.completed"),
        (silent_response, Verdict.TIMEOUT, "first-token deadline of 1 s passed"),
    ],
)
async def test_a_response_that_does_not_come_to_its_end(
    handler: Handler, verdict: Verdict, detail: str
) -> None:
    """Cut, or alive and silent: neither looks like success."""
    result, _ = await once(handler, operation=Operation.RESPONSES, stream=True)
    assert (result.verdict, result.fault) == (verdict, Fault.PROVIDER)
    assert result.detail.startswith(detail)


async def test_an_unexpected_answer_of_a_response_is_a_mismatch() -> None:
    """Checks of the text hold for every operation that says some."""
    wanted = Expectation(regex=TextPattern("^no$"))
    result, _ = await once(response, operation=Operation.RESPONSES, expect=wanted)
    assert result.verdict is Verdict.CONTENT_MISMATCH


def models_of(*, path_is_served: bool) -> Handler:
    """Make a server that knows the model m, by its name or in a list alone."""

    async def handler(a: Answering) -> None:
        if path_of(a.seen).endswith("/models"):
            await a.json({"object": "list", "data": [{"id": "m"}, {"id": "n"}]})
        elif path_is_served and path_of(a.seen).endswith("/models/m"):
            await a.json({"id": "m", "object": "model"})
        else:
            await a.json({"detail": "Not Found"}, status="404 Not Found")

    return handler


async def _twice(handler: Handler, model: str) -> tuple[list[ProbeResult], FaultServer]:
    target = chat(operation=Operation.MODELS, model=model, prompt="")
    with serving(handler) as server:
        async with probing(server.url) as prober:
            return [await prober.probe(target, Slot(n, n * 60.0)) for n in (1, 2)], server


async def test_a_model_is_asked_for_by_its_name() -> None:
    """One request without a body, and without a prompt, tokens or cost."""
    results, server = await _twice(models_of(path_is_served=True), "m")
    assert [result.verdict for result in results] == [Verdict.OK, Verdict.OK]
    assert [path_of(request) for request in server.requests] == ["/v1/models/m"] * 2
    first = results[0]
    assert (first.input_tokens, first.output_tokens, first.prompt_chars) == (0, 0, 0)


@pytest.mark.parametrize("path_is_served", [True, False])
@pytest.mark.parametrize(
    ("model", "verdict", "fault", "then"),
    [
        ("n", Verdict.OK, Fault.NONE, ["/v1/models"]),
        ("x", Verdict.MODEL_NOT_FOUND, Fault.REQUEST, ["/v1/models/x", "/v1/models"]),
    ],
)
async def test_a_404_sends_us_to_the_list_from_then_on(
    model: str, verdict: Verdict, fault: Fault, then: list[str], *, path_is_served: bool
) -> None:
    """The list decides what the 404 meant; the path is asked again once the model is not in it."""
    results, server = await _twice(models_of(path_is_served=path_is_served), model)
    assert [(result.verdict, result.fault) for result in results] == [(verdict, fault)] * 2
    paths = [path_of(request) for request in server.requests]
    assert paths == [f"/v1/models/{model}", "/v1/models", *then]


@pytest.mark.parametrize(
    ("has_more", "verdict"), [(False, Verdict.MODEL_NOT_FOUND), (True, Verdict.CONTENT_MISMATCH)]
)
async def test_one_stray_404_does_not_hide_an_alias_for_ever(
    verdict: Verdict, *, has_more: bool
) -> None:
    """A list without aliases, and a gateway that lost its routes for a moment."""
    by_name = 0

    async def aliased(a: Answering) -> None:
        nonlocal by_name
        if path_of(a.seen).endswith("/models"):
            await a.json({"data": [{"id": "m-20250101"}], "has_more": has_more})
            return
        by_name += 1
        if by_name == 1:
            await a.json({"detail": "Not Found"}, status="404 Not Found")
        else:
            await a.json({"id": "m-20250101", "object": "model"})

    results, _ = await _twice(aliased, "m")
    assert [result.verdict for result in results] == [verdict, Verdict.OK]


async def test_a_server_without_a_models_api_is_not_asked_for_ever() -> None:
    """When the list is a 404 as well, that is the outcome."""

    async def nothing(a: Answering) -> None:
        await a.json({"detail": "Not Found"}, status="404 Not Found")

    results, server = await _twice(nothing, "m")
    assert all(not result.ok and result.status == 404 for result in results)
    assert len(server.requests) == 3


async def test_both_requests_share_one_deadline() -> None:
    """A server that is slow to say 404 and then hangs does not get twice the time."""

    async def slow(a: Answering) -> None:
        if path_of(a.seen).endswith("/models"):
            await a.hang()
        await a.json({}, status="404 Not Found")

    result, _ = await once(slow, operation=Operation.MODELS, deadline_s=0.5, prompt="")
    assert result.verdict is Verdict.TIMEOUT
    assert result.waited_s + result.total_s <= 1.0


async def test_one_request_is_all_that_any_other_operation_sends() -> None:
    """A 404 of a chat is the answer, and asks nothing else."""

    async def nothing(a: Answering) -> None:
        await a.json({}, status="404 Not Found")

    _, server = await once(nothing)
    assert len(server.requests) == 1


class Shelf:
    """References in a plain dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, Reference | None] = {}

    def get(self, target: Target, /) -> Reference | None:
        """Return what was kept."""
        return self.kept.get(target.name)

    def offer(self, target: Target, vector: tuple[float, ...], /) -> None:
        """Keep it."""
        self.kept[target.name] = Reference.of(vector)


def embedding_of(*vectors: list[float]) -> Handler:
    """Make a server that answers with one vector after another."""
    left = list(vectors)

    async def handler(a: Answering) -> None:
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        await a.json({"model": "e", "data": [{"embedding": left.pop(0)}], "usage": usage})

    return handler


async def test_the_first_good_vector_is_what_later_ones_are_compared_with() -> None:
    """A bad one is never taken; the cosine is in every result from the second good one on."""
    wanted = Expectation(dimensions=2, cosine_at_least=0.99)
    target = chat(operation=Operation.EMBEDDINGS, expect=wanted)
    vectors = [1.0, 0.0, 0.0], [1.0, 0.0], [0.999, 0.04], [0.0, 1.0]
    with serving(embedding_of(*vectors)) as server:
        async with probing(server.url, references=Shelf()) as prober:
            results = [await prober.probe(target, Slot(n, n * 60.0)) for n in range(1, 5)]
    assert [result.verdict for result in results] == [
        Verdict.CONTENT_MISMATCH,
        Verdict.OK,
        Verdict.OK,
        Verdict.CONTENT_MISMATCH,
    ]
    assert [result.cosine for result in results[:2]] == [None, None]
    assert results[2].cosine == pytest.approx(0.9992, abs=1e-4)
    assert results[3].cosine == pytest.approx(0.0, abs=1e-9)
