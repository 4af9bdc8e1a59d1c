"""Replicas in a real browser: how many, who does what, and where they are at odds."""

import time

from playwright.sync_api import Page, expect

from monitor.api.models.cluster import Owner, Replica, Replicas
from tests.browser.board import Board, instance, target
from tests.browser.test_browser_figures import answer
from tests.browser.visiting import SHIFT_LIMIT, Visit, shift, violations

AT_ODDS = "the clock of b is 3 s ahead of that of a"


def replica(name: str, **changes: object) -> Replica:
    facts: dict[str, object] = {
        "name": name,
        "location": "fra1",
        "version": "1",
        "configuration": "0a1b2c3d",
        "started_at": time.time() - 3600,
        "seen_s": 1.0,
        "clock_ahead_s": 0.0,
        "in_flight": 2,
        "load_ratio": 0.25,
        "claims": 1234,
        "targets": 1,
        "own": name == "a",
    }
    return Replica.model_validate(facts | changes)


GROUP = Replicas(
    alone=False,
    connected=True,
    replicas=[
        replica("a"),
        replica("b", clock_ahead_s=3.0),
        replica("c", location="iad1", targets=None),
    ],
    owners=[
        Owner(target="p-a", replica="b", at=time.time()),
        Owner(target="p-b", replica=None, at=None),
    ],
    warnings=[AT_ODDS],
)


def test_the_header_leads_to_replicas_and_a_banner_says_where_they_are_at_odds(
    visitor: Visit,
) -> None:
    """How many there are, whose clock is wrong, who probed what; axe has nothing against it."""
    page = visitor()
    answer(page, "cluster", GROUP)
    with Board([target("p-a")], [], instance(replicas=2, discord=[AT_ODDS])) as board:
        page.goto(board.url)
        expect(page.locator(".banner")).to_contain_text(AT_ODDS)
        page.get_by_role("link", name="2 replicas").click()
        lines = page.get_by_role("table", name="Replicas").locator("tbody tr")
        expect(lines).to_contain_text(["a (this one)", "3.0 s ahead"])
        expect(lines.first).to_contain_text("right")
        expect(lines.last.locator("td").last).to_have_text("–")
        owners = page.get_by_role("table", name="Targets").locator("tbody tr")
        expect(owners).to_contain_text(["p-a", "p-b"])
        expect(owners.first.get_by_role("link")).to_have_attribute("href", "/targets/p-a")
        assert not violations(page)
        page.reload()
        expect(lines).to_have_count(3)
        assert shift(page) < SHIFT_LIMIT


def test_a_sonde_that_is_alone_says_nothing_of_replicas(page: Page) -> None:
    """No link and no banner; the page itself says what would be there."""
    answer(
        page,
        "cluster",
        Replicas(alone=True, connected=True, replicas=[], owners=[], warnings=[]),
    )
    with Board([target("p-a")], []) as board:
        page.goto(board.url)
        expect(page.get_by_role("link", name="p-a").first).to_be_visible()
        expect(page.get_by_role("link", name="replica")).to_have_count(0)
        expect(page.locator(".banner")).to_have_count(0)
        page.goto(f"{board.url}/replicas")
        expect(page.locator(".empty")).to_contain_text("This Sonde is alone.")


def test_a_redis_that_is_away_is_said(page: Page) -> None:
    """What was heard last stands there, and that it is old."""
    answer(page, "cluster", GROUP.model_copy(update={"connected": False}))
    with Board([target("p-a")], [], instance(replicas=2)) as board:
        page.goto(f"{board.url}/replicas")
        expect(page.get_by_text("Redis is not reached: as last heard")).to_be_visible()
