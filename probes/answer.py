"""Plain JSON answers, read strictly: chat completions and embeddings.

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
from probes.sanitise import sanitise

__all__ = ["Reading", "Usage", "read_chat", "read_embeddings"]

_SNIPPET_BYTES: Final = 1024
_FLOAT_BYTES: Final = 4

_NO_USAGE: Final = Usage()

_Object = dict[str, object]
_Secrets = tuple[str, ...]


class _Names(NamedTuple):
    """What an answer says of itself, whatever else it holds."""

    model: str | None
    fingerprint: str | None


_Fold = Callable[[_Object, _Secrets, _Names], Reading]


def read_chat(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
    """Read the body of a chat completion that came with status 200. Never raises."""
    return _read(body, _chat, tuple(secrets))


def read_embeddings(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
    """Read the body of an embeddings answer for one input that came with status 200. Never raises.

    The vector may be a list of numbers, or base64 of little-endian 32-bit floats, which is what the
    openai SDK asks for unless told otherwise.
    """
    return _read(body, _embeddings, tuple(secrets))


def _read(body: bytes, fold: _Fold, secrets: _Secrets) -> Reading:
    if not body.strip():
        return _outcome(classified(Verdict.EMPTY, "an empty body"))
    try:
        answer = parse_json(body)
    except JsonError as error:
        start = body[:_SNIPPET_BYTES].decode("utf-8", "replace")
        return _malformed(sanitise(f"{error}: {start}", secrets))
    if is_error(answer):
        return _outcome(_in_band(answer, secrets))
    if not isinstance(answer, dict):
        return _malformed(f"JSON {type(answer).__name__} where an object should be")
    names = _names(answer, secrets)
    try:
        return fold(answer, secrets, names)
    except MalformedAnswerError as error:
        return _malformed(str(error), names)


def _chat(answer: _Object, secrets: _Secrets, names: _Names) -> Reading:
    usage = usage_in(answer.get("usage"))
    choices = answer.get("choices")
    if choices == []:
        return _outcome(classified(Verdict.EMPTY, "no choices"), names, usage)
    choice = _object(_first(choices, "choices"), "choices[0]")
    if is_error(choice):
        return _outcome(_in_band(choice, secrets), names, usage)
    message = _object(choice.get("message"), "message")
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
    return _outcome(found, names, usage, text=text, finish_reason=finish_reason)


def _embeddings(answer: _Object, _secrets: _Secrets, names: _Names) -> Reading:
    usage = usage_in(answer.get("usage"))
    if usage.input_tokens is not None:
        usage = replace(usage, output_tokens=0)
    data = answer.get("data")
    if data == []:
        return _outcome(classified(Verdict.EMPTY, "no data"), names, usage)
    vector = _vector(_object(_first(data, "data"), "data[0]").get("embedding"))
    if not vector:
        return _outcome(classified(Verdict.EMPTY, "an empty vector"), names, usage)
    return _outcome(classified(Verdict.OK, ""), names, usage, vector=vector)


def _vector(value: object) -> tuple[float, ...]:
    numbers = _unpacked(value) if isinstance(value, str) else value
    if not isinstance(numbers, (list, tuple)):
        raise MalformedAnswerError("embedding is neither a list nor base64")
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


def _first(value: object, name: str) -> object:
    if not isinstance(value, list) or not value:
        raise MalformedAnswerError(f"{name} is not a list")
    return value[0]


def _object(value: object, name: str) -> _Object:
    if not isinstance(value, dict):
        raise MalformedAnswerError(f"{name} is not an object")
    return value


def _in_band(failure: object, secrets: _Secrets) -> Classified:
    return classify_error_object(
        failure, otherwise=Verdict.PROTOCOL_ERROR, where="error in a 200", secrets=secrets
    )


def _malformed(detail: str, names: _Names | None = None) -> Reading:
    return _outcome(classified(Verdict.PROTOCOL_ERROR, detail), names)


def _names(answer: _Object, secrets: _Secrets) -> _Names:
    return _Names(
        label_in(answer.get("model"), secrets),
        label_in(answer.get("system_fingerprint"), secrets),
    )


def _outcome(
    found: Classified,
    names: _Names | None = None,
    usage: Usage = _NO_USAGE,
    *,
    text: str = "",
    finish_reason: str | None = None,
    vector: tuple[float, ...] | None = None,
) -> Reading:
    model, fingerprint = names or (None, None)
    return Reading(
        verdict=found.verdict,
        fault=found.fault,
        detail=found.detail,
        text=text,
        vector=vector,
        finish_reason=finish_reason,
        usage=usage,
        returned_model=model,
        fingerprint=fingerprint,
    )
