"""What a client asked of the simulator: its JSON body read into a value, or refused as OpenAI does.

Error bodies follow https://platform.openai.com/docs/guides/error-codes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PROMPT_LOGGED_CHARS: Final = 96
"""How much of a prompt the request log keeps: enough for a nonce at its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error the API answers with."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None

    def body(self) -> bytes:
        """Return the JSON error body."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return json.dumps({"error": error}).encode()


class RefusedError(Exception):
    """The request is answered with `refusal`, and with `headers` beside the usual ones."""

    def __init__(self, refusal: Refusal, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as far as the simulator cares."""

    model: str
    prompt: str
    """The last user message, or the embedding inputs joined."""
    inputs: tuple[str, ...] = ()
    """Embeddings only: one text for each vector wanted."""
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    """None: the client set no limit."""
    dimensions: int | None = None
    base64: bool = False


def authorised(authorization: str | None, key: str | None) -> Refusal | None:
    """Return why a request may not pass, or None. `key` None: any key will do."""
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        return Refusal(
            status=401,
            message="You didn't provide an API key. You need to provide your API key in an "
            "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    if key is not None and given.strip() != key:
        return Refusal(status=401, message="Incorrect API key provided.", code="invalid_api_key")
    return None


def read_chat(body: bytes) -> Asked:
    """Read a chat request. Raises RefusedError as the API would refuse it."""
    asked = _read_object(body)
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _invalid("Missing required parameter: 'messages'.", "messages")
    limit = asked.get("max_completion_tokens", asked.get("max_tokens"))
    if limit is not None and (not _is_count(limit) or limit == 0):
        raise _invalid("Expected an integer above 0 for the token limit.", "max_completion_tokens")
    options = asked.get("stream_options")
    return Asked(
        model=_read_model(asked),
        prompt=_text_of(messages[-1].get("content") if isinstance(messages[-1], dict) else None),
        stream=asked.get("stream") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        max_tokens=limit if isinstance(limit, int) else None,
    )


def read_embeddings(body: bytes) -> Asked:
    """Read an embeddings request. Raises RefusedError as the API would refuse it."""
    asked = _read_object(body)
    given = asked.get("input")
    inputs = (given,) if isinstance(given, str) else given
    if not inputs or not isinstance(inputs, list | tuple):
        raise _invalid("'input' must be a string or a list that is not empty.", "input")
    dimensions = asked.get("dimensions")
    if dimensions is not None and (not _is_count(dimensions) or dimensions == 0):
        raise _invalid("'dimensions' must be an integer above 0.", "dimensions")
    texts = tuple(one if isinstance(one, str) else json.dumps(one) for one in inputs)
    return Asked(
        model=_read_model(asked),
        prompt=" ".join(texts),
        inputs=texts,
        dimensions=dimensions if isinstance(dimensions, int) else None,
        base64=asked.get("encoding_format") == "base64",
    )


def _read_object(body: bytes) -> Mapping[str, object]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _invalid("We could not parse the JSON body of your request.", None) from error
    if not isinstance(asked, dict):
        raise _invalid("The body of your request must be a JSON object.", None)
    return asked


def _read_model(asked: Mapping[str, object]) -> str:
    model = asked.get("model")
    if not isinstance(model, str) or not model:
        raise _invalid("you must provide a model parameter", "model")
    return model


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return " ".join(
        part["text"]
        for part in content
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _invalid(message: str, param: str | None) -> RefusedError:
    return RefusedError(Refusal(status=400, message=message, param=param))
