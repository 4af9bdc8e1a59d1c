"""Whatever status pages and baselines hold, they are read or refused, and never more than that."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from monitor.baselines.figure import figure_s, parse_path
from monitor.polled.unreadable import UnreadableError
from monitor.status_pages.matching import Subject
from monitor.status_pages.page import Page, PageState, reading
from monitor.status_pages.watch import parse
from monitor.status_pages.words import report
from probes.result import Operation

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ENTRY = st.dictionaries(st.sampled_from(("name", "status", "impact", "components", "group")), JSON)
SUMMARY = st.fixed_dictionaries(
    {"components": st.lists(ENTRY)},
    optional={"incidents": st.lists(ENTRY) | JSON, "scheduled_maintenances": JSON, "status": JSON},
)
TAGS = st.sampled_from(
    [
        *("<item>", "</item>", "<entry>", "</entry>", "<title>", "</title>", "<pubDate>"),
        *("</pubDate>", "<category term='x'/>", "<![CDATA[", "]]>", "&amp;", "&x;", "[API] x"),
        *("resolved", "outage", "<!DOCTYPE x>", "<description>", "</description>", "\0", "é"),
    ]
)
STEP = st.integers(0, 999_999) | st.text('ab .-[]0$"é', min_size=1, max_size=8)
SUBJECTS = (
    Subject("openai", Operation.CHAT, "gpt-4o"),
    Subject("compatible", Operation.MODELS, ""),
)


def told(raw: bytes) -> Page | None:
    """Read a page and everything that is made of it."""
    try:
        page = parse(raw)
    except UnreadableError:
        return None
    found = reading(page, SUBJECTS, 1_700_000_000.0)
    line = report(found, 12.0)
    assert line.isprintable()
    assert len(line) < 300
    return page


@given(st.binary(max_size=2000))
def test_bytes_of_any_kind(raw: bytes) -> None:
    """Noise is refused, never believed."""
    assert told(raw) is None or b"{" in raw or b"<" in raw


@given(SUMMARY)
def test_summaries_of_any_shape(summary: object) -> None:
    """Fields of every wrong type: what can be read is, and unknown stays unknown."""
    page = told(json.dumps(summary).encode("utf-8", "replace"))
    assert page is None or all(component.state in PageState for component in page.components)


@given(st.lists(TAGS, max_size=40))
def test_feeds_of_any_shape(tags: list[str]) -> None:
    """Tags in any order, closed or not."""
    told(f"<rss><channel>{''.join(tags)}</channel></rss>".encode())


@given(JSON, st.lists(st.integers(0, 3) | st.text(max_size=3), min_size=1, max_size=4))
def test_figures_are_latencies_or_refused(document: object, steps: list[str | int]) -> None:
    """A number between 0 and a day, or nothing."""
    raw = json.dumps(document).encode("utf-8", "replace")
    with suppress(UnreadableError):
        assert 0 < figure_s(raw, tuple(steps), 0.001) <= 86_400


@given(
    st.lists(st.integers(0, 999_999) | st.from_regex(r"[^'\\]{1,8}", fullmatch=True), min_size=1)
)
def test_paths_read_back(steps: list[str | int]) -> None:
    """Every sequence of names and positions can be written as a path."""
    text = "$" + "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in steps)
    assert parse_path(text) == tuple(steps)
