"""The shapes in which servers write an error, read into one.

Seen so far:
- `{"error": {"message", "type", "param", "code"}}` - OpenAI and most others; OpenRouter puts a
  number into `code` (the HTTP status it would have sent): https://openrouter.ai/docs/api-reference/errors
- `{"code": "...", "error": "text"}` - xAI, Scaleway
- `{"error": "text"}` - Ollama's own API, many proxies
- `{"object": "error", "message", "type", "code": 404}` - vLLM and Mistral
- `{"object": "error", "message": {"detail": [{"type", "loc", "msg"}]}}` - Mistral's validation
- `[{"error": {"code": 400, "message", "status"}}]` - Google, a list of one
- `{"detail": "text"}`, `{"message": "text"}` - frameworks and gateways in front of a server
"""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_LABEL_LIMIT: Final = 80
"""Characters of the longest code or type; the longest known have about 70. What is longer is none:
cut, it might hold a part of a secret that nothing would know again."""


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What an error object says. Empty text: it does not say."""

    code: str = ""
    kind: str = ""
    """The `type`, or Google's `status`."""
    message: str = ""
    status: int | None = None
    """The HTTP status a numeric code stands for."""


def is_error(answer: object) -> bool:
    """Whether a decoded answer looks like an error.

    Meant for answers that should have been good ones (status 200, or an event in a stream), so
    `{"message": …}` alone is not taken for an error.
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return False
    return bool(answer.get("error")) or answer.get("object") == "error"


def error_facts(answer: object) -> ErrorFacts:
    """Read an error answer of any known shape; unknown shapes give empty facts."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return ErrorFacts(message=answer) if isinstance(answer, str) else ErrorFacts()
    inner = answer.get("error")
    if isinstance(inner, dict):
        return _from_object(inner)
    if isinstance(inner, str) and inner:
        return ErrorFacts(_label(answer, "code"), _label(answer, "type"), _spaced(inner))
    return _from_object(answer)


def _from_object(error: dict[object, object]) -> ErrorFacts:
    return ErrorFacts(
        code=_label(error, "code"),
        kind=_label(error, "type") or _label(error, "status"),
        message=_spaced(_message(error)),
        status=_status(error.get("code")),
    )


def _status(code: object) -> int | None:
    if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isdigit():
        code = int(code)  # Azure: {"code": "429"}
    return code if type(code) is int and 400 <= code <= 599 else None


def _label(error: dict[object, object], key: str) -> str:
    value = error.get(key)
    return value if isinstance(value, str) and len(value) <= _LABEL_LIMIT else ""


def _message(error: dict[object, object]) -> str:
    for key in ("message", "detail"):
        value = error.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict) and value:
            return json.dumps(value, ensure_ascii=False)
    return ""


def _spaced(message: str) -> str:
    # xAI has been seen to percent-encode the whole message.
    return unquote(message) if "%20" in message and " " not in message else message
