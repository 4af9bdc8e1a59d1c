"""/metrics: written and compressed in short turns of the loop, sent in chunks.

Nothing holds more of the text than one chunk, however many targets there are, and nobody waits for
the loop longer than one turn.
"""

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from typing import Final

import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.types import Receive, Scope, Send

from monitor.metrics import Metrics

TURN_S: Final = 0.001
"""How long writing holds the loop before others have it for as long. One turn of theirs alone would
not do: a slot makes a task in one, which starts in the next, behind a turn of ours more."""
LONGEST_TURN_S: Final = 0.003
"""Others who have more to do than that in between get no less of the loop when our turns are as
long as theirs, up to this; turns of TURN_S would make such a scrape of thousands of targets last
longer than Prometheus waits."""
CHUNK_CHARS: Final = 2**17
"""Characters that are compressed and sent in one go: 0.3 ms at GZIP_LEVEL. A thread would do that
beside us, but waits 5 ms for the interpreter, twice each time, where the loop is busy."""
OPEN_LIMIT: Final = 4
"""Scrapes at the same time: two Prometheus of a pair, somebody who looks, and one to spare."""
SCRAPE_LIMIT_S: Final = 30.0
"""How long one scrape may take; Prometheus itself gives up after 10 s unless told otherwise.
https://prometheus.io/docs/prometheus/latest/configuration/configuration/ (scrape_timeout)"""
GZIP_LEVEL: Final = 1
"""A tenth of level 9's time; text that repeats itself so much shrinks well at any level."""
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
"""The window bits that make zlib write a gzip header: https://www.zlib.net/manual.html"""

log = structlog.get_logger("sonde.scrape")


class Scrapes:
    """An ASGI application that answers with the metrics.

    Beyond OPEN_LIMIT scrapes at once the answer is 503; a reader too slow for SCRAPE_LIMIT_S is cut
    off in the middle of the body, which it cannot take for the end.
    """

    def __init__(self, metrics: Metrics, *, limit_s: float = SCRAPE_LIMIT_S) -> None:
        self._metrics = metrics
        self._limit_s = limit_s
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._open >= OPEN_LIMIT:
            self._metrics.scrape_failed("busy")
            refusal = Response("Too many scrapes at once.\n", 503, {"Retry-After": "1"})
            await refusal(scope, receive, send)
            return
        self._open += 1
        try:
            async with asyncio.timeout(self._limit_s):
                answer = await self._answer(Request(scope))
                await answer(scope, receive, send)
        except TimeoutError:
            self._metrics.scrape_failed("slow")
            log.warning("scrape.cut_off", after_s=self._limit_s)
        finally:
            self._open -= 1

    async def _answer(self, request: Request) -> Response:
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Vary": "Accept-Encoding"}
        if zipped := accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
        # The few lines of the registry first: should they fail, nothing has been promised yet. In a
        # thread, since what others registered there may look into files.
        own = await asyncio.to_thread(generate_latest, self._metrics.registry)
        body = chunks(own.decode(), self._metrics.written())
        if request.method == "HEAD":
            body = chunks("", iter(()))
        return StreamingResponse(compressed(body) if zipped else body, headers=headers)


async def compressed(body: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield a body as gzip."""
    packer = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_FORMAT)
    async for chunk in body:
        yield packer.compress(chunk)
    yield packer.flush()


async def chunks(
    start: str, pieces: Iterator[str], clock: Callable[[], float] = time.perf_counter
) -> AsyncGenerator[bytes, None]:
    """Yield `start` and the pieces in chunks, giving up the loop when a turn has passed.

    A turn lasts TURN_S, or as long as others had the loop before it, LONGEST_TURN_S at most.
    """
    waiting, size = [start], len(start)
    turn_ends = clock() + TURN_S
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK_CHARS:
            yield "".join(waiting).encode()
            waiting, size = [], 0
        if clock() >= turn_ends:
            left_at = clock()
            await asyncio.sleep(TURN_S)
            back_at = clock()
            turn_ends = back_at + min(max(TURN_S, back_at - left_at), LONGEST_TURN_S)
    yield "".join(waiting).encode()


def accepts_gzip(header: str) -> bool:
    """Say whether an Accept-Encoding header names gzip, and not with a weight of nothing.

    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
    """
    for coding in header.split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
