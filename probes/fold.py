"""What all streamed answers share: events in, token times and one Reading out.

A fold knows no socket and no clock; it is told which bytes arrived when. What the events of one API
mean is its subclass's: ChatStream (stream.py) and ResponseStream (response_stream.py) say which of
them hold a token, when the stream has ended, and whether it is whole.

States: open -> done. `feed` moves on, `close` may be called in both and changes nothing. Errors
outweigh everything that came before, and a fold that is done ignores what still arrives.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final

from probes.classify import Classified, classified, classify_error_object
from probes.errorbody import is_error
from probes.jsontext import JsonError, parse_json
from probes.reading import MalformedAnswerError, Reading, Usage
from probes.result import Verdict
from probes.sanitise import sanitise, start_of
from probes.sse import EVENT_LIMIT_BYTES, Event, EventSource, OversizedEventError

_DONE: Final = b"[DONE]"


class EventFold(ABC):
    """Folds the bytes of one streamed answer. Nothing here raises, whatever the bytes."""

    def __init__(
        self, *, secrets: Iterable[str] = (), event_limit_bytes: int = EVENT_LIMIT_BYTES
    ) -> None:
        self._source = EventSource(event_limit_bytes)
        self._secrets = tuple(secrets)
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
        """Whether nothing more is wanted: an end mark was seen, or the stream failed."""
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

    @abstractmethod
    def _take_value(self, event: Event, value: object, at_s: float) -> None:
        """Take the JSON of one event that is no error. May raise MalformedAnswerError."""

    @abstractmethod
    def _take_done(self) -> None:
        """Take note of `[DONE]`, which ends the stream."""

    @abstractmethod
    def _judged(self) -> Classified:
        """Judge a stream in which nothing failed."""

    def _fold(self, data: bytes, at_s: float) -> None:
        try:
            for event in self._source.feed(data):
                self._take(event, at_s)
                if self.done:
                    break
        except OversizedEventError as error:
            self._fail(classified(Verdict.OVERSIZED, str(error)), at_s)

    def _take(self, event: Event, at_s: float) -> None:
        if event.data.lstrip().startswith(_DONE):
            self._ended_s = at_s
            self._take_done()
            return
        try:
            value = parse_json(event.data)
        except JsonError as error:
            self._fail(self._unreadable(event, str(error)), at_s)
            return
        if event.name == "error" or is_error(value):
            self._fail(self._in_band(value), at_s)
            return
        try:
            self._take_value(event, value, at_s)
        except MalformedAnswerError as error:
            self._fail(classified(Verdict.PROTOCOL_ERROR, str(error)), at_s)

    def _fail(self, failure: Classified, at_s: float) -> None:
        self._failure = failure
        self._ended_s = at_s

    def _unreadable(self, event: Event, why: str) -> Classified:
        start = start_of(event.data)
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

    def _note_visible(self, at_s: float) -> None:
        """Note a token of the answer itself."""
        self._note_token(at_s)
        if self._first_visible_token_s is None:
            self._first_visible_token_s = at_s

    def _note_token(self, at_s: float) -> None:
        if self._first_token_s is None:
            self._first_token_s = at_s
        self._last_token_s = at_s
        self._events_in_last_feed += 1
