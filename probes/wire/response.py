"""One HTTP response out of bytes, each piece of its body with the time of the read that brought it.

llhttp does the parsing (https://github.com/nodejs/llhttp). What is added here: interim responses
are stepped over, heads are bounded, and a response that only the end of the connection ends is told
from one that was cut.
"""

from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from probes.wire.stamps import Arrival

HEADER_LINE_BYTES: Final = 16 * 1024
HEADERS: Final = 128
"""Longest header line and most headers of a response: more is no API's answer."""
_CODING: Final = b"transfer-encoding"
_FRAMING: Final = frozenset({"content-length", _CODING.decode()})
"""What says where a body ends; without it the end of the connection does."""


class FramingError(Exception):
    """The bytes are not an HTTP response. The message says which part of it is wrong."""


class CutError(Exception):
    """The connection ended before the response did."""


class Piece(NamedTuple):
    """Some bytes of a body and when the last of them arrived, on the monotonic clock."""

    data: bytes
    at: float
    piled: bool = False
    """Whether they may have come in notably one after the other (see Arrival)."""


class Response:
    """Takes the bytes of one response, gives its head and the pieces of its body."""

    __slots__ = (
        "_got",
        "_headers",
        "_interim",
        "_parser",
        "_parts",
        "_silent_bytes",
        "complete",
        "followed",
        "headers",
        "pieces",
        "reusable",
        "status",
    )

    def __init__(self) -> None:
        self.status: int | None = None
        """None while the head is not complete; never that of an interim response."""
        self.headers: dict[str, str] = {}
        """By name in lower case; of several with one name the first."""
        self.pieces: list[Piece] = []
        """What came of the body and was not taken yet: one for each read that brought any."""
        self.complete = False
        """Whether the whole message is here."""
        self.followed = False
        """Whether the read that completed it brought more, which belongs to nobody."""
        self.reusable = False
        """Whether another request may follow on the connection, as far as this response says."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._interim = False
        self._silent_bytes = 0
        self._got = False
        self._parser = HttpResponseParser(self)
        # As tolerant as the HTTP library under the SDK: LF alone, space behind a chunk's length,
        # header values over several lines or with control characters in them.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    def feed(self, data: memoryview, read: Arrival) -> None:
        """Take the bytes that one read brought. Raises FramingError.

        What comes behind the end of the message belongs to nobody: it makes `reusable` false.
        """
        self._got = False
        failure: Exception | None = None
        try:
            self._parser.feed_data(data[:-1])
            self.followed = self.complete  # the last byte apart tells what else cannot be seen
            self._parser.feed_data(data[-1:])
        except (HttpParserError, HttpParserUpgrade) as error:
            self.followed = self.complete
            failure = error
        if self._parts:
            self.pieces.append(Piece(b"".join(self._parts), read.at, read.piled))
            self._parts.clear()
        # A line that does not end is kept by the parser, where its length cannot be seen.
        self._silent_bytes = 0 if self._got else self._silent_bytes + len(data)
        if self._silent_bytes > HEADER_LINE_BYTES:
            failure = FramingError("a line without an end")
        if self.complete:
            self.reusable = self.reusable and not self.followed
        elif failure is not None:
            raise self._misframed(failure) from failure

    def end(self) -> None:
        """Take note that the connection has ended. Raises CutError unless that ends the message."""
        if self.complete:
            return
        if self.status is None or not _FRAMING.isdisjoint(self.headers):
            raise CutError("the connection ended before the body did")
        self.complete = True

    def close(self) -> None:
        """Let go of the parser, for good: it and this object hold each other."""
        if hasattr(self, "_parser"):
            del self._parser

    # What the parser says. It stops at an exception.

    def on_message_begin(self) -> None:
        """Begin the response, or the one behind an interim one; refuse any other."""
        self._got = True
        if self.complete:
            raise FramingError("more than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line down."""
        self._got = True
        self._headers.append((name, value))
        # What the parser tolerates with the rest, and the library under the SDK does not.
        if name.endswith(b" ") or b"\0" in value:
            raise FramingError("a space before a colon, or a null in a header")
        if len(self._headers) > HEADERS or len(name) + len(value) > HEADER_LINE_BYTES:
            raise FramingError("too many headers, or too long a one")

    def on_headers_complete(self) -> None:
        """Take the head down, unless it is that of an interim response."""
        status = self._parser.get_status_code()
        self._interim = 100 <= status <= 199 and status != 101
        headers, self._headers = self._headers, []
        if self._interim:
            return
        # Of another one, or several, that library would make nothing either.
        codings = [value.strip().lower() for name, value in headers if name.lower() == _CODING]
        if codings not in ([], [b"chunked"]):
            raise FramingError("a transfer encoding that is not simply chunked")
        for name, value in headers:
            # Names are tokens. A value may hold anything, and is sanitised where it is shown.
            self.headers.setdefault(
                name.lower().decode("ascii"), value.decode("utf-8", "surrogateescape")
            )
        self.status = status
        if status == 101:  # what follows is in no language of ours
            self.complete = True

    def on_body(self, data: bytes) -> None:
        """Take some of the body down."""
        self._got = True
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """End the message."""
        if not self._interim and not self.complete:
            self.reusable = self._parser.should_keep_alive()
            self.complete = True

    def _misframed(self, error: Exception) -> FramingError:
        if self.status is not None:
            return FramingError("the body is not framed as HTTP wants it")
        ours = error.__context__ if isinstance(error.__context__, FramingError) else error
        return FramingError(f"not a valid HTTP response: {ours}")
