"""A streamed chat completion, folded as its bytes arrive: token times, text, and a verdict.

Theory. The fold answers three questions that a client library leaves open.

*When did the first token come?* Not with the response head, nor with the first chunk: streams open
with an empty assistant message, keep themselves alive with comments, and may send filter results
first. A token is text (or a refusal, reasoning, or a tool call) that is not empty. Reasoning is a
token but not a visible one, so the first token and the first visible token are kept apart. Chunks
are not tokens either: they are never counted as such, only `usage` is believed.

*Is it complete?* The stream has two end marks, a `finish_reason` and `[DONE]`:

    finish_reason  [DONE]  verdict
    yes            yes     ok, or what the finish reason says; empty when there was no content
    yes            no      the same, with a note: the model had finished, some servers leave the
                           marker out, and users of a client library do not notice
    no             yes     protocol error; empty when there was no content
    no             no      truncated: the one case that looks like success to a client library

*Did it fail inside?* Errors come as `data: {"error": …}` (OpenAI, OpenRouter, vLLM) and as `event:
error` (gateways). Either ends the stream, as does an event that is no JSON, and they outweigh
everything that came before. A stream that has ended ignores what still arrives.
"""

from typing import Final

from probes.classify import Classified, classified
from probes.errorbody import is_error
from probes.fold import EventFold
from probes.reading import (
    MalformedAnswerError,
    completeness,
    content_in,
    label_in,
    refusal_in,
    usage_in,
)
from probes.result import Verdict
from probes.sse import Event

_REASONING_KEYS: Final = ("reasoning_content", "reasoning")
"""DeepSeek, xAI and older vLLM say the first, OpenRouter and newer vLLM the second."""


class ChatStream(EventFold):
    """Folds the bytes of one streamed chat completion."""

    _marked = False

    def _take_done(self) -> None:
        self._marked = True

    def _judged(self) -> Classified:
        if not self._marked and self._finish_reason is None:
            return classified(Verdict.TRUNCATED, "ended without finish_reason and [DONE]")
        found = completeness(
            "".join(self._texts),
            self._finish_reason,
            refused=self._refused,
            called_tools=self._called_tools,
        )
        if found.verdict is Verdict.OK and self._finish_reason is None:
            return classified(Verdict.PROTOCOL_ERROR, "an answer without a finish_reason")
        if found.verdict is Verdict.OK and not self._marked:
            return classified(Verdict.OK, "ended without [DONE]")
        return found

    def _take_value(self, _event: Event, value: object, at_s: float) -> None:
        if not isinstance(value, dict):
            raise MalformedAnswerError(f"JSON {type(value).__name__} where a chunk should be")
        self._model = self._model or label_in(value.get("model"), self._secrets)
        self._fingerprint = self._fingerprint or label_in(
            value.get("system_fingerprint"), self._secrets
        )
        if isinstance(value.get("usage"), dict):
            self._usage = usage_in(value["usage"])
        choices = value.get("choices")
        if choices is None:
            return
        if not isinstance(choices, list):
            raise MalformedAnswerError("choices is not a list")
        for choice in choices:
            self._take_choice(choice, at_s)

    def _take_choice(self, choice: object, at_s: float) -> None:
        if not isinstance(choice, dict):
            raise MalformedAnswerError("a choice is not an object")
        if choice.get("index") not in (None, 0):
            return  # one answer was asked for
        if is_error(choice):
            self._fail(self._in_band(choice), at_s)
            return
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._take_delta(delta, at_s)
        elif delta is not None:
            raise MalformedAnswerError("delta is not an object")
        self._finish_reason = (
            label_in(choice.get("finish_reason"), self._secrets) or self._finish_reason
        )

    def _take_delta(self, delta: dict[str, object], at_s: float) -> None:
        text, refusal = content_in(delta), refusal_in(delta)
        calls = bool(delta.get("tool_calls") or delta.get("function_call"))
        if text:
            self._texts.append(text)
        self._refused = self._refused or bool(refusal)
        self._called_tools = self._called_tools or calls
        if text or refusal:
            self._note_visible(at_s)
        elif calls or _reasons(delta):
            self._note_token(at_s)


def _reasons(delta: dict[str, object]) -> bool:
    """Whether the delta holds reasoning: in a field of its own, or as a part of the content."""
    if any(isinstance(delta.get(key), str) and delta[key] for key in _REASONING_KEYS):
        return True
    parts = delta.get("content")
    return isinstance(parts, list) and any(
        isinstance(part, dict) and part.get("thinking") for part in parts
    )
