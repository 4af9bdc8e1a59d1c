"""The ways in which every fault is met, and how a good server answers each."""

import json
from enum import StrEnum
from typing import Final

from probes.result import Operation
from probes.target import Expectation, Target
from tests.integration.fault_server import ANSWER, DONE, USAGE, Answering, event
from tests.integration.probing import chat

VECTOR: Final = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}],
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}
STREAM: Final = f"{event()}{event('O')}{event('K')}{event(finish='stop')}{USAGE}{DONE}"


def _said(kind: str, **parts: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n"


RESPONSE: Final = (
    _said("response.created", response={"status": "in_progress", "model": "m"})
    + _said("response.output_text.delta", delta="O")
    + _said("response.output_text.delta", delta="K")
)
"""A streamed response but for its end."""
RESPONSE_END: Final = _said(
    "response.completed",
    response={
        "status": "completed",
        "model": "m",
        "usage": {"input_tokens": 9, "output_tokens": 3},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "OK"}]}],
    },
)


class Asked(StrEnum):
    """How a probe asks."""

    PLAIN = "chat"
    STREAM = "chat stream"
    VECTOR = "embeddings"
    RESPONSE = "responses stream"


ALL: Final = tuple(Asked)
JSON: Final = (Asked.PLAIN, Asked.VECTOR)
STREAMS: Final = (Asked.STREAM,)
CHATS: Final = (Asked.PLAIN, Asked.STREAM)

LONG_S: Final = 10.0
"""Deadline of probes that end by themselves: one that meets it has failed."""
SHORT_S: Final = 0.4
"""Deadline of probes that a server keeps waiting."""


def target(asked: Asked, *, waits: bool) -> Target:
    """Make the target of one probe."""
    deadline_s = SHORT_S if waits else LONG_S
    settings: dict[str, object] = {
        "name": asked.value,
        "deadline_s": deadline_s,
        "first_token_deadline_s": 0.75 * deadline_s,
        "idle_deadline_s": 0.75 * deadline_s,
        "max_output_tokens": 16,
    }
    if asked is Asked.VECTOR:
        return chat(operation=Operation.EMBEDDINGS, **settings)
    settings["expect"] = Expectation(contains="ok")
    if asked is Asked.RESPONSE:
        return chat(operation=Operation.RESPONSES, stream=True, **settings)
    return chat(stream=asked is Asked.STREAM, **settings)


def asked_of(a: Answering) -> Asked:
    """Say which way this request asks."""
    if "/embeddings" in a.seen.line or not a.seen.body:  # or a list of models, in JSON as well
        return Asked.VECTOR
    if "/responses" in a.seen.line:
        return Asked.RESPONSE
    return Asked.STREAM if a.seen.json.get("stream") else Asked.PLAIN


def kind_of(a: Answering) -> str:
    """Return the content type a good answer would have."""
    streamed = asked_of(a) in (Asked.STREAM, Asked.RESPONSE)
    return "text/event-stream" if streamed else "application/json"


def good_body(a: Answering) -> bytes:
    """Return the body a good answer would have."""
    match asked_of(a):
        case Asked.STREAM:
            return STREAM.encode()
        case Asked.RESPONSE:
            return (RESPONSE + RESPONSE_END).encode()
        case Asked.VECTOR:
            return json.dumps(VECTOR).encode()
        case Asked.PLAIN:
            return json.dumps(ANSWER).encode()


async def begin(a: Answering, length: int | None = None, **headers: str) -> None:
    """Send the head of a good answer: chunked, or of this many bytes."""
    framing = (
        {"Transfer_Encoding": "chunked"} if length is None else {"Content_Length": str(length)}
    )
    await a.head(Content_Type=kind_of(a), **framing, **headers)


def cut_point(a: Answering) -> int:
    """Return where an answer is cut in the middle: in a stream behind its first token."""
    body = good_body(a)
    if kind_of(a) == "text/event-stream":
        return body.index(b"\n\n", body.index(b'"O"')) + 2
    return len(body) // 2


def body_without_end(a: Answering) -> bytes:
    """Return the body a good answer would have, without the end mark of a stream."""
    body = good_body(a).partition(b"data: [DONE]")[0]
    return RESPONSE.encode() if asked_of(a) is Asked.RESPONSE else body
