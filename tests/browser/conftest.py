"""Chromium, pages in it that must run without an error of their own, and a daemon to look at."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.background import Background, background
from tests.browser.visiting import Visit, visit
from tests.browser.world import World, begin
from tests.servers.chromium import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file: while it runs, playwright holds the loop that async tests need."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visit]:
    """Open pages as somebody else: another size, theme, or password. Each must end well."""
    with ExitStack() as stack:
        yield lambda **about: stack.enter_context(visit(browser, **about))


@pytest.fixture
def page(visitor: Visit) -> Page:
    """A page that must end without an error of its own or of its policy."""
    return visitor()


@pytest.fixture(scope="session")
def _standing() -> Iterator[Background]:
    with background() as loop:
        yield loop


@pytest.fixture
def own(_standing: Background) -> Iterator[Background]:
    """Where daemons and stand-ins of one test live."""
    with _standing.block() as block:
        yield block


@pytest.fixture(scope="session")
def world(_standing: Background, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A daemon with a month behind it, whose providers do well, fail, and mean harm."""
    with _standing.block() as block:
        yield begin(block, tmp_path_factory.mktemp("world"))
