"""The bytes an OpenAI-compatible API would send: pure functions from request to answer.

Shapes follow https://platform.openai.com/docs/api-reference/chat and .../embeddings; rate-limit
headers follow https://platform.openai.com/docs/guides/rate-limits.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2s, shake_128
from types import MappingProxyType
from typing import Final

import numpy as np

from monitor.simulator.requests import Asked, Refusal
from monitor.simulator.script import Outcome

CHAT_MODELS: Final = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "grok-code-fast-1",
)
EMBEDDING_DIMENSIONS: Final[Mapping[str, int]] = MappingProxyType(
    {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
)
"""https://platform.openai.com/docs/guides/embeddings"""

REQUESTS_PER_MINUTE: Final = 10_000
TOKENS_PER_MINUTE: Final = 2_000_000
"""The limits the headers state: OpenAI's own figures of that order for an established account."""

FINGERPRINT: Final = "fp_simulated"
DONE: Final = b"data: [DONE]\n\n"

_OK_ASKED: Final = re.compile(r"\bok\b", re.IGNORECASE)
_PIECE: Final = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model says, before it takes a shape on the wire."""

    id: str
    model: str
    created: int
    """Seconds since the epoch."""
    pieces: tuple[str, ...]
    """One for each output token."""
    finish_reason: str
    input_tokens: int

    @property
    def usage(self) -> dict[str, object]:
        """The usage object of the API."""
        count = len(self.pieces)
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": count,
            "total_tokens": self.input_tokens + count,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def answer(asked: Asked, *, number: int, created: int) -> Answer:
    """Say something: beginning with "ok" where the prompt asks for it, within the token limit."""
    text = "ok, all systems are well." if _OK_ASKED.search(asked.prompt) else "Hello from here."
    pieces = tuple(_PIECE.findall(text))
    kept = pieces if asked.max_tokens is None else pieces[: asked.max_tokens]
    return Answer(
        id=f"chatcmpl-{digest('answer', asked.model, number)}",
        model=asked.model,
        created=created,
        pieces=kept,
        finish_reason="stop" if len(kept) == len(pieces) else "length",
        input_tokens=_count_tokens(asked.prompt) + 7,
    )


def chat_body(said: Answer) -> bytes:
    """Return a chat completion in one piece."""
    message = {"role": "assistant", "content": "".join(said.pieces), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}
    completion = {
        "id": said.id,
        "object": "chat.completion",
        "created": said.created,
        "model": said.model,
        "choices": [choice],
        "usage": said.usage,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
    return json.dumps(completion).encode()


@dataclass(frozen=True, slots=True)
class ChatEvents:
    """A streamed chat completion, event by event."""

    opening: bytes
    """The role, with empty content: not a token."""
    tokens: tuple[bytes, ...]
    closing: tuple[bytes, ...]
    """Finish reason, usage when it was asked for, end marker."""


def chat_events(said: Answer, *, include_usage: bool) -> ChatEvents:
    """Return a chat completion as server-sent events."""

    def event(delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _chunk(said, [choice], {"usage": None} if include_usage else {})

    closing = [event({}, said.finish_reason)]
    if include_usage:
        closing.append(_chunk(said, [], {"usage": said.usage}))
    return ChatEvents(
        opening=event({"role": "assistant", "content": "", "refusal": None}),
        tokens=tuple(event({"content": piece}) for piece in said.pieces),
        closing=(*closing, DONE),
    )


def _chunk(said: Answer, choices: Iterable[object], rest: Mapping[str, object]) -> bytes:
    chunk = {
        "id": said.id,
        "object": "chat.completion.chunk",
        "created": said.created,
        "model": said.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": list(choices),
        **rest,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def embeddings_body(asked: Asked) -> bytes:
    """Return one unit vector for each input: the same text and model, the same vector."""
    size = asked.dimensions or EMBEDDING_DIMENSIONS.get(asked.model, 1536)
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector, asked.base64)}
        for index, vector in enumerate(_vector(asked.model, text, size) for text in asked.inputs)
    ]
    count = sum(_count_tokens(text) for text in asked.inputs)
    usage = {"prompt_tokens": count, "total_tokens": count}
    body = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return json.dumps(body).encode()


def _vector(model: str, text: str, size: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    raw = shake_128(f"{model}\0{text}".encode()).digest(2 * size)
    # Two bytes make one component in (-1, 1); the half step keeps it off exact zero.
    vector = (np.frombuffer(raw, dtype="<i2").astype(np.float64) + 0.5) / 32768.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _encoded(
    vector: "np.ndarray[tuple[int], np.dtype[np.float32]]", as_base64: bool
) -> str | list[float]:
    if as_base64:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(component) for component in vector]


def models_body(models: Iterable[str]) -> bytes:
    """Return the list of models."""
    listed = [
        {"id": model, "object": "model", "created": 1_715_367_049, "owned_by": "system"}
        for model in models
    ]
    return json.dumps({"object": "list", "data": listed}).encode()


def refusal_of(outcome: Outcome, model: str, retry_after_s: float) -> Refusal | None:
    """Return the error an outcome answers with, or None where it is not an error."""
    match outcome:
        case Outcome.THROTTLED:
            return Refusal(
                status=429,
                message=f"Rate limit reached for {model} on requests per min (RPM): Limit "
                f"{REQUESTS_PER_MINUTE}, Used {REQUESTS_PER_MINUTE}, Requested 1. Please try "
                f"again in {go_duration(retry_after_s)}.",
                type="requests",
                code="rate_limit_exceeded",
            )
        case Outcome.QUOTA:
            return Refusal(
                status=429,
                message="You exceeded your current quota, please check your plan and billing "
                "details.",
                type="insufficient_quota",
                code="insufficient_quota",
            )
        case Outcome.SERVER_ERROR:
            return Refusal(
                status=500,
                message="The server had an error while processing your request. Sorry about that!",
                type="server_error",
            )
        case Outcome.OVERLOADED:
            return Refusal(
                status=503,
                message="The engine is currently overloaded, please try again later.",
                type="server_error",
                code="server_is_overloaded",
            )
        case _:
            return None


def unknown_model(model: str) -> Refusal:
    """Return the error for a model that is not there."""
    return Refusal(
        status=404,
        message=f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


@dataclass(slots=True)
class Bucket:
    """A limit per minute that refills all the time, as the rate-limit headers describe it.

    It only counts: being refused is the script's business.
    """

    limit: int
    level: float
    at_s: float = 0.0

    @classmethod
    def full(cls, limit: int) -> "Bucket":
        """Return an untouched bucket."""
        return cls(limit, float(limit))

    def take(self, amount: float, now_s: float) -> None:
        """Take `amount` out; an empty bucket stays at 0."""
        refilled = self.level + (now_s - self.at_s) * self.limit / 60.0
        self.level = max(0.0, min(float(self.limit), refilled) - amount)
        self.at_s = now_s

    def headers(self, kind: str) -> dict[str, str]:
        """Return the three headers that describe it: `kind` is `requests` or `tokens`."""
        reset_s = (self.limit - self.level) * 60.0 / self.limit
        return limit_headers(kind, self.limit, int(self.level), reset_s)


def limit_headers(kind: str, limit: int, remaining: int, reset_s: float) -> dict[str, str]:
    """Return OpenAI's three headers of one bucket."""
    return {
        f"x-ratelimit-limit-{kind}": str(limit),
        f"x-ratelimit-remaining-{kind}": str(remaining),
        f"x-ratelimit-reset-{kind}": go_duration(reset_s),
    }


def go_duration(seconds: float) -> str:
    """Write a duration as the headers do, in Go's notation: `120ms`, `1.5s`, `6m0s`."""
    millis = math.ceil(seconds * 1000.0)
    if millis < 1000:
        return f"{millis}ms"
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest / 1000.0:g}s"
    if hours:
        return f"{hours}h{minutes}m{tail}"
    return f"{minutes}m{tail}" if minutes else tail


def digest(*parts: object) -> str:
    """Return 24 hex digits that depend on every part: identifiers that a seed repeats."""
    return blake2s("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()


def luck(*parts: object) -> float:
    """Return a number in 0..1 that depends on every part, evenly spread."""
    return int(digest(*parts)[:13], 16) / float(1 << 52)


def _count_tokens(text: str) -> int:
    # About four characters of English to a token, as OpenAI's own rule of thumb has it:
    # https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
    return max(1, math.ceil(len(text) / 4))
