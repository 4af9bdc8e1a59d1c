"""A streamed response of the Responses API, folded as its bytes arrive.

Theory. The stream is one of named things that happen, each an object with a `type`. Of the many
only these matter: `….delta` events that carry a token, and the four that end the stream.

    last event           verdict
    response.completed   ok; empty when there was no content; the only one that says it is whole
    response.incomplete  by its reason: `max_output_tokens` as a finish reason `length`,
                         `content_filter` as a refusal
    response.failed      by the code of the error inside
    error                by its code
    none of them         truncated, `[DONE]` or not: this API does not have that mark

A token is a delta that is not empty: of the answer or of a refusal (visible), of reasoning or a
summary of it, or of a tool call (not visible). The event that ends the stream repeats the whole
answer; that is believed only where no delta came, and never gives a token a time.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Mapping
from typing import Final

from probes.classify import Classified, classified
from probes.fold import EventFold
from probes.reading import MalformedAnswerError, completeness, label_in, usage_in
from probes.response_answer import RESPONSE_USAGE, finish_reason_in, said_in
from probes.result import Verdict
from probes.sse import Event

_DELTA: Final = ".delta"
_TEXT: Final = "response.output_text.delta"
_REFUSAL: Final = "response.refusal.delta"
_REASONING: Final = "response.reasoning"
"""`response.reasoning_text.delta`, `response.reasoning_summary_text.delta`."""
_ENDED: Final = frozenset({"response.completed", "response.incomplete"})
_FAILED: Final = "response.failed"
_ERROR: Final = "error"


class ResponseStream(EventFold):
    """Folds the bytes of one streamed response."""

    _whole = False

    def _take_done(self) -> None:
        """Do nothing: it is no mark of this API."""

    def _judged(self) -> Classified:
        if not self._whole:
            return classified(Verdict.TRUNCATED, "ended without response.completed")
        return completeness(
            "".join(self._texts),
            self._finish_reason,
            refused=self._refused,
            called_tools=self._called_tools,
        )

    def _take_value(self, event: Event, value: object, at_s: float) -> None:
        if not isinstance(value, dict):
            raise MalformedAnswerError(f"JSON {type(value).__name__} where an event should be")
        kind = value.get("type", event.name)
        if not isinstance(kind, str):
            raise MalformedAnswerError("the type of an event is not text")
        if kind.endswith(_DELTA):
            self._take_delta(kind, value.get("delta"), at_s)
            return
        if kind == _ERROR:
            self._fail(self._in_band(value), at_s)
            return
        response = value.get("response")
        if isinstance(response, dict):
            self._take_response(kind, response, at_s)
        elif kind in _ENDED or kind == _FAILED:
            raise MalformedAnswerError(f"{kind} without a response")

    def _take_delta(self, kind: str, delta: object, at_s: float) -> None:
        if not delta:
            return
        if kind in (_TEXT, _REFUSAL):
            if not isinstance(delta, str):
                raise MalformedAnswerError("delta is not text")
            if kind == _TEXT:
                self._texts.append(delta)
            else:
                self._refused = True
            self._note_visible(at_s)
            return
        self._called_tools = self._called_tools or not kind.startswith(_REASONING)
        self._note_token(at_s)

    def _take_response(self, kind: str, response: Mapping[str, object], at_s: float) -> None:
        self._model = self._model or label_in(response.get("model"), self._secrets)
        if isinstance(response.get("usage"), dict):
            self._usage = usage_in(response["usage"], RESPONSE_USAGE)
        if kind == _FAILED:
            self._fail(self._in_band(response), at_s)
        elif kind in _ENDED:
            self._end(kind, response)
            self._whole = True
            self._ended_s = at_s

    def _end(self, kind: str, response: Mapping[str, object]) -> None:
        status = kind.removeprefix("response.")
        self._finish_reason = finish_reason_in({**response, "status": status}, self._secrets)
        said = said_in(response) if isinstance(response.get("output"), list) else None
        if said is None:
            return
        self._refused = self._refused or said.refused
        self._called_tools = self._called_tools or said.called_tools
        if not self._texts:
            self._texts.append(said.text)
