"""How /metrics is served, without a socket."""

import asyncio
import gzip
from collections.abc import Iterator
from itertools import count

import httpx2
import pytest
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import Message, Scope

from monitor.metrics import Metrics
from monitor.web.scrape import (
    CHUNK_CHARS,
    LONGEST_TURN_S,
    OPEN_LIMIT,
    TURN_S,
    Scrapes,
    accepts_gzip,
    chunks,
)

REFUSED = 'sonde_scrapes_failed_total{reason="busy"} 1.0'


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("fra1", "1")


def client(scrapes: Scrapes) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=scrapes), base_url="http://sonde", trust_env=False
    )


async def collected(pieces: Iterator[str], tick_s: float) -> tuple[list[bytes], int]:
    """Return the chunks, and how often somebody else had the loop, by a clock of `tick_s`."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    clock = count()
    async with asyncio.TaskGroup() as group:
        other = group.create_task(others())
        found = [chunk async for chunk in chunks("", pieces, lambda: next(clock) * tick_s)]
        other.cancel()
    return found, turns


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_scrape_is_whole_in_either_encoding(metrics: Metrics, encoding: str) -> None:
    """Both halves arrive, as text of format 0.0.4, compressed for those alone who asked."""
    async with client(Scrapes(metrics)) as http:
        answer = await http.get("/metrics", headers={"Accept-Encoding": encoding})
    assert answer.headers["content-type"] == CONTENT_TYPE_PLAIN_0_0_4
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers.get("content-encoding") == ("gzip" if encoding == "gzip" else None)
    assert "process_resident_memory_bytes" in answer.text
    assert "sonde_probe_success" in answer.text
    assert answer.text.endswith("\n")


async def test_a_head_request_has_the_headers_and_no_body(metrics: Metrics) -> None:
    """HEAD tells what GET would be, and renders nothing."""
    async with client(Scrapes(metrics)) as http:
        answer = await http.head("/metrics", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == CONTENT_TYPE_PLAIN_0_0_4
    assert answer.content == b""


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip ; q=0", False),
        ("gzip;q=0.000, identity", False),
        ("x-gzip-not", False),
    ],
)
def test_gzip_is_for_those_who_name_it(header: str, accepted: bool) -> None:
    """A coding with weight 0 is refused, one that only contains the name is another one."""
    assert accepts_gzip(header) is accepted


async def test_others_have_their_turn_while_it_is_written() -> None:
    """With every look at the clock half a turn long, others run at every third piece at least."""
    _, turns = await collected(iter(["x\n"] * 100), TURN_S / 2)
    assert turns >= 100 // 3


@pytest.mark.parametrize(
    ("away_s", "turn_s"),
    [(0.0, TURN_S), (LONGEST_TURN_S / 2, LONGEST_TURN_S / 2), (1.0, LONGEST_TURN_S)],
)
async def test_a_turn_is_as_long_as_that_of_others(away_s: float, turn_s: float) -> None:
    """Who has much to do in between leaves a scrape half of the loop, but for a bounded time."""
    now_s, turns_s = 0.0, [0.0]

    def pieces() -> Iterator[str]:
        nonlocal now_s
        for _ in range(1_000):
            now_s += TURN_S / 10
            turns_s[-1] += TURN_S / 10
            yield "x\n"

    async def others() -> None:
        nonlocal now_s
        while True:
            await asyncio.sleep(0)
            if turns_s[-1]:
                turns_s.append(0.0)
                now_s += away_s

    async with asyncio.TaskGroup() as group:
        other = group.create_task(others())
        async for _ in chunks("", pieces(), lambda: now_s):
            pass
        other.cancel()
    _first, *whole, _last = turns_s
    assert len(whole) > 10
    assert whole == pytest.approx([turn_s] * len(whole), abs=TURN_S / 5)


async def test_what_takes_no_time_keeps_the_loop() -> None:
    """Turns are given up by time alone, not by the number of pieces."""
    found, turns = await collected(iter(["x\n"] * 1_000), 0.0)
    assert found == [b"x\n" * 1_000]
    assert turns <= 1


async def test_no_chunk_is_much_larger_than_a_chunk() -> None:
    """However long the text, only so much of it waits to be sent."""
    piece = "é" * 999 + "\n"
    found, _ = await collected(iter([piece] * 1_000), 0.0)
    assert b"".join(found).decode() == piece * 1_000
    assert max(len(chunk.decode()) for chunk in found) < CHUNK_CHARS + len(piece)


async def test_too_many_scrapes_at_once_are_refused_and_counted(metrics: Metrics) -> None:
    """What waits to be sent stays bounded: one more than the limit is told to come again."""
    gate = asyncio.Event()
    scrapes = Scrapes(metrics)

    async def send(_message: Message) -> None:
        await gate.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(OPEN_LIMIT):
            group.create_task(scrapes(scope(), never, send))
        await asyncio.sleep(0)
        async with client(scrapes) as http:
            refused = await http.get("/metrics")
            gate.set()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    async with client(scrapes) as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert REFUSED in answer.text


async def test_a_reader_that_takes_nothing_is_cut_off(metrics: Metrics) -> None:
    """It is counted, its body has no end, and its place is free again."""
    scrapes = Scrapes(metrics, limit_s=0.02)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    for _ in range(OPEN_LIMIT + 1):
        await scrapes(scope(), never, send)
    assert metrics.registry.get_sample_value("sonde_scrapes_failed_total", {"reason": "slow"}) == 5
    assert all(message.get("more_body", True) for message in sent)


async def test_a_reader_that_leaves_ends_the_work(metrics: Metrics) -> None:
    """Nobody writes on for a connection that is gone."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        await asyncio.Event().wait()

    async def leaving() -> Message:
        return {"type": "http.disconnect"}

    async with asyncio.timeout(5):
        await Scrapes(metrics)(scope(), leaving, send)
    assert len(sent) == 1


async def test_a_count_that_cannot_be_read_spoils_no_answer_half_way(metrics: Metrics) -> None:
    """What fails fails before anything is sent: a half scrape would look like vanished series."""
    metrics.read({"sonde_x_total": ("X.", lambda: 1 / 0)})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ZeroDivisionError):
        await Scrapes(metrics)(scope(), never, send)
    assert not sent


async def test_gzip_is_one_member(metrics: Metrics) -> None:
    """However many chunks it came in, it is one ordinary gzip file."""
    body = b""

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    await Scrapes(metrics)(scope((b"accept-encoding", b"gzip")), never, send)
    assert b"sonde_build_info" in gzip.decompress(body)


def scope(*headers: tuple[bytes, bytes]) -> Scope:
    return {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "query_string": b"",
        "headers": list(headers),
    }


async def never() -> Message:
    """Receive nothing: a client that waits."""
    await asyncio.Event().wait()
    raise AssertionError
