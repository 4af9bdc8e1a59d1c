"""Servers that end or break the exchange: cut, reset, and bytes that are no HTTP."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.faults.asked import begin, body_without_end, cut_point, good_body, kind_of
from tests.integration.fault_server import Answering, event

Handler = Callable[[Answering], Awaitable[None]]


async def cut_in_head(a: Answering) -> None:
    """Close in the middle of the head."""
    await a.send("HTTP/1.1 200 OK\r\nContent-Type: appl")
    a.cut()


async def reset_in_head(a: Answering) -> None:
    """Reset in the middle of the head."""
    await a.send("HTTP/1.1 200 OK\r\nContent-Type: appl")
    await asyncio.sleep(0.05)
    a.reset()


async def cut_in_body(a: Answering) -> None:
    """Close in the middle of the answer, which had been promised whole."""
    await begin(a)
    await a.chunk(good_body(a)[: cut_point(a)])
    a.cut()


async def reset_in_body(a: Answering) -> None:
    """Reset in the middle of the answer."""
    await begin(a)
    await a.chunk(good_body(a)[: cut_point(a)])
    await asyncio.sleep(0.05)
    a.reset()


async def cut_behind_finish(a: Answering) -> None:
    """Close behind the finish reason of a stream whose message had not ended."""
    await begin(a)
    await a.chunk(event("OK") + event(finish="stop"))
    a.cut()


async def promised_more_and_cut(a: Answering) -> None:
    """Promise a longer body than there is, and close; a stream lacks its end as well."""
    body = body_without_end(a)
    await begin(a, len(body) + 500)
    await a.send(body)
    a.cut()


async def promised_less(a: Answering) -> None:
    """Promise half of what is sent."""
    await begin(a, cut_point(a))
    await a.send(good_body(a))
    await a.hang()


def raw(*parts: str, stay: bool = False) -> Handler:
    """Make a server that sends these bytes as they are; `{kind}` and `{body}` are a good answer's.

    It then closes, or stays if told so.
    """

    async def handler(a: Answering) -> None:
        body = good_body(a)
        for part in parts:
            text = part.replace("{kind}", kind_of(a)).replace("{size:x}", f"{len(body):x}")
            before, found, after = text.replace("{size}", str(len(body))).partition("{body}")
            await a.send(before.encode("latin-1") + body * bool(found) + after.encode("latin-1"))
        if stay:
            await a.hang()
        a.cut()

    return handler


HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"
SIZED = HEAD + "Content-Length: {size}\r\n\r\n"
CHUNK = "{size:x}\r\n{body}\r\n"

another_protocol = raw("SSH-2.0-OpenSSH_9.2p1\r\n\r\n")
http_0_9 = raw("<html><body>It works!</body></html>\r\n\r\n")
null_in_header = raw(HEAD + "X: a\0b\r\nContent-Length: {size}\r\n\r\n{body}")
space_before_colon = raw(HEAD + "Content-Length : {size}\r\n\r\n{body}")
two_lengths = raw(HEAD + "Content-Length: {size}\r\nContent-Length: 7\r\n\r\n{body}")
negative_length = raw(HEAD + "Content-Length: -1\r\n\r\n{body}")
length_no_number = raw(HEAD + "Content-Length: many\r\n\r\n{body}")
length_and_chunks = raw(HEAD + "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNK)
unknown_coding = raw(HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n", CHUNK, "0\r\n\r\n")
bad_chunk_size = raw(CHUNKED + "zz\r\n{body}\r\n", stay=True)
negative_chunk = raw(CHUNKED + "-5\r\n{body}\r\n", stay=True)
endless_chunk_number = raw(CHUNKED + "f" * 40 + "\r\n{body}\r\n", stay=True)
longer_than_its_chunk = raw(CHUNKED + "5\r\n{body}\r\n", stay=True)
bad_trailer = raw(CHUNKED, CHUNK, "0\r\nX y\r\n\r\n", stay=True)
switching = raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n{body}", stay=True)
odd_status = raw("HTTP/1.1 999 Go away\r\nContent-Type: {kind}\r\nContent-Length: 0\r\n\r\n")
no_status = raw("HTTP/1.1 OK\r\nContent-Type: {kind}\r\nContent-Length: 0\r\n\r\n")
http_1_0_cut = raw("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n", "{")

# What must not be mistaken for a fault.
http_1_0 = raw("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n{body}")
no_framing = raw(HEAD + "\r\n{body}")
line_feeds_only = raw((HEAD + "Content-Length: {size}\r\n\r\n").replace("\r\n", "\n") + "{body}")
same_header_twice = raw(HEAD + "X-A: 1\r\nX-A: 2\r\nContent-Length: {size}\r\n\r\n{body}")
trailers = raw(CHUNKED, CHUNK, "0\r\nX-Checksum: 1\r\n\r\n", stay=True)
chunk_extensions = raw(CHUNKED, "{size:x};a=b;c\r\n{body}\r\n", "0\r\n\r\n", stay=True)
garbage_behind = raw(SIZED + "{body}HTTP/1.1 500 Oops\r\n\r\n", stay=True)
