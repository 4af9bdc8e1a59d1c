"""The dashboard never says more than it knows: what is unknown, old or cut off looks like that."""

import re

import pytest
from playwright.sync_api import Page, expect

from monitor.api.models.alerts import AlertRow, HistoryRow
from monitor.api.models.money import BudgetRow, Costs
from monitor.api.models.shape import Page as Part
from tests.browser.board import Board, alert, target
from tests.browser.visiting import Visit

LONG = "n" * 128
PAPER = {"width": 720, "height": 1000}
"""What A4 upright leaves between its margins, in pixels of the page."""
FITS = "document.documentElement.scrollWidth <= innerWidth"
RENEWED_MS = 20_000


def decision(number: int) -> HistoryRow:
    return HistoryRow(
        id=number,
        at=float(number),
        fingerprint="f",
        name=f"Down-{number}",
        subject="p-a",
        event="fired",
        channel="",
        detail="",
        text="fired",
    )


def clearing(subject: str) -> AlertRow:
    return alert(subject).model_copy(update={"state": "clearing", "fingerprint": "c"})


@pytest.mark.parametrize("body", ["[{", ""])
def test_an_answer_that_breaks_off_is_an_error_and_not_waited_for(page: Page, body: str) -> None:
    """A daemon that dies in the middle of an answer leaves no page that loads for ever."""
    page.route("**/api/v1/slos", lambda route: route.fulfill(status=200, body=body))
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/slos")
        expect(page.get_by_role("alert")).to_contain_text("broke off")
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)


def test_a_daemon_that_answers_is_not_said_to_be_silent(page: Page) -> None:
    """What it says instead of an overview stands there in its words; counts are left open."""
    refusal = {"title": "unavailable", "status": 503, "detail": "the ledger is busy"}
    page.route("**/api/v1/overview", lambda route: route.fulfill(status=503, json=refusal))
    with Board([target("p-a")], []) as board:
        page.goto(board.url)
        expect(page.locator(".banner-lost")).to_contain_text("the ledger is busy")
        expect(page.locator(".banner-lost")).not_to_contain_text("does not answer")
        for level in page.locator(".levels button").all():
            assert not re.search(r"\d", level.inner_text())


def test_what_clears_is_not_counted_as_firing(page: Page) -> None:
    """The overview, the navigation and the title count the same alerts."""
    with Board([target("p-a")], [alert("p-a"), clearing("p-a")]) as board:
        page.goto(board.url)
        expect(page.get_by_role("heading", name="1 firing, 1 clearing")).to_be_visible()
        expect(page).to_have_title(re.compile(r"^\(1 firing\) Overview"))
        expect(page.locator("nav .count")).to_have_text("1")


def test_marks_that_are_not_known_are_not_none(page: Page) -> None:
    """While the list of what happened cannot be had, it does not say that nothing did."""
    refusal = {"title": "no history", "status": 503, "detail": "the ledger is busy"}
    page.route("**/api/v1/targets/**", lambda route: route.fulfill(status=503, json=refusal))
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/targets/p-a")
        marks = page.locator(".marks")
        expect(marks).to_contain_text("Not known yet.")
        expect(marks).not_to_contain_text("Nothing in this time")


def test_a_filter_of_what_is_gone_is_seen_and_left(page: Page) -> None:
    """A provider that the address names and nobody configures any more is still shown as chosen."""
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/?provider=gone")
        expect(page.get_by_label("Provider", exact=True)).to_have_value("gone")
        page.get_by_role("link", name="Show all targets").click()
        expect(page.locator(".line th a")).to_have_text(["p-a"])


def test_each_level_can_be_read_whole(page: Page) -> None:
    """No word for how a target does is cut off by its column."""
    levels = ("down", "failing", "slow", "unknown", "ok")
    with Board([target(f"p-{level}", level=level) for level in levels], []) as board:
        page.goto(board.url)
        expect(page.locator(".line")).to_have_count(len(levels))
        cut = "cells => cells.filter(one => one.scrollWidth > one.clientWidth).length"
        assert page.locator("td.col-level").evaluate_all(cut) == 0


def test_the_history_goes_on_by_itself(page: Page) -> None:
    """Who watches the decisions during an outage sees the newest without asking."""
    found = [decision(1)]

    def rows() -> object:
        return Part[HistoryRow](items=found, next_cursor=None).model_dump(mode="json")

    page.route("**/api/v1/alerts/history*", lambda route: route.fulfill(json=rows()))
    page.clock.install()
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/alerts?tab=history")
        expect(page.get_by_text("Down-1")).to_be_visible()
        found.insert(0, decision(2))
        page.clock.run_for(RENEWED_MS)
        expect(page.get_by_text("Down-2")).to_be_visible()


def test_a_budget_that_is_used_up_with_money_left_says_why(page: Page) -> None:
    """An empty bar beside 100 % is explained: the next probe may cost more than what is left."""
    budget = BudgetRow(
        subject="p",
        date="2026-11-21",
        resets_at=0.0,
        limit_usd=0.01,
        spent_usd=0.0,
        reserved_usd=0.0,
        used_ratio=1.0,
    )
    costs = Costs(days=["2026-11-21"], rows=[], total_usd=None, budgets=[budget])
    page.route("**/api/v1/costs*", lambda route: route.fulfill(json=costs.model_dump(mode="json")))
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/costs")
        expect(page.get_by_text("less left than a probe may cost")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/alerts"])
def test_it_can_be_printed_from_the_dark(visitor: Visit, path: str) -> None:
    """On paper it is dark ink on white in the paper's width, whatever the screen's theme is."""
    page = visitor(viewport=PAPER)
    page.add_init_script("localStorage.setItem('sonde.theme', 'dark')")
    page.emulate_media(media="print")
    with Board([target(LONG, level="down")], [alert(LONG)]) as board:
        page.goto(f"{board.url}{path}")
        expect(page.get_by_text(LONG).first).to_be_visible()
        expect(page.locator("body")).to_have_css("color", "rgb(27, 34, 44)")
        expect(page.locator("nav").first).to_be_hidden()
        expect(page.locator(".level-down").first).to_have_css("print-color-adjust", "exact")
        assert page.evaluate(FITS)
