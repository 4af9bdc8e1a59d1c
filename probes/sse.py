"""Server-sent events out of bytes, as the WHATWG describes them and however the bytes are cut.

A line ends with LF, CR or CRLF; a cut between CR and LF must not make an empty line of its own. An
event is the `data` lines up to an empty line, joined with LF; one that the stream's end interrupts
does not count. Lines are taken apart as bytes, so a cut inside a UTF-8 sequence cannot matter, and
each byte is copied a fixed number of times, so a megabyte in one-byte pieces takes linear time.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

EVENT_LIMIT_BYTES: Final = 128 * 1024
"""Bytes one event may hold. The largest honest ones (a usage chunk, log probabilities) have a few
thousand; without a limit, one endless line would fill the memory."""

_LINE_END: Final = re.compile(rb"\r\n?|\n")
_PLAIN: Final = re.compile(
    rb"(?:event: ?([^\r\n]*+)(?:\n|\r\n))?+data: ?([^\r\n]*+)(\n\n|\r\n\r\n)"
)
"""What almost every event is: a data line, in some APIs below a name, and an empty one. Taken at
once where nothing else is pending; everything else goes line by line, to the same result."""
_COMMENTS: Final = re.compile(rb"(?::[^\r\n]*+(?:\r\n?|\n))++")
_NOTHING: Final = re.compile(rb"(?:(?::[^\r\n]*+)?+(?:\r\n?|\n))++")
"""Whole lines that mean nothing: comments, and outside of an event empty ones too. Stepped over at
once, or a flood of them would take a thousand times as long to read as to send."""
_MAYBE_NOTHING: Final = b":\r\n"
"""How such a line begins."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class OversizedEventError(Exception):
    """One event, or one line, is larger than the limit."""


class Event(NamedTuple):
    """One event: its name ("" when it has none) and its data, not decoded."""

    name: str
    data: bytes


class EventSource:
    """Takes bytes, gives events. Keeps only the event that is not complete yet."""

    __slots__ = (
        "_after_cr",
        "_at_start",
        "_data",
        "_data_bytes",
        "_limit",
        "_line",
        "_name",
    )

    def __init__(self, limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._line = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = ""
        self._after_cr = False
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that these bytes complete. Raises OversizedEventError.

        It must be run to its end before the next call, unless nothing more is wanted at all.
        """
        start = 1 if self._after_cr and data.startswith(b"\n") else 0
        if data:
            self._after_cr = False
        while True:
            start = self._step_over(data, start)
            plain = None if self._pending() else _PLAIN.match(data, start)
            if plain is not None and plain.end(2) - start <= self._limit:
                start = plain.end()
                name = plain[1]
                yield Event("" if name is None else name.decode("utf-8", "replace"), plain[2])
                continue
            end = _LINE_END.search(data, start)
            if end is None:
                break
            self._grow(data[start : end.start()])
            event = self._end_line()
            start = end.end()
            if event is not None:
                yield event
        self._after_cr = self._after_cr or data.endswith(b"\r")
        self._grow(data[start:])

    def _pending(self) -> bool:
        """Whether what comes belongs to something that has begun."""
        return bool(self._line or self._data or self._name or self._at_start)

    def _step_over(self, data: bytes, start: int) -> int:
        """Return where the next line begins that may mean something."""
        if self._line or start >= len(data) or data[start] not in _MAYBE_NOTHING:
            return start
        pattern = _COMMENTS if self._data or self._name else _NOTHING
        nothing = pattern.match(data, start)
        if nothing is None:
            return start
        self._at_start = False
        return nothing.end()

    def _grow(self, piece: bytes) -> None:
        if self._line.startswith(b":") or (not self._line and piece.startswith(b":")):
            self._line[:] = b":"  # a comment says nothing, however long, whole or in pieces
            return
        if len(self._line) + len(piece) + self._data_bytes > self._limit:
            raise OversizedEventError(f"an event of more than {self._limit} bytes")
        self._line += piece

    def _end_line(self) -> Event | None:
        line = bytes(self._line)
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._dispatch()
        self._take_field(line)
        return None

    def _take_field(self, line: bytes) -> None:
        # A comment is a line with an empty field name; `id` and `retry` serve reconnecting clients.
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1  # the LF that joins it to the next
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")

    def _dispatch(self) -> Event | None:
        name, parts = self._name, self._data
        self._name, self._data, self._data_bytes = "", [], 0
        # The standard drops an event without data. A failure must not be dropped for that.
        return Event(name, b"\n".join(parts)) if parts or name == "error" else None
