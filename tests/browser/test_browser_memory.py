"""A dashboard stays open for weeks: what it shows no more is not kept."""

import itertools
import re
import time
from collections.abc import Callable

from playwright.sync_api import CDPSession, Page, Route, expect

from monitor.api.models.shape import Page as Part
from monitor.api.models.targets import ProbeRow
from tests.browser.board import Board, target

TURNS = 12
KEPT_NODES = 60
"""What a few turns more may leave: texts that Chromium has not let go of. One row has thirty."""


def probe(number: int) -> ProbeRow:
    return ProbeRow(
        id=str(number),
        at=float(number),
        slot=number,
        attempt=1,
        verdict="ok",
        fault="none",
        detail="",
        hint="",
        status=200,
        total_s=1.0,
        first_token_s=None,
        input_tokens=None,
        output_tokens=None,
        cost_usd=None,
        request_id="",
        returned_model="",
        tainted=False,
        stages=[],
    )


def grown(page: Page, turn: Callable[[], None]) -> int:
    """Return how many nodes of the document some turns leave behind, after the first few."""
    session = page.context.new_cdp_session(page)
    for _ in range(TURNS):
        turn()
    before = _nodes(session)
    for _ in range(TURNS):
        turn()
    return _nodes(session) - before


def _nodes(session: CDPSession) -> int:
    # Twice: what was only held by something that is finalised goes with the second.
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    counted: int = session.send("Memory.getDOMCounters")["nodes"]
    return counted


def test_probes_that_went_off_the_list_are_forgotten(page: Page) -> None:
    """Each newer probe pushes one off the end, for weeks."""
    numbers = itertools.count(1000)

    def rows(route: Route) -> None:
        newest = next(numbers)
        items = [probe(number) for number in range(newest, newest - 10, -1)]
        route.fulfill(json=Part[ProbeRow](items=items).model_dump(mode="json"))

    page.route("**/api/v1/targets/**", lambda route: route.fulfill(status=503))
    page.route(re.compile("/probes"), rows)
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/targets/p-a?probes=failed")
        expect(page.locator(".probe-open")).to_have_count(10)

        def turn() -> None:
            now = target("p-a")
            assert now.last
            last = now.last.model_copy(update={"at": time.time()})
            board.tick(now.model_copy(update={"last": last}))
            with page.expect_response(re.compile("/probes")):
                page.clock.run_for(6000)

        page.clock.install()
        page.reload()
        expect(page.locator(".probe-open")).to_have_count(10)
        assert grown(page, turn) < KEPT_NODES


def test_rows_that_are_filtered_away_are_forgotten(page: Page) -> None:
    """Tables are drawn anew each time that somebody filters, or that targets change places."""
    with Board([target("p-a"), target("p-b", level="down"), target("q-c")], []) as board:
        page.goto(board.url)
        level = page.get_by_role("button", name="down 1", exact=True)

        def turn() -> None:
            level.click()
            expect(page.locator(".line")).to_have_count(1)
            level.click()
            expect(page.locator(".line")).to_have_count(3)

        assert grown(page, turn) < KEPT_NODES


def test_pages_that_were_left_are_forgotten(page: Page) -> None:
    """Going to and fro leaves no page behind."""
    page.route("**/api/v1/slos", lambda route: route.fulfill(json=[]))
    with Board([target("p-a"), target("q-c")], []) as board:
        page.goto(board.url)

        def turn() -> None:
            page.get_by_role("link", name="SLOs").click()
            expect(page.get_by_role("heading", name="Objectives")).to_be_visible()
            page.get_by_role("link", name="Overview").click()
            expect(page.locator(".line")).to_have_count(2)

        assert grown(page, turn) < KEPT_NODES
