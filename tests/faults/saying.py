"""Servers that answer in good HTTP, but something else than was asked for."""

import gzip
import json
import zlib
from collections.abc import Awaitable, Callable

from tests.faults.asked import Asked, asked_of, begin, good_body, kind_of
from tests.integration.fault_server import ANSWER, DONE, Answering, event

Handler = Callable[[Answering], Awaitable[None]]


def body(
    data: str | bytes, kind: str | None = None, status: str = "200 OK", **headers: str
) -> Handler:
    """Make a server that answers with this body; `kind` None: the type of a good answer."""
    data = data.encode() if isinstance(data, str) else data

    async def handler(a: Answering) -> None:
        named = {"Content_Type": kind_of(a) if kind is None else kind, **headers}
        if not named["Content_Type"]:
            del named["Content_Type"]
        await a.head(status, **named, Content_Length=str(len(data)))
        await a.send(data)

    return handler


def good_as(kind: str) -> Handler:
    """Make a server that gives the good answer another type; "": none."""

    async def handler(a: Answering) -> None:
        await body(good_body(a), kind)(a)

    return handler


def error(
    status: str,
    code: str | int | None = None,
    message: str = "",
    kind: str | None = None,
    **headers: str,
) -> Handler:
    """Make a server that refuses, as OpenAI words it."""
    data = json.dumps({"error": {"message": message, "type": kind, "code": code}})
    return body(data, "application/json", status, **headers)


def error_with_200(code: str | int | None, message: str = "no") -> Handler:
    """Make a server that puts an error where the answer belongs, in JSON whatever was asked for."""
    return error("200 OK", code, message)


def events(*parts: str) -> Handler:
    """Make a server that streams these parts, each in a chunk of its own, and ends in order."""

    async def handler(a: Answering) -> None:
        await begin(a)
        for part in parts:
            await a.chunk(part)
        await a.end()

    return handler


def encoded(encoding: str, pack: Callable[[bytes], bytes]) -> Handler:
    """Make a server that encodes its good answer though nobody asked."""

    async def handler(a: Answering) -> None:
        data = pack(good_body(a))
        await begin(a, len(data), Content_Encoding=encoding)
        await a.send(data)

    return handler


def _raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


gzipped = encoded("gzip", gzip.compress)
deflated = encoded("deflate", zlib.compress)
raw_deflated = encoded("deflate", _raw_deflate)
gzip_cut = encoded("gzip", lambda data: gzip.compress(data)[:-6])
gzip_damaged = encoded("gzip", lambda data: data)
brotli = encoded("br", lambda data: data)
gzip_twice = encoded("gzip, gzip", lambda data: gzip.compress(gzip.compress(data)))


async def good(a: Answering) -> None:
    """Answer as one should."""
    await body(good_body(a))(a)


async def split_at_every_byte(a: Answering) -> None:
    """Send the good answer in chunks of one byte."""
    await begin(a)
    data = good_body(a)
    await a.send(b"".join(b"1\r\n%c\r\n" % byte for byte in data))
    await a.end()


async def lingering(a: Answering) -> None:
    """Send the good answer and leave the message open behind it."""
    await begin(a)
    await a.chunk(good_body(a))
    await a.hang()


async def comments_between(a: Answering) -> None:
    """Send a good stream with comments, ids, retries and blank lines in between."""
    between = ": ping\n\nid: 7\nretry: 10\n\n\n"
    await events(between, event(), between, event("OK"), between, event(finish="stop") + DONE)(a)


async def carriage_returns(a: Answering) -> None:
    """End the lines of a good stream with CR alone."""
    await begin(a)
    await a.chunk(good_body(a).replace(b"\n", b"\r"))
    await a.end()


async def wrong_answer(a: Answering) -> None:
    """Answer well, but not what was expected."""
    if asked_of(a) is Asked.STREAM:
        await events(event("Nein"), event(finish="stop") + DONE)(a)
        return
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "Nein"}}
    await a.json({**ANSWER, "choices": [choice]})


def finishing(reason: str | None, text: str = "") -> Handler:
    """Make a server that ends with this finish reason, after this text."""

    async def handler(a: Answering) -> None:
        if asked_of(a) is Asked.STREAM:
            await events(event(text), event(finish=reason) + DONE)(a)
            return
        choice = {"index": 0, "finish_reason": reason, "message": {"content": text}}
        await a.json({**ANSWER, "choices": [choice]})

    return handler
