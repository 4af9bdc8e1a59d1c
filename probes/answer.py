"""Plain JSON answers, read strictly: what they share, chat completions and embeddings.

A client library hands back whatever came with status 200: an error object, a list, a page of HTML,
a completion without choices. To a user each of those is a failure, so here an answer is `ok` only
when everything it must hold is there and of the right type. Nothing here raises, whatever the
bytes, and what is kept is no larger than a small multiple of them.
"""

import base64
import binascii
import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from probes.classify import Classified, classified, classify_error_object
from probes.errorbody import is_error
from probes.jsontext import JsonError, parse_json
from probes.reading import (
    Listing,
    MalformedAnswerError,
    Reading,
    Usage,
    completeness,
    content_in,
    label_in,
    refusal_in,
    usage_in,
)
from probes.result import Verdict
from probes.sanitise import sanitise, start_of

__all__ = [
    "Names",
    "Reading",
    "Usage",
    "first_in",
    "object_in",
    "read_chat",
    "read_embeddings",
    "read_object",
    "reading_of",
]

_FLOAT_BYTES: Final = 4

_NO_USAGE: Final = Usage()

_Object = dict[str, object]
_Secrets = tuple[str, ...]


class Names(NamedTuple):
    """What an answer says of itself, whatever else it holds."""

    model: str | None
    fingerprint: str | None


_Part = Callable[[_Object, _Secrets, Names], Reading]


def read_chat(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
    """Read the body of a chat completion that came with status 200. Never raises."""
    return read_object(body, _chat, tuple(secrets))


def read_embeddings(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
    """Read the body of an embeddings answer for one input that came with status 200. Never raises.

    The vector may be a list of numbers, or base64 of little-endian 32-bit floats, which is what the
    openai SDK asks for unless told otherwise.
    """
    return read_object(body, _embeddings, tuple(secrets))


def read_object(body: bytes, part: _Part, secrets: _Secrets) -> Reading:
    """Read a body that must be an object, and no error: `part` reads what is left to read.

    `part` may raise MalformedAnswerError; nothing else is raised.
    """
    if not body.strip():
        return reading_of(classified(Verdict.EMPTY, "an empty body"))
    try:
        answer = parse_json(body)
    except JsonError as error:
        return _malformed(sanitise(f"{error}: {start_of(body)}", secrets))
    if is_error(answer):
        return reading_of(_in_band(answer, secrets))
    if not isinstance(answer, dict):
        return _malformed(f"JSON {type(answer).__name__} where an object should be")
    names = _names_in(answer, secrets)
    try:
        return part(answer, secrets, names)
    except MalformedAnswerError as error:
        return _malformed(str(error), names)


def _chat(answer: _Object, secrets: _Secrets, names: Names) -> Reading:
    usage = usage_in(answer.get("usage"))
    choices = answer.get("choices")
    if choices == []:
        return reading_of(classified(Verdict.EMPTY, "no choices"), names, usage)
    choice = object_in(first_in(choices, "choices"), "choices[0]")
    if is_error(choice):
        return reading_of(_in_band(choice, secrets), names, usage)
    message = object_in(choice.get("message"), "message")
    text = content_in(message)
    if not isinstance(choice.get("finish_reason"), str | None):
        raise MalformedAnswerError("finish_reason is not text")
    finish_reason = label_in(choice.get("finish_reason"), secrets)
    found = completeness(
        text,
        finish_reason,
        refused=bool(refusal_in(message)),
        called_tools=bool(message.get("tool_calls") or message.get("function_call")),
    )
    return reading_of(found, names, usage, text=text, finish_reason=finish_reason)


def _embeddings(answer: _Object, _secrets: _Secrets, names: Names) -> Reading:
    usage = usage_in(answer.get("usage"))
    if usage.input_tokens is not None:
        usage = replace(usage, output_tokens=0)
    data = answer.get("data")
    if data == []:
        return reading_of(classified(Verdict.EMPTY, "no data"), names, usage)
    vector = _vector(object_in(first_in(data, "data"), "data[0]").get("embedding"))
    if not any(vector):  # it points nowhere, so it can be compared with nothing
        what = "a vector of zeros" if vector else "an empty vector"
        return reading_of(classified(Verdict.EMPTY, what), names, usage, vector=vector)
    return reading_of(classified(Verdict.OK, ""), names, usage, vector=vector)


def _vector(value: object) -> tuple[float, ...]:
    numbers = _unpacked(value) if isinstance(value, str) else value
    if not isinstance(numbers, (list, tuple)):
        raise MalformedAnswerError("embedding is neither a list nor base64")
    floats = isinstance(value, str) or set(map(type, numbers)) == {float}
    if floats and all(map(math.isfinite, numbers)):  # thousands of honest ones, in microseconds
        return tuple(numbers)
    return tuple(_number(number) for number in numbers)


def _unpacked(text: str) -> tuple[float, ...]:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedAnswerError("embedding is text, but not base64") from None
    if len(raw) % _FLOAT_BYTES:
        raise MalformedAnswerError("embedding is base64, but not of 32-bit floats")
    return struct.unpack(f"<{len(raw) // _FLOAT_BYTES}f", raw)


def _number(value: object) -> float:
    """Return a finite number; a bool is none, and neither is an integer too large for a float."""
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and abs(value) <= 2**63:
        return float(value)
    raise MalformedAnswerError("embedding holds something that is not a finite number")


def first_in(value: object, name: str) -> object:
    """Return the first entry of a list. Raises MalformedAnswerError when there is none."""
    if not isinstance(value, list) or not value:
        raise MalformedAnswerError(f"{name} is not a list")
    return value[0]


def object_in(value: object, name: str) -> _Object:
    """Return an object. Raises MalformedAnswerError for anything else."""
    if not isinstance(value, dict):
        raise MalformedAnswerError(f"{name} is not an object")
    return value


def _in_band(failure: object, secrets: _Secrets) -> Classified:
    return classify_error_object(
        failure, otherwise=Verdict.PROTOCOL_ERROR, where="error in a 200", secrets=secrets
    )


def _malformed(detail: str, names: Names | None = None) -> Reading:
    return reading_of(classified(Verdict.PROTOCOL_ERROR, detail), names)


def _names_in(answer: _Object, secrets: _Secrets) -> Names:
    return Names(
        label_in(answer.get("model"), secrets),
        label_in(answer.get("system_fingerprint"), secrets),
    )


def reading_of(
    found: Classified,
    names: Names | None = None,
    usage: Usage = _NO_USAGE,
    *,
    text: str = "",
    finish_reason: str | None = None,
    vector: tuple[float, ...] | None = None,
    listing: Listing | None = None,
) -> Reading:
    """Put a Reading together from what was found, and what the answer says of itself."""
    model, fingerprint = names or (None, None)
    return Reading(
        verdict=found.verdict,
        fault=found.fault,
        detail=found.detail,
        text=text,
        vector=vector,
        listing=listing,
        finish_reason=finish_reason,
        usage=usage,
        returned_model=model,
        fingerprint=fingerprint,
    )
