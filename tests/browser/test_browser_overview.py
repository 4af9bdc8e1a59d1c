"""The overview in a real browser, with its real policy and files."""

import pytest
from playwright.sync_api import Page, expect

from monitor.api.models.instance import Check, Reload
from tests.browser.board import Board, alert, instance, target
from tests.browser.visiting import HOSTILE, Visit, shift

LOST_MS = 20_000.0
CHANGED_ROWS = """
window.changed = new Set();
new MutationObserver((list) => list.forEach(({ target }) => {
  const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
  if (element?.tagName === "TIME") return;
  window.changed.add(element?.closest(".line")?.querySelector("th a").textContent ?? "elsewhere");
})).observe(document.querySelector(".providers"), {
  subtree: true, childList: true, attributes: true, characterData: true,
});
"""


def test_what_fires_stands_on_top_with_whose_fault_it_is(page: Page) -> None:
    """The alert names its target and its owner, leads to its story, and the title counts it."""
    with Board([target("p-a", level="down")], [alert("p-a")]) as board:
        page.goto(board.url)
        firing = page.locator(".firing li")
        expect(firing).to_contain_text("ErrorRate")
        expect(firing).to_contain_text("provider")
        explain = firing.get_by_role("link", name="Explain ErrorRate of p-a")
        expect(explain).to_have_attribute("href", "/alerts?explain=f-p-a")
        expect(page).to_have_title("(1 firing) Overview · Sonde · fra1")


def test_the_worst_comes_first_and_words_are_found(page: Page) -> None:
    """Sections and rows are by how bad they are; the address keeps what is searched for."""
    targets = [target("p-a", rank=1), target("q-b", level="down"), target("p-c", rank=2)]
    with Board(targets, []) as board:
        page.goto(board.url)
        names = page.locator(".line th a")
        expect(names).to_have_text(["q-b", "p-a", "p-c"])
        page.keyboard.press("/")
        page.keyboard.type("p-")
        expect(names).to_have_text(["p-a", "p-c"])
        assert page.url.endswith("/?q=p-")
        page.reload()
        expect(names).to_have_text(["p-a", "p-c"])


def test_the_keyboard_reaches_every_row(page: Page) -> None:
    """Arrow keys go from row to row, Enter opens the target, and reading goes on there."""
    with Board([target("p-a", rank=0), target("p-b", rank=1)], []) as board:
        page.goto(board.url)
        page.locator(".line").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{board.url}/targets/p-b")
        expect(page.locator("#main")).to_be_focused()


def test_what_a_provider_says_is_text(page: Page) -> None:
    """Markup in an answer, a reload error or a check is shown as it is, and nothing of it runs."""
    daemon = instance(
        ready=False,
        checks=[Check(name="slots", ok=False, detail=HOSTILE)],
        reload=Reload(at=0.0, ok=False, error=HOSTILE),
    )
    hostile = target("p-a", level="failing", detail=HOSTILE)
    with Board([hostile], [alert("p-a", value=HOSTILE)], daemon) as board:
        page.goto(board.url)
        for place in (".newest", ".firing li", ".banner-bad", ".where"):
            expect(page.locator(place)).to_contain_text(HOSTILE)


def test_nothing_moves_while_two_hundred_targets_load(page: Page) -> None:
    """Whoever is about to click hits what they saw."""
    targets = [target(f"p{i % 5}-{i}", rank=i) for i in range(200)]
    with Board(targets, [alert("p0-0")]) as board:
        page.goto(board.url)
        expect(page.locator(".line")).to_have_count(200)
        assert shift(page) == 0


def test_a_tick_touches_only_the_row_that_is_otherwise(page: Page) -> None:
    """The other rows stay the very same elements with the very same text."""
    with Board([target("p-a", rank=0), target("p-b", rank=1)], []) as board:
        page.goto(board.url)
        expect(page.locator(".line")).to_have_count(2)
        page.evaluate(CHANGED_ROWS)
        board.tick(target("p-b", rank=1, detail="503"))
        expect(page.locator(".line", has_text="p-b")).to_contain_text("server_error")
        assert page.evaluate("[...window.changed]") == ["p-b"]


@pytest.mark.parametrize("ticks", [0, 1])
def test_a_lost_connection_is_said_and_mended(page: Page, ticks: int) -> None:
    """What stands there is old, and says so; what changed meanwhile is there after the return."""
    with Board([target("p-a", detail="429")], []) as board:
        page.goto(board.url)
        expect(page.locator(".line")).to_contain_text("429")
        for _ in range(ticks):
            board.tick(target("p-a", detail="500"))
            expect(page.locator(".line")).to_contain_text("500")
        board.away = True
        expect(page.locator(".banner-lost")).to_contain_text("Last heard", timeout=LOST_MS)
        board.targets = [target("p-a", level="down", detail="503")]
        board.away = False
        expect(page.locator(".line")).to_contain_text("503", timeout=LOST_MS)
        expect(page.locator(".banner-lost")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_remembered(page: Page, theme: str) -> None:
    """It is there before the first paint of the next visit."""
    with Board([target("p-a")], []) as board:
        page.goto(board.url)
        switch = page.locator(".theme")
        while switch.inner_text() != theme:
            switch.click()
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        expect(switch).to_have_text(theme)


def test_a_phone_shows_all_of_it_in_its_width(visitor: Visit) -> None:
    """At 360 px nothing has to be moved sideways."""
    with Board([target("p-a", level="down", detail=HOSTILE * 3)], [alert("p-a")]) as board:
        page = visitor(viewport={"width": 360, "height": 740})
        page.goto(board.url)
        expect(page.locator(".line .col-cost")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.querySelector('.scroll').scrollWidth <= innerWidth")


def test_a_target_that_fails_elsewhere_is_marked(page: Page) -> None:
    """It is fine here; where it is not is said beside its level, without looking at its page."""
    fine = target("p-a").model_copy(update={"failing_at": ["fra1", "sin1"]})
    with Board([fine, target("p-b")], []) as board:
        page.goto(board.url)
        levels = page.locator(".line .col-level")
        expect(levels).to_contain_text(["ok", "ok"])
        expect(levels.first).to_contain_text("fails in fra1, sin1")
        expect(levels.last).not_to_contain_text("fails")
