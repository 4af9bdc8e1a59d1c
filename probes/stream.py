"""A streamed chat completion, folded as its bytes arrive: token times, text, and a verdict.

Theory. The fold knows no socket and no clock; it is told which bytes arrived when. It answers three
questions that a client library leaves open.

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

States: open -> done. `feed` moves on, `close` may be called in both and changes nothing.
"""

from collections.abc import Iterable
from typing import Final

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
from probes.sse import EVENT_LIMIT_BYTES, Event, EventSource, OversizedEventError

_DONE: Final = b"[DONE]"
_SNIPPET_BYTES: Final = 1024
_REASONING_KEYS: Final = ("reasoning_content", "reasoning")
"""DeepSeek, xAI and older vLLM say the first, OpenRouter and newer vLLM the second."""


class ChatStream:
    """Folds the bytes of one streamed chat completion. Nothing here raises, whatever the bytes."""

    def __init__(
        self, *, secrets: Iterable[str] = (), event_limit_bytes: int = EVENT_LIMIT_BYTES
    ) -> None:
        self._source = EventSource(event_limit_bytes)
        self._secrets = tuple(secrets)
        self._marked = False
        self._ended_s: float | None = None
        self._failure: Classified | None = None
        self._texts: list[str] = []
        self._refused = False
        self._called_tools = False
        self._finish_reason: str | None = None
        self._usage = Usage()
        self._model: str | None = None
        self._fingerprint: str | None = None
        self._first_token_s: float | None = None
        self._first_visible_token_s: float | None = None
        self._last_token_s: float | None = None
        self._events_in_last_feed = 0

    @property
    def done(self) -> bool:
        """Whether nothing more is wanted: `[DONE]` was seen, or the stream failed."""
        return self._ended_s is not None

    @property
    def first_token_s(self) -> float | None:
        """Offset of the first token of any kind; None before it."""
        return self._first_token_s

    @property
    def last_token_s(self) -> float | None:
        """Offset of the newest token; None before the first."""
        return self._last_token_s

    @property
    def events_in_last_feed(self) -> int:
        """Events with a token that the newest `feed` completed.

        Two or more share one time, which says nothing about the pace of the model.
        """
        return self._events_in_last_feed

    def feed(self, data: bytes, at_s: float) -> None:
        """Take the bytes that arrived at the offset `at_s`. Ignored once `done`."""
        self._events_in_last_feed = 0
        if not self.done:
            self._fold(data, at_s)

    def close(self, at_s: float) -> Reading:
        """Say what the stream held, when it ended or was given up at the offset `at_s`."""
        found = self._failure or self._judged()
        return Reading(
            verdict=found.verdict,
            fault=found.fault,
            detail=found.detail,
            text="".join(self._texts),
            finish_reason=self._finish_reason,
            usage=self._usage,
            returned_model=self._model,
            fingerprint=self._fingerprint,
            first_token_s=self._first_token_s,
            first_visible_token_s=self._first_visible_token_s,
            last_token_s=self._last_token_s,
            ended_s=at_s if self._ended_s is None else self._ended_s,
        )

    def _fold(self, data: bytes, at_s: float) -> None:
        try:
            for event in self._source.feed(data):
                self._take(event, at_s)
                if self.done:
                    break
        except OversizedEventError as error:
            self._fail(classified(Verdict.OVERSIZED, str(error)), at_s)

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

    def _fail(self, failure: Classified, at_s: float) -> None:
        self._failure = failure
        self._ended_s = at_s

    def _take(self, event: Event, at_s: float) -> None:
        if event.data.lstrip().startswith(_DONE):
            self._marked = True
            self._ended_s = at_s
            return
        try:
            chunk = parse_json(event.data)
        except JsonError as error:
            self._fail(self._unreadable(event, str(error)), at_s)
            return
        if event.name == "error" or is_error(chunk):
            self._fail(self._in_band(chunk), at_s)
            return
        try:
            self._take_chunk(chunk, at_s)
        except MalformedAnswerError as error:
            self._fail(classified(Verdict.PROTOCOL_ERROR, str(error)), at_s)

    def _unreadable(self, event: Event, why: str) -> Classified:
        start = event.data[:_SNIPPET_BYTES].decode("utf-8", "replace")
        if event.name == "error":
            return classified(
                Verdict.STREAM_ERROR, sanitise(f"error event: {start}", self._secrets)
            )
        return classified(Verdict.PROTOCOL_ERROR, sanitise(f"{why}: {start}", self._secrets))

    def _in_band(self, failure: object) -> Classified:
        return classify_error_object(
            failure,
            otherwise=Verdict.STREAM_ERROR,
            where="error in the stream",
            secrets=self._secrets,
        )

    def _take_chunk(self, chunk: object, at_s: float) -> None:
        if not isinstance(chunk, dict):
            raise MalformedAnswerError(f"JSON {type(chunk).__name__} where a chunk should be")
        self._model = self._model or label_in(chunk.get("model"), self._secrets)
        self._fingerprint = self._fingerprint or label_in(
            chunk.get("system_fingerprint"), self._secrets
        )
        if isinstance(chunk.get("usage"), dict):
            self._usage = usage_in(chunk["usage"])
        choices = chunk.get("choices")
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
            self._note_token(at_s)
            if self._first_visible_token_s is None:
                self._first_visible_token_s = at_s
        elif calls or _reasons(delta):
            self._note_token(at_s)

    def _note_token(self, at_s: float) -> None:
        if self._first_token_s is None:
            self._first_token_s = at_s
        self._last_token_s = at_s
        self._events_in_last_feed += 1


def _reasons(delta: dict[str, object]) -> bool:
    """Whether the delta holds reasoning: in a field of its own, or as a part of the content."""
    if any(isinstance(delta.get(key), str) and delta[key] for key in _REASONING_KEYS):
        return True
    parts = delta.get("content")
    return isinstance(parts, list) and any(
        isinstance(part, dict) and part.get("thinking") for part in parts
    )
