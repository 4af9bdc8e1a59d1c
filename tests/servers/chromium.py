"""Chromium of the distribution, driven by playwright; and axe-core, which reads pages for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.servers.running import SERVERS, installed, missing

FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
"""Tests run as root in containers, without a screen; nothing but the test may use the network."""
AXE: Final = SERVERS / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium. While it runs, playwright holds the loop that async tests need."""
    program = installed("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield launched
        launched.close()


def axe_source() -> str:
    """Return axe-core as a script."""
    path: Path = AXE
    return path.read_text(encoding="utf-8") if path.is_file() else missing("axe-core")
