"""Pages that can be followed without an account are followed, command by command."""

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT, Block, blocks
from tests.docs.running import Reader, runnable

FOLLOWED = [page for page in PAGES if runnable(page)]


@pytest.mark.timeout(300)  # a page is a score of processes, one after another
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    """Each command ends well, and prints what the page promises."""
    with Reader(tmp_path) as reader:
        for block in blocks(page):
            reader.follow(block)


def test_a_page_that_promises_too_much_fails(tmp_path: Path) -> None:
    """A command that ends badly is a page that misleads."""
    with Reader(tmp_path) as reader, pytest.raises(AssertionError, match="exit 2"):
        reader.follow(Block(PAGES[0], 1, "console", "sonde check nothing.yaml\n", "run"))


def test_the_first_steps_are_followed() -> None:
    """A tutorial that nobody runs is a rumour."""
    assert ROOT / "docs" / "tutorial.md" in FOLLOWED
