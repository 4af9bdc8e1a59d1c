"""A provider that means harm: everything it says is text on every page where it appears."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import HOSTILE
from tests.browser.world import HARMS, World

NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn around how the text beside them reads."""
HANDLERS: Final = """
() => [...document.querySelectorAll("*")].flatMap((one) => one.getAttributeNames()
  .filter((name) => name.startsWith("on") || /^\\s*javascript:/i.test(one.getAttribute(name)))
  .map((name) => one.outerHTML.slice(0, 200)))
"""
PAGES: Final = (
    ("/", ".newest", "lies"),
    ("/alerts", ".alert", "lies"),
    ("/alerts?tab=history", "tbody tr", "lies"),
    ("/targets/lies?probes=failed", ".target-head", "answer"),
    ("/targets/refuses", ".target-head", "refuses"),
    ("/targets/page", ".target-head", "red"),
    ("/targets/steady", ".target-label", "<i>us</i>"),
    ("/limits", "tbody tr, .empty", ""),
    ("/costs", "tbody tr", "lies"),
    ("/slos", "tbody tr", ""),
    ("/status", "main", "Acme"),
    ("/readyz", "body", "ready"),
)


@pytest.mark.parametrize(("path", "place", "said"), PAGES)
def test_what_it_says_is_text(page: Page, world: World, path: str, place: str, said: str) -> None:
    """Nothing of it runs, is an element, asks another host or turns text around."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(world.url + path)
    expect(page.locator(place).first).to_be_visible()
    for opener in page.locator(".probe-open").all()[:2]:
        opener.click()
    for details in page.locator("details").all():
        details.evaluate("(one) => { one.open = true; }")
    text = page.locator("body").inner_text()
    assert said in text
    assert not NO_TEXT.findall(text)
    assert page.evaluate(HANDLERS) == []
    assert page.locator("main :is(img, svg[onload], script, iframe, object)").count() == 0
    assert [url for url in asked if not url.startswith((world.url, "blob:", "data:"))] == []


def test_all_of_it_is_shown(page: Page, world: World) -> None:
    """Its errors, model names, request ids and incidents are there to be read, letter by letter."""
    page.goto(f"{world.url}/targets/refuses")
    expect(page.locator(".target-head")).to_contain_text(HOSTILE)
    page.goto(f"{world.url}/targets/lies")
    page.locator(".probe-open").first.click()
    more = page.locator(".probe-more").first
    expect(more).to_contain_text(f"returned model{HOSTILE}", use_inner_text=False)
    page.goto(f"{world.url}/alerts")
    expect(page.locator(".alert", has_text="Down of lies")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Explain Down of lies").click()
    expect(page.locator(".story")).to_be_visible()
    page.get_by_role("button", name="Silence Down of lies").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_it_does_not_hide_itself(world: World) -> None:
    """What it says is cut, never so that its verdict or the rest of the answer is lost."""
    rows = {row["now"]["name"]: row["now"] for row in world.api("/overview")["targets"]}
    assert all(rows[name]["last"]["verdict"] != "ok" for name in HARMS)
    assert all(len(rows[name]["last"]["detail"]) <= 300 for name in HARMS)
