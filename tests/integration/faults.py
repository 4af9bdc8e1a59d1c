"""Servers that several tests meet; every other fault is in tests/faults."""

import asyncio

from tests.integration.fault_server import ANSWER, DONE, Answering, event


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
