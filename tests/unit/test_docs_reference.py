"""Pages of reference say what the code says: written by `make docs-reference`, by nobody's hand."""

import re

import pytest

from tests.docs.__main__ import DOCS, PAGES
from tests.docs.blocks import ROOT
from tests.docs.configuration import page, unknown_defaults


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    """Who changes a key, a flag or a route changes the page: `make docs-reference`."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_every_default_is_of_a_key() -> None:
    """A key that was renamed takes its default with it."""
    assert unknown_defaults() == set()


@pytest.mark.parametrize(
    "row",
    [
        "| `interval` | duration | 1m | time between two probes of a target |",
        "| `attempts` | whole number, 0 to 10 | 2 | how many at most; 0 confirms nothing |",
        "| `check` | `auto`, `true`, `false` | auto | auto, true or false |",
        "| `max_size` | size | 2 GiB | most the file may take |",
        "| `over` | duration | 30d | the period, from 3d to 90d |",
        "| `input` | number, 0 to 1,000,000 | **needed** | US dollars per million input tokens |",
    ],
)
def test_a_row_says_kind_default_and_meaning(row: str) -> None:
    """Durations, bounds beyond the kind's, closed sets, sizes, words for defaults, needs."""
    assert row in page()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_repository_lead_somewhere(name: str) -> None:
    """The site's links are checked where it is built; these pages stand outside of it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []
