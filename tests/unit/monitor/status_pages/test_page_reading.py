"""What a page means for what we probe, in states and in words."""

import pytest

from aggregator.summary import Summary
from monitor.status_pages.disagreement import disagrees
from monitor.status_pages.matching import COMPONENTS, Subject, concerns
from monitor.status_pages.page import (
    FEED_ITEM_S,
    UNKNOWN,
    Component,
    Incident,
    Page,
    PageState,
    Reading,
    reading,
    worst,
)
from monitor.status_pages.words import report
from probes.providers import PRESETS
from probes.result import Fault, Operation

WALL = 1_795_255_200.0
CHAT = Subject("openai", Operation.CHAT, "gpt-4o-mini")
EMBED = Subject("openai", Operation.EMBEDDINGS, "text-embedding-3-small")
GROK = Subject("xai", Operation.CHAT, "grok-code-fast-1")
OWN = Subject("compatible", Operation.CHAT, "meta/llama-3.1-8b")


@pytest.mark.parametrize(
    ("component", "subject", "expected"),
    [
        ("Chat Completions", CHAT, True),
        ("Chat Completions", EMBED, False),
        ("Embeddings", EMBED, True),
        ("ChatGPT", CHAT, False),
        ("Login", CHAT, False),
        ("Models", Subject("openai", Operation.MODELS, ""), True),
        ("Claude API (api.anthropic.com)", Subject("anthropic", Operation.CHAT, "c"), True),
        ("claude.ai", Subject("anthropic", Operation.CHAT, "c"), False),
        ("API (us-east-1)", GROK, True),
        ("Grok (Web)", GROK, False),
        ("Grok Code Fast 1", GROK, True),
        ("Public API", OWN, True),
        ("Llama 3.1 8B", OWN, True),
        ("Website", OWN, False),
        ("Website", Subject("compatible", Operation.MODELS, ""), False),
    ],
)
def test_components_concern_what_they_are_of(
    component: str, subject: Subject, expected: bool
) -> None:
    """By operation, by API or by the model's own name; a chat product for people is none."""
    assert concerns(component, (subject,)) is expected


def test_names_are_of_presets_there_are() -> None:
    """A misspelt preset would silently be matched as any other."""
    assert set(COMPONENTS) <= set(PRESETS)


def test_own_components_decide() -> None:
    """What a company's other products do is not held against its API, nor in its favour."""
    page = Page(
        PageState.OUTAGE,
        (
            Component("Chat Completions", PageState.OPERATIONAL),
            Component("Embeddings", PageState.DEGRADED),
            Component("ChatGPT", PageState.OUTAGE),
        ),
    )
    assert reading(page, (CHAT,), WALL) == Reading(PageState.OPERATIONAL)
    assert reading(page, (EMBED,), WALL) == Reading(PageState.DEGRADED)
    assert reading(page, (CHAT, EMBED), WALL) == Reading(PageState.DEGRADED)


def test_without_own_components_the_page_as_a_whole_decides() -> None:
    """A page that names nothing we know is taken at its word."""
    page = Page(PageState.DEGRADED, (Component("Website", PageState.OUTAGE),))
    assert reading(page, (CHAT,), WALL).state is PageState.DEGRADED


def test_a_feed_is_decided_by_what_goes_on() -> None:
    """The worst incident that concerns us; nothing going on is operational."""
    slow = Incident("Slow", PageState.DEGRADED, ("API",), WALL - 60)
    down = Incident("Down", PageState.OUTAGE, ("API",), WALL - 60)
    web = Incident("Web", PageState.OUTAGE, ("Website",), WALL - 60)
    page = Page(PageState.UNKNOWN, incidents=(slow, down, web))
    assert reading(page, (GROK,), WALL) == Reading(PageState.OUTAGE, "Down")
    only_web = Page(PageState.UNKNOWN, incidents=(web,))
    assert reading(only_web, (GROK,), WALL) == Reading(PageState.OPERATIONAL)


def test_an_old_item_of_a_feed_is_over() -> None:
    """A feed that forgets to close an incident does not keep a provider down for ever."""
    item = Incident("Down", PageState.OUTAGE, (), WALL)
    page = Page(PageState.UNKNOWN, incidents=(item,))
    assert reading(page, (GROK,), WALL + FEED_ITEM_S).state is PageState.OUTAGE
    assert reading(page, (GROK,), WALL + FEED_ITEM_S + 1).state is PageState.OPERATIONAL


def test_an_incident_that_names_no_component_is_told_and_changes_no_state() -> None:
    """It may be of anything: components know better, and people should read it all the same."""
    page = Page(
        PageState.DEGRADED,
        (Component("Chat Completions", PageState.OPERATIONAL),),
        (Incident("Odd", PageState.DEGRADED),),
    )
    assert reading(page, (CHAT,), WALL) == Reading(PageState.OPERATIONAL, "Odd")


def test_the_worst_comes_last() -> None:
    """The order of the states is the order of badness; of none there is what one says."""
    assert worst(PageState, PageState.UNKNOWN) is PageState.OUTAGE
    assert worst((), PageState.UNKNOWN) is PageState.UNKNOWN


@pytest.mark.parametrize(
    ("found", "age_s", "expected"),
    [
        (
            Reading(PageState.OPERATIONAL),
            90.4,
            "provider reports no incident (status page read 1m30s ago)",
        ),
        (
            Reading(PageState.OUTAGE, "API down"),
            0.2,
            "provider reports: outage: “API down” (status page read 1s ago)",
        ),
        (
            Reading(PageState.MAINTENANCE),
            60.0,
            "provider reports: maintenance (status page read 1m ago)",
        ),
        (
            Reading(PageState.OPERATIONAL, "Odd"),
            60.0,
            "provider reports: operational, and an incident “Odd” (status page read 1m ago)",
        ),
        (UNKNOWN, 5.0, "provider reports: unknown, its status page cannot be read"),
        (
            Reading(PageState.OUTAGE),
            None,
            "provider reports: unknown, its status page cannot be read",
        ),
    ],
)
def test_the_words_of_an_alert(found: Reading, age_s: float | None, expected: str) -> None:
    """What they say, what about, and how old that is; never more than is known."""
    assert report(found, age_s) == expected


def window(n: int, failures: int, fault: Fault = Fault.PROVIDER) -> Summary:
    """Return a window with so many results, of which so many failed."""
    return Summary(over_s=900.0, n=n, by_fault={Fault.NONE: n - failures, fault: failures})


@pytest.mark.parametrize(
    ("state", "summary", "expected"),
    [
        (PageState.OPERATIONAL, window(100, 0), False),
        (PageState.OPERATIONAL, window(100, 5), False),
        (PageState.OPERATIONAL, window(100, 6), True),
        (PageState.OPERATIONAL, window(10, 2), False),
        (PageState.OPERATIONAL, window(10, 3), True),
        (PageState.OPERATIONAL, window(10, 9, Fault.ACCOUNT), False),
        (PageState.OUTAGE, window(100, 0), True),
        (PageState.OUTAGE, window(100, 1), False),
        (PageState.DEGRADED, window(100, 90), False),
        (PageState.DEGRADED, window(100, 0), False),
        (PageState.MAINTENANCE, window(100, 0), False),
        (PageState.DEGRADED, window(0, 0), False),
        (PageState.UNKNOWN, window(100, 90), None),
        (PageState.OUTAGE, window(4, 0), None),
    ],
)
def test_when_page_and_probes_disagree(
    state: PageState, summary: Summary, expected: bool | None
) -> None:
    """They say all is well while they fail us, or outage while they do not; else no or unknown."""
    assert disagrees(state, summary) is expected
