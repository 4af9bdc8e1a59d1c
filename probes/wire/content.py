"""Undo a content encoding in bounded steps: a compressed answer may be a bomb.

We ask for `identity`; some servers and proxies compress anyway, and a user's client would read
that, so it is read. Everything else than gzip and deflate is not what the API promises.
"""

import zlib
from collections.abc import Iterator
from typing import Final

STEP_BYTES: Final = 64 * 1024
"""Decoded bytes per step: small enough never to hold the loop for long."""


class ContentError(Exception):
    """The body cannot be decoded."""


class ContentCutError(ContentError):
    """The compressed body ends before its own end."""


class ContentCapError(Exception):
    """The body decodes to more than it may."""


class Inflater:
    """Turns pieces of a body as sent into pieces as meant.

    Knows gzip, zlib and raw deflate (which some servers call deflate as well).
    """

    __slots__ = ("_inflate", "_left", "_raw_allowed")

    def __init__(self, limit_bytes: int, *, gzip: bool) -> None:
        self._left = limit_bytes
        self._inflate = zlib.decompressobj(31 if gzip else 15)
        self._raw_allowed = not gzip

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield decoded pieces of at most STEP_BYTES each.

        Raises ContentError for bytes that are no such stream, ContentCapError beyond the limit.
        """
        more = bool(data)
        while more and not self._inflate.eof:
            try:
                piece = self._inflate.decompress(data, STEP_BYTES)
            except zlib.error as error:
                if not self._raw_allowed:
                    raise ContentError("the compressed body is damaged") from error
                self._inflate = zlib.decompressobj(-15)
                self._raw_allowed = False
                continue
            self._raw_allowed = False
            data = self._inflate.unconsumed_tail
            # A full step may have taken all that came in and still hold back some of what it meant.
            more = bool(data) or len(piece) == STEP_BYTES
            self._left -= len(piece)
            if self._left < 0:
                raise ContentCapError("the body is too large once decompressed")
            if piece:
                yield piece

    def close(self) -> None:
        """Take note that the body has ended.

        Raises ContentCutError unless the end, checksum included, has been seen.
        """
        if not self._inflate.eof:
            raise ContentCutError("the compressed body ends in the middle")


def decoder_for(encoding: str, limit_bytes: int) -> Inflater | None:
    """Return what undoes a Content-Encoding; None when there is nothing to undo.

    Raises ContentError for one we do not know.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Inflater(limit_bytes, gzip=True)
        case "deflate":
            return Inflater(limit_bytes, gzip=False)
    raise ContentError("the body has a content encoding that was not asked for")
