"""When a document is fetched, and what becomes of one that cannot be; in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from monitor.clock import Clock
from monitor.polled.fetch import Document, Fetcher, FetchError, Validators
from monitor.polled.poll import DEADLINE_S, FIRST_WITHIN_S, LONGEST_AWAY_S, Poll
from monitor.polled.unreadable import UnreadableError

pytestmark = pytest.mark.looptime

URL = "https://status.example.com/api/v2/summary.json"


class Shelf(Fetcher):
    """A server that answers as a test says."""

    def __init__(self, answer: Callable[[], Document | None]) -> None:
        self._answer = answer
        self.fetched_at: list[float] = []
        self.known: list[Validators] = []
        self.hangs = False

    async def fetch(self, url: str, known: Validators, wall: float) -> Document | None:
        assert url == URL
        self.fetched_at.append(asyncio.get_running_loop().time())
        self.known.append(known)
        if self.hangs:
            await asyncio.sleep(3600)
        return self._answer()


def fresh() -> Document:
    return Document(b"1", Validators(etag='"a"'))


def failing(error: Exception) -> Callable[[], Document]:
    def answer() -> Document:
        raise error

    return answer


@asynccontextmanager
async def polling(
    shelf: Shelf, take: Callable[[bytes], None] = lambda _raw: None, every_s: float = 300.0
) -> AsyncIterator[Poll]:
    loop = asyncio.get_running_loop()
    poll = Poll("page", URL, every_s, take)
    clock = Clock(lambda: 1_700_000_000.0 + loop.time(), loop.time)
    task = asyncio.ensure_future(poll.run(shelf, clock))
    try:
        yield poll
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_page_is_asked_gently() -> None:
    """Soon after the start, then every five minutes and up to a tenth more: twelve an hour."""
    shelf = Shelf(fresh)
    began = asyncio.get_running_loop().time()
    async with polling(shelf):
        await asyncio.sleep(3600)
    assert shelf.fetched_at[0] - began <= FIRST_WITHIN_S
    beats = [b - a for a, b in pairwise(shelf.fetched_at)]
    assert all(300 <= beat <= 330.001 for beat in beats)
    assert 10 <= len(beats) <= 12


async def test_a_need_is_met_soon_and_not_often() -> None:
    """However many ask, one fetch a minute; and asked for long after the last, at once."""
    shelf = Shelf(fresh)
    async with polling(shelf) as poll:
        await asyncio.sleep(120)
        before = len(shelf.fetched_at)
        for _ in range(180):
            poll.want()
            await asyncio.sleep(1)
    asked = shelf.fetched_at[before:]
    assert 3 <= len(asked) <= 4
    assert all(b - a >= 60 for a, b in pairwise(asked))


async def test_what_is_known_makes_the_next_request_conditional() -> None:
    """Validators come from documents that could be read; "not modified" confirms what is known."""
    answers = iter([fresh(), None, None])
    shelf = Shelf(lambda: next(answers))
    async with polling(shelf) as poll:
        await asyncio.sleep(640)
        assert poll.confirmed_at == pytest.approx(1_700_000_000.0 + shelf.fetched_at[-1])
    assert shelf.known == [Validators(), *[Validators(etag='"a"')] * 2][: len(shelf.known)]
    assert len(shelf.known) >= 2


def unreadable(_raw: bytes) -> None:
    raise UnreadableError("no summary")


def broken(_raw: bytes) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("answer", "take", "failure"),
    [
        (failing(FetchError("HTTP 500")), lambda _raw: None, "HTTP 500"),
        (fresh, unreadable, "unreadable: no summary"),
        (fresh, broken, "a bug of ours"),
    ],
)
async def test_what_fails_is_said_once_and_tried_again(
    answer: Callable[[], Document], take: Callable[[bytes], None], failure: str
) -> None:
    """No failure ends the polling, and no document that was not read is called known."""
    shelf = Shelf(answer)
    with capture_logs() as logs:
        async with polling(shelf, take) as poll:
            await asyncio.sleep(1000)
            assert poll.failure == failure
            assert poll.confirmed_at is None
    assert len(shelf.fetched_at) >= 3
    assert set(shelf.known) == {Validators()}
    assert [each["event"] for each in logs].count("polled.failed") == 1


async def test_a_server_that_hangs_is_left_in_time() -> None:
    """A fetch has ten seconds; the next one, that works, ends the trouble."""
    shelf = Shelf(fresh)
    shelf.hangs = True
    with capture_logs() as logs:
        async with polling(shelf) as poll:
            await asyncio.sleep(FIRST_WITHIN_S + DEADLINE_S + 1)
            assert poll.failure == "no document within 10 s"
            shelf.hangs = False
            await asyncio.sleep(330)
            assert poll.failure is None
    assert [each["event"] for each in logs] == ["polled.failed", "polled.read_again"]


@pytest.mark.parametrize(("asked_s", "least_s"), [(900.0, 900.0), (1e9, LONGEST_AWAY_S)])
async def test_a_server_that_asks_us_to_stay_away_is_obeyed(asked_s: float, least_s: float) -> None:
    """Retry-After lengthens the beat, by an hour at most, whoever wants the page meanwhile."""
    shelf = Shelf(failing(FetchError("HTTP 429", asked_s)))
    async with polling(shelf) as poll:
        for _ in range(800):
            poll.want()
            await asyncio.sleep(10)
    beats = [b - a for a, b in pairwise(shelf.fetched_at)]
    assert min(beats) >= least_s
    assert max(beats) <= least_s + 11
