"""Servers that repeat what they were sent, credentials first, in every place an answer has."""

import base64
import json
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from tests.faults.asked import Asked, asked_of, begin, kind_of
from tests.faults.breaking import Handler
from tests.integration.fault_server import ANSWER, DONE, Answering, event

SECRET_HEADERS: Final = ("authorization", "x-team")


def spellings(secret: str) -> tuple[str, ...]:
    """Return the ways in which a secret may be repeated."""
    data = secret.encode()
    return (
        secret,
        quote(secret, safe=""),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
        base64.b64encode(b"Bearer " + data).decode(),
        base64.b64encode(b"x" + data + b"y").decode(),
    )


def _heard(a: Answering) -> str:
    """Return every credential of the request in every spelling, as one line of text."""
    sent = (a.seen.header(name) or "" for name in SECRET_HEADERS)
    return " ".join(
        text for value in sent for text in spellings(value.removeprefix("Bearer ")) if value
    )


def refusing(shape: Callable[[str], object], status: str = "400 Bad Request") -> Handler:
    """Make a server that refuses with an error body of this shape."""

    async def handler(a: Answering) -> None:
        await a.json(shape(_heard(a)), status)

    return handler


def answering(shape: Callable[[str], str], kind: str | None = None) -> Handler:
    """Make a server that answers 200 with this text."""

    async def handler(a: Answering) -> None:
        data = shape(_heard(a)).encode()
        await a.head(Content_Type=kind or kind_of(a), Content_Length=str(len(data)))
        await a.send(data)

    return handler


def in_header(name: str, status: str = "200 OK", before: str = "") -> Handler:
    """Make a server that answers well, and repeats all of it in one header."""

    async def handler(a: Answering) -> None:
        await a.json(ANSWER, status, **{name: before + _heard(a)})

    return handler


async def as_names(a: Answering) -> None:
    """Call the model, the fingerprint and the finish reason so."""
    heard = _heard(a)
    choice = {"index": 0, "finish_reason": heard, "message": {"content": heard}}
    await a.json({"model": heard, "system_fingerprint": heard, "choices": [choice]})


async def as_tokens(a: Answering) -> None:
    """Stream it, and break off."""
    await begin(a)
    await a.chunk(event(_heard(a)) + f"data: {{{_heard(a)}\n\n" + DONE)
    await a.end()


async def as_reason(a: Answering) -> None:
    """Say it in the status line."""
    await a.send(f"HTTP/1.1 500 {_heard(a)}\r\nContent-Length: 0\r\n\r\n")


async def as_host(a: Answering) -> None:
    """Redirect to a host named so."""
    key = (a.seen.header("authorization") or "").removeprefix("Bearer ")
    await a.head("302 Found", Location=f"https://{key}.example/{key}", Content_Length="0")


async def as_framing(a: Answering) -> None:
    """Say it in a chunk's extension, in a trailer, and in a chunk size that is none."""
    await begin(a)
    await a.send(f"2;x={_heard(a)}\r\n{{}}\r\n{_heard(a)}\r\n")
    a.cut()


async def instead_of_http(a: Answering) -> None:
    """Say it and nothing else."""
    await a.send(_heard(a) + "\r\n\r\n")
    a.cut()


async def as_content_type(a: Answering) -> None:
    """Say that the answer is of that type."""
    await a.head(Content_Type=_heard(a), Content_Length="2")
    await a.send("{}")


async def as_error_event(a: Answering) -> None:
    """Report it as an error in the middle of a stream; to others as an error."""
    if asked_of(a) is Asked.STREAM:
        await begin(a)
        await a.chunk(event("O") + f"event: error\ndata: {_heard(a)}\n\n")
        await a.hang()
    await a.json({"error": {"message": _heard(a)}})


ECHOES: Final[tuple[Handler, ...]] = (
    refusing(lambda heard: {"error": {"message": heard, "type": heard, "code": heard}}),
    refusing(lambda heard: {"error": {"message": f"Incorrect API key: {heard}"}}, "401 No"),
    refusing(lambda heard: {"error": heard, "code": heard}, "403 No"),
    refusing(lambda heard: {"object": "error", "message": heard}, "404 No"),
    refusing(lambda heard: {"detail": heard}, "429 No"),
    refusing(lambda heard: [{"error": {"status": heard, "message": heard}}], "500 No"),
    refusing(lambda heard: {"error": {"message": heard}}, "200 OK"),
    answering(lambda heard: heard),
    answering(lambda heard: f"<html>{heard}</html>", "text/html"),
    answering(lambda heard: f'{{"choices": [{{"{heard}": "'),
    answering(lambda heard: f"data: {heard}\n\n"),
    answering(lambda heard: f"event: error\ndata: {json.dumps({'message': heard})}\n\n"),
    in_header("X_Request_Id"),
    in_header("X_Request_Id", "500 No", "r" * 190),
    in_header("Retry_After", "429 No"),
    in_header("x_ratelimit_remaining_requests"),
    in_header("x_ratelimit_reset_requests"),
    in_header("OpenAI_Processing_Ms"),
    in_header("Content_Encoding"),
    in_header("Set_Cookie"),
    in_header("Deprecation"),
    in_header("Sunset"),
    in_header("Location", "307 Elsewhere", "https://elsewhere.example/?"),
    in_header("Transfer_Encoding"),
    as_names,
    as_tokens,
    as_reason,
    as_host,
    as_framing,
    instead_of_http,
    as_content_type,
    as_error_event,
)
