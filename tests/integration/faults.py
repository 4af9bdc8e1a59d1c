"""How servers misbehave (and two that do not): handlers for the fault server."""

import asyncio
import gzip

from tests.integration.fault_server import ANSWER, DONE, Answering, event


async def html(a: Answering) -> None:
    """Answer 200 with a page, as a gateway does."""
    await a.head(Content_Type="text/html", Content_Length="18")
    await a.send("<html>Busy!</html>")


async def error_with_200(a: Answering) -> None:
    """Answer 200 with an error inside."""
    await a.json({"error": {"message": "The engine is overloaded", "code": "server_is_overloaded"}})


async def json_cut(a: Answering) -> None:
    """Close in the middle of a JSON body."""
    await a.head(Content_Type="application/json", Content_Length="500")
    await a.send('{"choices": [')
    a.cut()


async def json_reset(a: Answering) -> None:
    """Reset in the middle of a JSON body."""
    await a.head(Content_Type="application/json", Content_Length="500")
    await a.send('{"choices": [')
    await asyncio.sleep(0.05)
    a.reset()


async def no_answer(a: Answering) -> None:
    """Close without an answer."""
    a.cut()


async def reset_at_once(a: Answering) -> None:
    """Reset without an answer."""
    a.reset()


async def redirect(a: Answering) -> None:
    """Send the client elsewhere, with credentials in the address."""
    where = "https://user:hunter2@elsewhere.example/v1?key=hunter2"
    await a.head("307 Temporary Redirect", Location=where, Content_Length="0")


async def nonsense(a: Answering) -> None:
    """Speak another protocol."""
    await a.send("SSH-2.0-OpenSSH_9.2p1\r\n\r\n")


async def endless_head(a: Answering) -> None:
    """Send a header line without an end."""
    await a.send("HTTP/1.1 200 OK\r\nX: ")
    while True:
        await a.send("x" * 65536)


async def many_headers(a: Answering) -> None:
    """Send two thousand headers."""
    await a.send("HTTP/1.1 200 OK\r\n" + "".join(f"X-{n}: 1\r\n" for n in range(2000)) + "\r\n")


async def endless_json(a: Answering) -> None:
    """Send a body without an end."""
    await a.head(Content_Type="application/json", Transfer_Encoding="chunked")
    while True:
        await a.chunk(b" " * 65536)


async def endless_line(a: Answering) -> None:
    """Send an event without an end."""
    await a.stream_head()
    await a.chunk("data: ")
    while True:
        await a.chunk(b"x" * 65536)


async def bomb(a: Answering) -> None:
    """Send 64 MB in 62 KB."""
    packed = gzip.compress(b" " * 64_000_000)
    await a.head(
        Content_Type="application/json", Content_Encoding="gzip", Content_Length=str(len(packed))
    )
    await a.send(packed)


async def damaged_gzip(a: Answering) -> None:
    """Promise gzip, send something else."""
    await a.head(Content_Type="application/json", Content_Encoding="gzip", Content_Length="9")
    await a.send("not gzip!")


async def brotli(a: Answering) -> None:
    """Compress as nobody asked."""
    await a.head(Content_Type="application/json", Content_Encoding="br", Content_Length="4")
    await a.send("....")


async def bad_chunk(a: Answering) -> None:
    """Break the framing in the middle of a stream, and stay."""
    await a.stream_head()
    await a.chunk(event("O"))
    await asyncio.sleep(0.05)
    await a.send("zz\r\nnot a chunk\r\n")
    await a.hang()


async def stream_cut(a: Answering) -> None:
    """Close in the middle of a stream."""
    await a.stream_head()
    await a.chunk(event("O"))
    a.cut()


async def stream_cut_after_finish(a: Answering) -> None:
    """Close after the finish reason, without ending the message."""
    await a.stream_head()
    await a.chunk(event("O") + event(finish="stop"))
    a.cut()


async def stream_reset(a: Answering) -> None:
    """Reset in the middle of a stream."""
    await a.stream_head()
    await a.chunk(event("O"))
    await asyncio.sleep(0.05)
    a.reset()


async def stream_error(a: Answering) -> None:
    """Report an error in the middle of a stream, and stay."""
    await a.stream_head()
    await a.chunk(event("O") + 'data: {"error": {"message": "worker died"}}\n\n')
    await a.hang()


async def stream_answered_with_json(a: Answering) -> None:
    """Answer as if no stream had been asked for."""
    await a.json(ANSWER)


async def stream_answered_with_error(a: Answering) -> None:
    """Answer a stream with 200 and an error body."""
    await a.json({"error": {"message": "no", "code": "insufficient_quota"}})


async def bad_key(a: Answering) -> None:
    """Refuse the key, repeating it."""
    await a.json(
        {
            "error": {
                "message": f"Incorrect API key: {a.seen.header('authorization')}",
                "code": "invalid_api_key",
            }
        },
        "401 Unauthorized",
    )


async def unavailable(a: Answering) -> None:
    """Answer 500 with a reason."""
    await a.json({"error": {"message": "down"}}, "500 Internal Server Error", Retry_After="1")


async def unavailable_half(a: Answering) -> None:
    """Answer 500 and close in the middle of the reason."""
    await a.head("500 Internal Server Error", Content_Type="text/html", Content_Length="90")
    await a.send("<h1>Broken")
    a.cut()


async def huge_error(a: Answering) -> None:
    """Answer 500 with a body without an end."""
    await a.head("500 Internal Server Error", Content_Type="text/html", Content_Length="9999999")
    while True:
        await a.send("x" * 65536)


async def silent(a: Answering) -> None:
    """Take the request and say nothing."""
    await a.hang()


async def half_a_head(a: Answering) -> None:
    """Stop in the middle of the head."""
    await a.send("HTTP/1.1 200 OK\r\nContent-Type: appl")
    await a.hang()


async def half_a_body(a: Answering) -> None:
    """Stop in the middle of a JSON body."""
    await a.head(Content_Type="application/json", Content_Length="500")
    await a.send('{"choices"')
    await a.hang()


async def dripping_body(a: Answering) -> None:
    """Send a body byte by byte."""
    await a.head(Content_Type="application/json", Content_Length="100000")
    while True:
        await a.send(" ")
        await asyncio.sleep(0.02)


async def dripping_head(a: Answering) -> None:
    """Send a head line by line."""
    await a.send("HTTP/1.1 200 OK\r\n")
    for number in range(100):
        await a.send(f"X-{number}: 1\r\n")
        await asyncio.sleep(0.02)


async def comments(a: Answering) -> None:
    """Keep a stream alive with comments only."""
    await a.stream_head()
    while True:
        await a.chunk(": keep-alive\n\n")
        await asyncio.sleep(0.02)


async def empty_deltas(a: Answering) -> None:
    """Keep a stream alive with chunks that hold no text."""
    await a.stream_head()
    while True:
        await a.chunk(event(""))
        await asyncio.sleep(0.02)


async def one_token_then_comments(a: Answering) -> None:
    """Send one token, then comments only."""
    await a.stream_head()
    await a.chunk(event("O"))
    while True:
        await a.chunk(": keep-alive\n\n")
        await asyncio.sleep(0.02)


async def endless_tokens(a: Answering) -> None:
    """Never stop sending tokens."""
    await a.stream_head()
    while True:
        await a.chunk(event("O"))
        await asyncio.sleep(0.02)


async def half_an_error(a: Answering) -> None:
    """Answer 503 and stop in the middle of the reason."""
    await a.head("503 Service Unavailable", Content_Type="text/plain", Content_Length="500")
    await a.send("overloaded, ")
    await a.hang()


async def half_a_stream(a: Answering) -> None:
    """Stop in the middle of a stream."""
    await a.stream_head()
    await a.chunk(event("O"))
    await a.hang()


async def answer_after_100_ms(a: Answering) -> None:
    """Answer after 100 ms, in one packet."""
    await asyncio.sleep(0.1)
    await a.json(ANSWER)


async def tokens_each_30_ms(a: Answering) -> None:
    """Stream four tokens, one each 30 ms, the first after 100 ms."""
    await a.stream_head()
    await asyncio.sleep(0.1)
    for letter in "abcd":
        await a.chunk(event(letter))
        await asyncio.sleep(0.03)
    await a.chunk(event(finish="stop") + DONE)
    await a.end()


async def good(a: Answering) -> None:
    """Answer at once."""
    await a.json(ANSWER)
