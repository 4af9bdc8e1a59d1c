"""A target's page in Chromium: its charts, what they are compared with, and its probes."""

import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from monitor.api.models.targets import AtLocation, Mark, ProbeRow, Series, Stage, TargetDetail
from tests.browser.board import Board, target
from tests.browser.visiting import HOSTILE

NAME = "house/chat"
WEEK_S = 604_800
STEP_S = 60


def _series(name: str, since: float, until: float) -> Series:
    """One known step in each five; timeouts cut the newest short."""
    at = [float(moment) for moment in range(int(since) // 300 * 300, int(until), 300)]
    n = len(at)
    return Series(
        target=name,
        since=since,
        until=until,
        step_s=STEP_S,
        at=at,
        n=[9] * n,
        missed=[0] * n,
        p50_s=[0.42] * n,
        p95_s=[2.0] * n,
        p99_s=[2.0] * n,
        lower_bound=[False] * (n - 1) + [True],
        first_token_p50_s=[None] * n,
        first_token_p95_s=[None] * n,
        tokens_per_s_p50=[None] * n,
        verdicts={"timeout": [1] * n},
        faults={"provider": [1] * n},
        cost_usd=[None] * n,
        headroom=[None] * n,
    )


def _probe(number: int) -> ProbeRow:
    return ProbeRow(
        id=str(number),
        at=time.time() - number,
        slot=number,
        attempt=1,
        verdict="timeout",
        fault="provider",
        detail=HOSTILE,
        hint="",
        status=None,
        total_s=8.0,
        first_token_s=None,
        input_tokens=None,
        output_tokens=None,
        cost_usd=None,
        request_id=f"req_{number}",
        returned_model=HOSTILE,
        tainted=False,
        stages=[Stage(name="head", start_s=0.0, end_s=8.0, ended=False)],
    )


class _Answers:
    """What the API says about targets, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False
        self.locations: list[AtLocation] = []

    def __call__(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        self.asked.append(f"{url.path}?{url.query}")
        words = {key: values[0] for key, values in parse_qs(url.query).items()}
        kind = url.path.rpartition("/")[2]
        if self.broken and kind == "series":
            problem = {"title": "no history", "status": 503, "detail": HOSTILE}
            route.fulfill(status=503, json=problem)
            return
        known: dict[str, Callable[[dict[str, str]], object]] = {
            "series": self._series,
            "events": self._events,
            "probes": self._probes,
        }
        name = "embed" if "/embed/" in url.path else NAME
        route.fulfill(json=known.get(kind, self._detail)(words | {"name": name}))

    def _series(self, words: dict[str, str]) -> object:
        found = _series(words["name"], float(words["since"]), float(words["until"]))
        return found.model_dump(mode="json")

    def _events(self, words: dict[str, str]) -> object:
        at = (float(words["since"]) + float(words["until"])) / 2
        mark = Mark(at=at, until=None, kind="drift", title=HOSTILE, detail="")
        return [mark.model_dump(mode="json")]

    def _probes(self, words: dict[str, str]) -> object:
        first = int(words.get("cursor", "0"))
        items = [_probe(number).model_dump(mode="json") for number in range(first, first + 3)]
        return {"items": items, "next_cursor": None if first else "3"}

    def _detail(self, _: dict[str, str]) -> object:
        now = target(NAME, detail=HOSTILE)
        detail = TargetDetail(
            now=now,
            windows=[now.figures],
            deadline_s=8.0,
            prompt=HOSTILE,
            expects=[HOSTILE],
            locations=self.locations,
            standing="failing in fra1, fine in iad1, no report from sin1",
        )
        return detail.model_dump(mode="json")


@pytest.fixture
def answers(page: Page) -> _Answers:
    """The API about targets, in front of the board."""
    found = _Answers()
    page.route(re.compile(r"/api/v1/targets/"), found)
    return found


def _open(page: Page, board: Board, words: str = "") -> None:
    page.goto(f"{board.url}/targets/house%2Fchat{words}")
    expect(page.get_by_role("heading", name="Latency")).to_be_visible()
    expect(page.locator(".u-over")).to_have_count(7)


@pytest.mark.usefixtures("answers")
def test_strings_of_providers_are_text_wherever_they_stand(page: Page) -> None:
    """Details, hints, prompts, models and marks are shown as they are, and run nothing."""
    with Board([target(NAME, detail=HOSTILE)], []) as board:
        _open(page, board)
        page.locator(".probe-open").first.press("Enter")
        expect(page.locator(".probe-more").first).to_contain_text("req_0")
        expect(page.locator(".probe-more").first).to_contain_text(HOSTILE)
        expect(page.locator(".marks")).to_contain_text(HOSTILE)
        assert page.locator("main img").count() == 0


def test_the_time_shown_is_changed_by_drag_and_by_keys(page: Page, answers: _Answers) -> None:
    """Dragging zooms, plus and minus too, arrows move, Escape resets; the address says it."""
    with Board([target(NAME)], []) as board:
        _open(page, board)
        plot = page.locator(".u-over").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 50, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 150, box["y"] + 40, steps=4)
        page.mouse.up()
        page.wait_for_url(re.compile(r"since=\d+&until=\d+"))
        seen = [page.url]
        for key in ("+", "ArrowLeft"):
            page.locator(".plot").first.press(key)
            page.wait_for_url(lambda url: url not in seen)
            seen.append(page.url)
        widths = [_width(url) for url in seen]
        assert widths[0] > widths[1] == widths[2]
        page.locator(".plot").first.press("Escape")
        page.wait_for_url(lambda url: "since" not in url)
    assert sum("/series" in path for path in answers.asked) >= 4


def _width(url: str) -> int:
    words = parse_qs(urlsplit(url).query)
    return int(words["until"][0]) - int(words["since"][0])


def test_comparisons_are_asked_in_the_same_steps(page: Page, answers: _Answers) -> None:
    """Last week is the same stretch seven days earlier, another target the same stretch."""
    with Board([target(NAME), target("embed")], []) as board:
        _open(page, board, "?range=1h&week=1&with=embed")
        expect(page.get_by_text("p50, last week").first).to_be_visible()
        expect(page.get_by_text("p50, embed").first).to_be_visible()
    own, *others = [parse_qs(urlsplit(it).query) for it in answers.asked if "/series" in it]
    found = {float(own["since"][0]) - float(other["since"][0]) for other in others}
    assert found == {0.0, float(WEEK_S)}
    assert {other["step_s"][0] for other in others} == {str(STEP_S)}


@pytest.mark.usefixtures("answers")
def test_a_chart_is_a_table_too_and_says_what_is_a_lower_bound(page: Page) -> None:
    """The table has what the lines have; what timeouts cut short is at least that."""
    with Board([target(NAME)], []) as board:
        _open(page, board)
        chart = page.locator(".chart").first
        expect(chart).to_contain_text("at least: timeouts cut 1 step short")
        before = chart.bounding_box()
        chart.get_by_role("button", name="Show as table").click()
        newest = chart.locator("tbody tr").first.locator("td")
        expect(newest).to_have_text(["420 ms", "≥ 2.00 s", "≥ 2.00 s"])
        assert chart.bounding_box() == before


def test_a_target_is_shown_at_every_location(page: Page, answers: _Answers) -> None:
    """A row each, ours marked, one that does not report without figures; alone there is none."""
    figures = target(NAME).figures
    with Board([target(NAME)], []) as board:
        _open(page, board)
        expect(page.get_by_role("heading", name="Locations")).to_have_count(0)
        answers.locations = [
            AtLocation(location="fra1", own=True, level="failing", figures=figures),
            AtLocation(location="iad1", own=False, level="ok", figures=figures),
            AtLocation(location="sin1", own=False, level="unknown", figures=None),
        ]
        _open(page, board)
        rows = page.get_by_role("table", name="This target at each location").locator("tbody tr")
        expect(rows.locator("th")).to_have_text(["fra1 (here)", "iad1", "sin1"])
        expect(rows.locator("td[data-name=level]")).to_have_text(["failing", "ok", "no report"])
        expect(page.get_by_text("failing in fra1, fine in iad1")).to_be_visible()


def test_failures_go_on_page_by_page(page: Page, answers: _Answers) -> None:
    """Failures are a list of their own, which goes on where its first page ended."""
    with Board([target(NAME)], []) as board:
        _open(page, board)
        page.get_by_role("button", name="Failures", exact=True).click()
        page.get_by_role("button", name="Load more").click()
        expect(page.locator(".probe-open")).to_have_count(6)
        expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    assert any("failed=true" in path and "cursor=3" in path for path in answers.asked)


def test_a_past_that_is_not_to_be_had_can_be_asked_for_again(page: Page, answers: _Answers) -> None:
    """The problem's own words stand there with a way to try again, and go when it worked."""
    answers.broken = True
    with Board([target(NAME)], []) as board:
        page.goto(f"{board.url}/targets/house%2Fchat")
        problem = page.locator(".error-line")
        expect(problem).to_contain_text(HOSTILE)
        answers.broken = False
        problem.get_by_role("button", name="Try again").click()
        expect(page.locator(".u-over")).to_have_count(7)
        expect(problem).to_have_count(0)
