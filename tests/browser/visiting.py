"""Pages that are watched while they are open, and what can be asked of any of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from playwright.sync_api import Browser, Page

from tests.servers.chromium import axe_source

HOSTILE: Final = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\'"&'
"""What is markup to whoever does not show it as text. It says so when it runs: see WATCH."""
WATCH: Final = """
window.shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => {
  if (!one.hadRecentInput) window.shift += one.value;
})).observe({ type: "layout-shift", buffered: true });
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
Object.defineProperty(window, "pwned", { set() { console.error("pwned"); } });
"""
NOT_OURS: Final = "Failed to load resource"
"""Chromium says so of each answer that is no success: the page says it in its own words."""
SHIFT_LIMIT: Final = 0.02
"""A fifth of what counts as good: https://web.dev/articles/cls"""
AXE: Final = """
async () => (await axe.run(document)).violations.map(
  (one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`)
"""
WIDER: Final = """
() => [...document.querySelectorAll("body, body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll"))
  .map((one) => one.outerHTML.slice(0, 120))
"""


class Visit(Protocol):
    """Opens a page, in a browser context with these settings."""

    def __call__(self, **about: Any) -> Page: ...  # Any: as playwright takes them


@contextmanager
def visit(browser: Browser, **about: Any) -> Iterator[Page]:  # Any: as above
    """Open a page that must end without an error of its own or of its policy, and ask nobody."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | about)
    said: list[str] = []
    context.add_init_script(WATCH)
    page = context.new_page()
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on(
        "console",
        lambda line: (
            said.append(line.text)
            if line.type in {"error", "warning"} and NOT_OURS not in line.text
            else None
        ),
    )
    yield page
    context.close()
    assert said == []


def shift(page: Page) -> float:
    """Return how far things moved by themselves since the page began to load."""
    found: float = page.evaluate("window.shift")
    return found


def violations(page: Page) -> list[str]:
    """Return what axe-core has against a page."""
    page.evaluate(axe_source())
    found: list[str] = page.evaluate(AXE)
    return found


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page in $SONDE_SCREENSHOTS; without that nobody looks."""
    if folder := os.environ.get("SONDE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
