"""Servers that send too much: endless lines, bodies, heads and bombs."""

import zlib
from functools import cache
from typing import Final

from tests.faults.asked import begin, good_body, kind_of
from tests.integration.fault_server import DONE, Answering, event

BLOCK: Final = b"x" * 65_536


@cache
def packed_zeros() -> bytes:
    """Return the bomb, made once and in small pieces: it is not our memory that is measured."""
    squeeze = zlib.compressobj(wbits=31)
    million = bytes(1_000_000)
    return b"".join(squeeze.compress(million) for _ in range(64)) + squeeze.flush()


async def endless_header(a: Answering) -> None:
    """Send a header line without an end."""
    await a.send("HTTP/1.1 200 OK\r\nX: ")
    while True:
        await a.send(BLOCK)


async def endless_headers(a: Answering) -> None:
    """Send headers without an end."""
    await a.send("HTTP/1.1 200 OK\r\n")
    while True:
        await a.send("X-Padding: 1\r\n" * 1000)


async def endless_interim(a: Answering) -> None:
    """Send interim answers without an end."""
    while True:
        await a.send("HTTP/1.1 100 Continue\r\n\r\n" * 1000)


async def endless_status(a: Answering) -> None:
    """Send a status line without an end."""
    await a.send("HTTP/1.1 200 ")
    while True:
        await a.send(BLOCK)


async def endless_chunk_extension(a: Answering) -> None:
    """Send a chunk's extension without an end."""
    await begin(a)
    await a.send("5;")
    while True:
        await a.send(BLOCK)


async def endless_trailers(a: Answering) -> None:
    """Send a good answer, and trailers without an end behind it."""
    await begin(a)
    await a.chunk(good_body(a))
    await a.send("0\r\n")
    while True:
        await a.send("X-Padding: 1\r\n" * 1000)


async def endless_body(a: Answering) -> None:
    """Send white space without an end."""
    await begin(a)
    while True:
        await a.chunk(b" " * 65_536)


async def endless_line(a: Answering) -> None:
    """Send one event without an end."""
    await begin(a)
    await a.chunk("data: ")
    while True:
        await a.chunk(BLOCK)


async def endless_comment(a: Answering) -> None:
    """Send one comment without an end."""
    await begin(a)
    await a.chunk(": ")
    while True:
        await a.chunk(BLOCK)


async def flood_of_blank_lines(a: Answering) -> None:
    """Send empty lines without an end."""
    await begin(a)
    while True:
        await a.chunk(b"\n" * 65_536)


async def flood_of_tokens(a: Answering) -> None:
    """Send tokens as fast as they go, without an end."""
    await begin(a)
    tokens = event("a") * 400
    while True:
        await a.chunk(tokens)


async def bytewise_chunks(a: Answering) -> None:
    """Send a body without an end in chunks of one byte."""
    await begin(a)
    chunks = b"1\r\n \r\n" * 10_000
    while True:
        await a.send(chunks)


async def gzip_bomb(a: Answering) -> None:
    """Send 64 MB in 62 KB, though nothing compressed was asked for."""
    await begin(a, len(packed_zeros()), Content_Encoding="gzip")
    await a.send(packed_zeros())


async def endless_gzip(a: Answering) -> None:
    """Compress white space without an end."""
    await begin(a, Content_Encoding="gzip")
    squeeze = zlib.compressobj(wbits=31)
    while True:
        await a.chunk(squeeze.compress(b" " * 1_000_000) + squeeze.flush(zlib.Z_SYNC_FLUSH))


async def gzip_bomb_of_an_error(a: Answering) -> None:
    """Refuse with a bomb for a reason."""
    length = str(len(packed_zeros()))
    await a.head(
        "500 Internal Server Error",
        Content_Type=kind_of(a),
        Content_Encoding="gzip",
        Content_Length=length,
    )
    await a.send(packed_zeros())


async def endless_error(a: Answering) -> None:
    """Refuse with a reason without an end."""
    await a.head("500 Internal Server Error", Content_Type="text/html", Content_Length="9999999")
    while True:
        await a.send(BLOCK)


async def deeply_nested(a: Answering) -> None:
    """Send JSON of a hundred thousand levels."""
    data = b"[" * 100_000
    if kind_of(a) == "text/event-stream":
        data = b"data: " + data + b"\n\n" + DONE.encode()
    await begin(a, len(data))
    await a.send(data)


async def long_number(a: Answering) -> None:
    """Send a number of a hundred thousand digits."""
    number = b'{"choices": ' + b"9" * 100_000 + b', "data": 1}'
    if kind_of(a) == "text/event-stream":
        number = b"data: " + number + b"\n\n" + DONE.encode()
    await begin(a, len(number))
    await a.send(number)


async def flood_behind_the_end(a: Answering) -> None:
    """Send a good stream, and comments without an end behind its end mark."""
    await begin(a)
    await a.chunk(good_body(a))
    while True:
        await a.chunk(b": " + BLOCK + b"\n")


async def header_flood(a: Answering) -> None:
    """Send two thousand headers."""
    await a.send("HTTP/1.1 200 OK\r\n" + "".join(f"X-{n}: 1\r\n" for n in range(2000)) + "\r\n")
