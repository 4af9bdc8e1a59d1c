"""What a Response object of the Responses API says, whole or at the end of a stream.

https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from probes.answer import Names, object_in, read_object, reading_of
from probes.reading import (
    MalformedAnswerError,
    Reading,
    UsageNames,
    completeness,
    label_in,
    refusal_in,
    usage_in,
)

RESPONSE_USAGE: Final = UsageNames("input_tokens", "output_tokens")

_FINISHED: Final = "stop"
_REASONS: Final[Mapping[str, str]] = MappingProxyType({"max_output_tokens": "length"})
"""Reasons to be incomplete that a chat completion has another word for: one word for one thing."""


class Said(NamedTuple):
    """What the output of a response holds."""

    text: str
    refused: bool
    called_tools: bool


def read_response(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
    """Read the body of a Response that came with status 200. Never raises."""
    return read_object(body, _response, tuple(secrets))


def _response(answer: dict[str, object], secrets: tuple[str, ...], names: Names) -> Reading:
    said = said_in(answer)
    finish_reason = finish_reason_in(answer, secrets)
    found = completeness(
        said.text, finish_reason, refused=said.refused, called_tools=said.called_tools
    )
    usage = usage_in(answer.get("usage"), RESPONSE_USAGE)
    return reading_of(found, names, usage, text=said.text, finish_reason=finish_reason)


def finish_reason_in(response: Mapping[str, object], secrets: Iterable[str] = ()) -> str | None:
    """Return why the model ended, in a chat completion's words; None when it does not say.

    Raises MalformedAnswerError for a response that has not ended.
    """
    status = response.get("status")
    if status == "completed":
        return _FINISHED
    if status == "incomplete":
        details = response.get("incomplete_details")
        reason = label_in(details.get("reason") if isinstance(details, dict) else None, secrets)
        return _REASONS.get(reason or "", reason)
    if status is None:
        return None
    raise MalformedAnswerError(f"a response whose status is {label_in(status, secrets)}")


def said_in(response: Mapping[str, object]) -> Said:
    """Read the output. Raises MalformedAnswerError for types that the API does not promise.

    Reasoning is not what was said, and anything but reasoning and messages is the call of a tool.
    """
    output = response.get("output")
    if not isinstance(output, list):
        raise MalformedAnswerError("output is not a list")
    texts: list[str] = []
    refused = called_tools = False
    for number, value in enumerate(output):
        item = object_in(value, f"output[{number}]")
        if item.get("type") == "message":
            text, refusal = _message(item)
            texts.append(text)
            refused = refused or refusal
        elif item.get("type") != "reasoning":
            called_tools = True
    return Said("".join(texts), refused, called_tools)


def _message(item: dict[str, object]) -> tuple[str, bool]:
    """Return a message's text, and whether it is a refusal."""
    parts = item.get("content")
    if not isinstance(parts, list):
        raise MalformedAnswerError("content is not a list")
    text, refused = "", False
    for value in parts:
        part = object_in(value, "a part of the content")
        if part.get("type") == "output_text":
            piece = part.get("text")
            if not isinstance(piece, str):
                raise MalformedAnswerError("a text part of the content has no text")
            text += piece
        refused = refused or bool(refusal_in(part))
    return text, refused
