"""What holds for every page, in front of a daemon that runs."""

from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import SHIFT_LIMIT, WIDER, Visit, photograph, shift, violations
from tests.browser.world import SLASHED, World

TARGET: Final = f"/targets/{quote(SLASHED, safe='')}"
PAGES: Final = {
    "overview": ("/", ".line"),
    "overview-none": ("/?q=nobody", ".empty"),
    "target": (TARGET, ".u-over"),
    "target-month": (f"{TARGET}?range=30d&week=1&with=steady", ".u-over"),
    "target-hostile": ("/targets/refuses", ".probe-open"),
    "target-unknown": ("/targets/nobody", ".empty"),
    "alerts": ("/alerts", ".alert"),
    "silences": ("/alerts?tab=silences", ".empty, tbody tr"),
    "maintenance": ("/alerts?tab=maintenance", "tbody tr"),
    "history": ("/alerts?tab=history", "tbody tr"),
    "writes": ("/alerts?tab=writes", ".empty, tbody tr"),
    "slos": ("/slos", "tbody tr"),
    "costs": ("/costs", "tbody tr"),
    "limits": ("/limits", "tbody tr"),
    "replicas": ("/replicas", ".empty"),
    "public": ("/status", "main"),
}
"""Each page with what stands there when it has loaded."""


def visited(page: Page, world: World, name: str) -> None:
    """Open a page and wait until it has loaded."""
    path, loaded = PAGES[name]
    page.goto(world.url + path)
    expect(page.locator(loaded).first).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_every_page(
    visitor: Visit, world: World, theme: str, width: int
) -> None:
    """axe-core has nothing against any page, and nothing on it moved while it loaded."""
    page = visitor(viewport={"width": width, "height": 900}, color_scheme=theme)
    found = {}
    for name in PAGES:
        visited(page, world, name)
        moved = shift(page)
        photograph(page, f"{name}-{theme}-{width}")
        found[name] = violations(page) + [f"moved by {moved}"] * (moved >= SHIFT_LIMIT)
    assert not {name: lines for name, lines in found.items() if lines}


def test_no_page_has_to_be_moved_sideways_on_a_phone(visitor: Visit, world: World) -> None:
    """At 360 px everything is within the width, or in a table that is moved by itself."""
    page = visitor(viewport={"width": 360, "height": 740})
    found = {}
    for name in PAGES:
        visited(page, world, name)
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found[name] = page.evaluate(WIDER) if wide else []
    assert not {name: lines for name, lines in found.items() if lines}


def test_nothing_moves_by_itself_for_who_asked_for_that(visitor: Visit, world: World) -> None:
    """While a page loads its grey lines breathe, unless less motion is wanted."""
    for motion, moves in (("no-preference", True), ("reduce", False)):
        page = visitor(reduced_motion=motion)
        page.route("**/api/v1/*", lambda _: None)  # no answer for now
        page.goto(world.url)
        expect(page.locator(".bone").first).to_be_visible()
        assert (page.evaluate("document.getAnimations().length") > 0) is moves


def test_pages_stay_as_they_are_while_news_come(page: Page, world: World) -> None:
    """A page that is read while results come in moves nothing."""
    for name in ("overview", "target", "alerts"):
        visited(page, world, name)
        page.wait_for_timeout(2_500)
        assert shift(page) < SHIFT_LIMIT, name


def test_what_is_no_page_says_so(page: Page, world: World) -> None:
    """An address that leads nowhere is answered 404, and a step to one inside the page too."""
    answer = page.goto(f"{world.url}/nowhere")
    assert answer is not None
    assert answer.status == 404
