"""Points read back in pages: none missing, none twice, and nothing that is not ours."""

from collections import defaultdict

import pytest

from aggregator.rollup.bucket import Bucket
from aggregator.stores.history import HistoryError, Trouble
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxdb_points import NS, Points, fold, results
from aggregator.stores.influxql import Row
from probes.result import Fault, Verdict
from tests.unit.aggregator.stores.pointed import Pointed, point


async def all_pages(points: Points, limit: int, end_s: int = 100) -> list[list[int]]:
    """Read everything; return the times of each page, in seconds."""
    pages, until_ns = [], end_s * NS
    while page := await points.newest(0, until_ns, "chat", limit):
        pages.append([row["time"] // NS for row in page.rows])
        until_ns = page.since_ns
    return pages


async def test_pages_are_told_apart_by_time() -> None:
    """The newest come first; a full page leaves its oldest moment to the next, which has it all."""
    stored = Pointed([point(at) for at in (1, 2, 3, 3, 4, 5)])
    assert await all_pages(Points(stored, "here"), 3) == [[5, 4], [3, 3], [2, 1]]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
async def test_a_server_that_answers_less_is_asked_again(most: int) -> None:
    """1.x may be set to answer fewer rows than are asked for: nothing is missing then."""
    stored = Pointed([point(at) for at in range(10)], most)
    pages = await all_pages(Points(stored, "here"), 4)
    assert [at for page in pages for at in page] == list(range(9, -1, -1))


async def test_more_of_one_moment_than_a_page_holds_are_refused() -> None:
    """Rather than left out, or asked for without end."""
    with pytest.raises(HistoryError, match="not one of ours"):
        await all_pages(Points(Pointed([point(1)] * 4), "here"), 3)


async def test_words_of_a_newer_version_are_left_out() -> None:
    """A verdict, a fault or an operation of tomorrow, and the pages go on behind them."""
    tomorrow = [point(at, verdict="glorious") for at in (3, 4, 5)]
    stored = Pointed([point(1), point(2, fault="moon"), *tomorrow, point(6)])
    pages = await all_pages(Points(stored, "here"), 3)
    assert [at for page in pages for at in page] == [6, 1]
    assert results([point(1, operation="dream"), point(2)], "here")[0].at == 2


@pytest.mark.parametrize(
    "said",
    [
        {"time": 200 * NS},
        {"time": "2026-01-01T00:00:00Z"},
        {"time": 1.5e9},
        {"verdict": ["ok"]},
    ],
)
async def test_rows_that_were_not_asked_for_are_refused(said: dict[str, object]) -> None:
    """Times outside the question, or no times at all, end it."""

    class Strange(Pointed):
        async def rows(self, query: str, **params: str | int) -> list[Row]:
            return [point(1, **said)]

    with pytest.raises(HistoryError, match="not one of ours"):
        await Points(Strange([]), "here").newest(0, 100 * NS)


async def test_places_and_targets_are_asked_for_as_they_were_written() -> None:
    """A line cannot hold a break, nor a backslash before what separates: the store has others."""
    stored = Pointed([point(1, location=r"a/ b\nc", target="d/")])
    assert await Points(stored, "a\\ b\nc").newest(0, 10 * NS, "d\\") is not None


def test_what_windows_need_of_a_point() -> None:
    """Times between tokens come out as they were; a timeout stays a lower bound."""
    streamed, late = results(
        [
            point(
                1,
                latency_ms=2_000.0,
                first_token_ms=500.0,
                tokens_input=3.0,
                tokens_output=11.0,
                cost_usd=0.5,
            ),
            point(2, verdict="timeout", fault="provider", attempt="2", latency_tainted=True),
        ],
        "here",
    )
    assert (streamed.latency_s, streamed.first_token_s, streamed.inter_token_s) == (2.0, 0.5, 0.15)
    assert (streamed.cost_usd, streamed.input_tokens, streamed.location) == (0.5, 3, "here")
    assert (late.verdict, late.fault, late.attempt) == (Verdict.TIMEOUT, Fault.PROVIDER, 2)
    assert (late.censored, late.latency_tainted, late.total_s) == (True, True, 0.25)
    assert late.first_token_s is None


@pytest.mark.parametrize("said", [{"latency_ms": None}, {"latency_ms": -1.0}, {"attempt": "x"}])
def test_points_that_no_probe_makes_are_refused(said: dict[str, object]) -> None:
    """Whatever is wrong with one, it is told and not guessed."""
    with pytest.raises(HistoryError, match="not one of ours"):
        results([point(1, **said)], "here")


def test_figures_that_no_probe_measures_are_refused() -> None:
    """In roll-ups as in windows."""
    with pytest.raises(HistoryError, match="not one of ours"):
        fold(defaultdict(Bucket), [point(1, cost_usd="dear")], 60)


async def test_troubles_across_pages() -> None:
    """What ended a trouble is found in the page read before, and the end of the question has none.

    The ledger's answer is the same; here all of it is read from the newest to the oldest.
    """
    down = {"verdict": "server_error", "fault": "provider"}
    ok = [point(at) for at in range(1, 600) if at not in (5, 6, 300)]
    stored = Pointed([*ok, *(point(at, **down) for at in (5, 6, 300, 600))], most=100)
    found = await InfluxdbHistory(stored, "here").events("chat", 0, 1_000)
    assert found.troubles == [
        Trouble(Fault.PROVIDER, 5, 7, 2),
        Trouble(Fault.PROVIDER, 300, 301, 1),
        Trouble(Fault.PROVIDER, 600, None, 1),
    ]


async def test_rows_of_a_page_may_come_in_any_order() -> None:
    """Each is in its minute once, and troubles are what they were."""

    class Shuffled(Pointed):
        async def rows(self, query: str, **params: str | int) -> list[Row]:
            return sorted(await super().rows(query, **params), key=lambda row: row["time"] % 7)

    lost = {"verdict": "reset", "fault": "network"}
    stored = Shuffled([*(point(at) for at in (3, 61, 62)), point(5, **lost)])
    history = InfluxdbHistory(stored, "here")
    found = await history.range("chat", 0, 600, 60)
    assert [(each.at, each.summary.n) for each in found] == [(0, 2), (60, 2)]
    assert (await history.events("chat", 0, 600)).troubles == [Trouble(Fault.NETWORK, 5, 61, 1)]


async def test_more_points_than_one_question_may_look_at() -> None:
    """A server without an end is not read without an end."""
    stored = Pointed([point(at) for at in range(30)], most=8)
    with pytest.raises(HistoryError, match="more than 20 results"):
        await InfluxdbHistory(stored, "here", most_points=20).range("chat", 0, 60, 60)
