"""Paths, filters, words: the small parts of the API about targets."""

import asyncio
import time
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from aggregator.window import Windows
from monitor.api.detail import expected, said_by
from monitor.api.figures import figures_of, last_of
from monitor.api.models.alerts import AlertRow
from monitor.api.models.shape import Page
from monitor.api.models.targets import Mark
from monitor.api.paths import AsSent, named
from monitor.api.present import loudest
from monitor.api.problems import RefusedError
from monitor.api.series import step_of
from monitor.api.targets import span_of
from monitor.api.turns import TURN_S, Turns
from monitor.api.written import page_written
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import Saying, Words
from probes.answer_schema import AnswerSchema, TextPattern
from probes.target import Expectation
from tests.unit.aggregator.samples import result, timeout

DAY = 86_400.0


def alert(subject: str, *targets: str, **said: Any) -> AlertRow:  # Any: fields of all types
    nothing = dict.fromkeys(("fired_at", "clear_since", "provider"))
    empty = {"channels": [], "notes": [], "annotations": {}, "labels": {}, "value": ""}
    fields: dict[str, Any] = {"severity": "critical", "state": "firing", "fault": "provider"}
    fields |= {"fingerprint": "f", "name": "n", "condition": "", "since": 0.0, **nothing, **empty}
    return AlertRow(subject=subject, targets=list(targets), **{**fields, **said})


def test_how_loud_it_is_about_a_target() -> None:
    """Its own alerts and its provider's that blame somebody, and the loudest of those."""
    found = loudest(
        [
            alert("a", "a", severity="warning"),
            alert("a", "a"),
            alert("a", "a", severity="info"),
            alert("q", "c", "d", severity="warning"),
            alert("here", "a", "b", "c"),
            alert("b", "b", state="pending"),
            alert("b", "b", fault=""),
            alert("c", "c", state="clearing", severity="info"),
        ],
        {"a": "p", "b": "p", "c": "q", "d": "q"},
    )
    assert {name: each.value for name, each in found.items()} == {
        "a": "critical",
        "c": "warning",
        "d": "warning",
    }


def test_figures_of_a_window_with_timeouts() -> None:
    """Quantiles that timeouts cut say so; nothing known is null; zero counts are absent."""
    windows = Windows(900.0)
    for number in range(10):
        windows.ingest(result(total_s=1.0 / 3), 100.0 + number)
    for number in range(10):
        windows.ingest(timeout(9.0), 200.0 + number)
    windows.missed("chat", 210.0)
    found = figures_of(windows.summary(("chat",), 900.0, 250.0))
    assert found.p50_s is not None
    assert (found.p50_s.value, found.p50_s.lower_bound) == (0.333333, False)
    assert found.p95_s is not None
    assert (found.p95_s.value, found.p95_s.lower_bound) == (9.0, True)
    assert found.first_token_p50_s is None
    assert found.by_verdict == {"ok": 10, "timeout": 10}
    assert (found.samples, found.missed, found.error_rate, found.window) == (20, 1, 0.5, "15m")
    nothing = figures_of(Windows(900.0).summary(("chat",), 900.0, 250.0))
    assert nothing.coverage is nothing.error_rate is nothing.cost_usd is None


def test_a_providers_words_stay_as_they_are() -> None:
    """They are data here; whoever shows them as text has nothing to undo."""
    assert last_of(timeout(1.0, detail="<b>&amp;")).detail == "<b>&amp;"


def test_what_an_answer_must_be() -> None:
    """Each expectation in a line; a long schema is cut."""
    every = Expectation(
        contains="a",
        equals="b",
        regex=TextPattern("^c$"),
        json_schema=AnswerSchema('{"type":  "object", "description": "' + "x" * 300 + '"}'),
        dimensions=3,
        normalised=True,
        cosine_at_least=0.9,
    )
    lines = list(expected(every))
    assert lines[:3] == ['contains "a"', 'equals "b"', "matches ^c$"]
    assert lines[3].startswith('is JSON of the schema {"type": "object", "description"')
    assert len(lines[3]) < 240
    assert lines[4:] == [
        "has 3 dimensions",
        "has the length 1",
        "has a cosine of at least 0.9 with its reference",
    ]
    assert list(expected(Expectation())) == []
    short = list(expected(Expectation(json_schema=AnswerSchema("{}"))))
    assert short == ["is JSON of the schema {}"]


def test_what_a_page_that_cannot_be_read_says() -> None:
    """Unknown, and not that all is well."""
    saying = Saying("p", "status.example", 90.0, frozenset({Words(PageState.UNKNOWN)}))
    assert "cannot be read" in said_by(saying, 100.0)


@pytest.mark.parametrize(
    ("since", "until", "asked", "step_s"),
    [
        (0.0, DAY, None, 300),
        (0.0, 30 * DAY, None, 3_600),
        (0.0, 3_600.0, None, 60),
        (0.0, 1e4 * DAY, 10 * 86_400, 864_000),
        (0.0, DAY, 60, 60),
    ],
)
def test_how_long_a_step_is(since: float, until: float, asked: int | None, step_s: int) -> None:
    """As asked for; else as suits the stretch of time."""
    assert step_of(since, until, asked) == step_s


@pytest.mark.parametrize(
    ("length_s", "interval_s", "step_s"),
    [
        (3_600.0, 60.0, 300),
        (3_600.0, 10.0, 60),
        (DAY, 60.0, 300),
        (DAY, 300.0, 3_600),
        (3_600.0, 3_600.0, 60),
        (1_000 * DAY, 60.0, 86_400),
    ],
)
def test_a_step_has_results_enough(length_s: float, interval_s: float, step_s: int) -> None:
    """A percentile needs five: a finer step has none, unless so few steps were no chart."""
    assert step_of(0.0, length_s, None, interval_s) == step_s


def test_the_time_that_is_meant() -> None:
    """24 hours until now, unless it is said; never from before the epoch, and never none."""
    assert span_of(2 * DAY, None, None) == (DAY, 2 * DAY)
    assert span_of(2 * DAY, None, 100.0) == (0.0, 100.0)
    with pytest.raises(RefusedError):
        span_of(2 * DAY, 3 * DAY, None)
    with pytest.raises(RefusedError):
        step_of(5.0, 5.0, None)


async def test_paths_as_they_were_sent() -> None:
    """What was quoted stays quoted; a server without raw paths is taken as it is."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is sent")

    given = {"type": "http", "path": "/a/b c", "raw_path": b"/a%2Fb%20c"}
    for scope in (given, {"type": "http", "path": "/x"}, {"type": "lifespan"}):
        await AsSent(app)(scope, receive, send)
    assert [scope.get("path") for scope in seen] == ["/a%2Fb%20c", "/x", None]
    assert given["path"] == "/a/b c"
    assert named("a%2Fb%20c") == "a/b c"


@pytest.mark.parametrize("count", [0, 1, 60])
@pytest.mark.parametrize("cursor", [None, "0x1p+3_7"])
async def test_a_page_as_its_model_writes_it(count: int, cursor: str | None) -> None:
    """To the byte, however many rows there are."""
    marks = [
        Mark(at=float(number), until=None, kind="drift", title='"\\<é>') for number in range(count)
    ]
    whole = Page[Mark](items=marks, next_cursor=cursor).model_dump_json()
    assert await page_written(marks, cursor) == whole.encode()


async def test_long_work_gives_way() -> None:
    """Once a turn has lasted long enough, others run before the work goes on."""
    turns, others = Turns(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_set(others), name="others")
        ends = time.perf_counter() + TURN_S
        while time.perf_counter() < ends:
            pass
        assert not others.is_set()
        await turns.give_way()
        assert others.is_set()


async def _set(event: asyncio.Event) -> None:
    event.set()
