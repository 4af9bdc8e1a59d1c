"""Servers that keep a probe waiting: silent, stalled or dripping, in every phase of an answer."""

import asyncio
import zlib
from typing import Final

from tests.faults.asked import begin, body_without_end, cut_point, good_body, kind_of
from tests.integration.fault_server import Answering, event

DRIP_S: Final = 0.02
"""Between two bytes: often enough to reset any deadline that is per read."""


async def _drip(a: Answering, data: bytes) -> None:
    for at in range(len(data)):
        await a.send(data[at : at + 1])
        await asyncio.sleep(DRIP_S)


async def _for_ever(a: Answering, data: bytes | str) -> None:
    while True:
        await a.chunk(data)
        await asyncio.sleep(DRIP_S)


async def dripping_head(a: Answering) -> None:
    """Send a head byte by byte."""
    await _drip(a, b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000)


async def dripping_headers(a: Answering) -> None:
    """Send a head line by line."""
    await a.send("HTTP/1.1 200 OK\r\n")
    while True:
        await a.send("X: 1\r\n")
        await asyncio.sleep(DRIP_S)


async def dripping_interim(a: Answering) -> None:
    """Say for ever that the answer is being worked on."""
    while True:
        await a.send("HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(DRIP_S)


async def stalled_body(a: Answering) -> None:
    """Stop in the middle of the answer."""
    await begin(a)
    await a.chunk(good_body(a)[: cut_point(a)])
    await a.hang()


async def stalled_chunk(a: Answering) -> None:
    """Stop in the middle of a chunk's size."""
    await begin(a)
    await a.send("1")
    await a.hang()


async def stalled_huge_chunk(a: Answering) -> None:
    """Announce two gigabytes, send a little of them, stop."""
    await begin(a)
    await a.send(b"7fffffff\r\n" + good_body(a)[: cut_point(a)])
    await a.hang()


async def promised_more(a: Answering) -> None:
    """Promise a longer body than there is, and stay; a stream lacks its end as well."""
    body = body_without_end(a)
    await begin(a, len(body) + 500)
    await a.send(body)
    await a.hang()


async def stalled_gzip(a: Answering) -> None:
    """Stop in the middle of a compressed body."""
    await begin(a, Content_Encoding="gzip")
    squeeze = zlib.compressobj(wbits=31)
    await a.chunk(squeeze.compress(good_body(a)[: cut_point(a)]) + squeeze.flush(zlib.Z_SYNC_FLUSH))
    await a.hang()


async def dripping_body(a: Answering) -> None:
    """Send white space byte by byte instead of an answer."""
    await begin(a)
    await _for_ever(a, b" ")


async def dripping_blank_lines(a: Answering) -> None:
    """Keep a stream alive with empty lines."""
    await begin(a)
    await _for_ever(a, b"\n")


async def dripping_event(a: Answering) -> None:
    """Send one event byte by byte, for ever."""
    await begin(a)
    await a.chunk("data: ")
    await _for_ever(a, b"x")


async def comments(a: Answering) -> None:
    """Keep a stream alive with comments only."""
    await begin(a)
    await _for_ever(a, ": keep-alive\n\n")


async def empty_deltas(a: Answering) -> None:
    """Keep a stream alive with chunks that hold no text."""
    await begin(a)
    await _for_ever(a, event(""))


async def comments_after_a_token(a: Answering) -> None:
    """Send one token, then comments only."""
    await begin(a)
    await a.chunk(event("O"))
    await _for_ever(a, ": keep-alive\n\n")


async def stalled_before_done(a: Answering) -> None:
    """Send everything but the end mark, and stay."""
    await begin(a)
    await a.chunk(event("OK") + event(finish="stop"))
    await a.hang()


async def endless_tokens(a: Answering) -> None:
    """Never stop sending tokens."""
    await begin(a)
    await _for_ever(a, event("O"))


async def error_that_stalls(a: Answering) -> None:
    """Answer 503 and stop in the middle of the reason."""
    await a.head("503 Service Unavailable", Content_Type="text/plain", Content_Length="500")
    await a.send("overloaded, ")
    await a.hang()


async def slow_but_good(a: Answering) -> None:
    """Send a good answer in forty pieces."""
    body = good_body(a)
    await begin(a, len(body))
    step = -(-len(body) // 40)
    for at in range(0, len(body), step):
        await a.send(body[at : at + step])
        await asyncio.sleep(0.002)


async def interim_then_good(a: Answering) -> None:
    """Send three interim answers and a good one."""
    body = good_body(a)
    await a.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    await a.send("HTTP/1.1 102 Processing\r\n\r\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind_of(a)}\r\nContent-Length: {len(body)}\r\n\r\n"
    await a.send(head.encode() + body)
