"""Statuspage's summary, as it should be and as it should not."""

import json
from typing import Any

import pytest

from monitor.polled.unreadable import UnreadableError
from monitor.status_pages.page import MOST, Component, Incident, Page, PageState
from monitor.status_pages.statuspage import NAMED, parse_statuspage


def summary(**said: Any) -> bytes:
    """Return a summary in which nothing is going on, with what is said instead."""
    usual = {
        "page": {"id": "x", "name": "Acme", "url": "https://status.example.com"},
        "status": {"indicator": "none", "description": "All Systems Operational"},
        "components": [],
        "incidents": [],
        "scheduled_maintenances": [],
    }
    return json.dumps({**usual, **said}).encode()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("operational", PageState.OPERATIONAL),
        ("degraded_performance", PageState.DEGRADED),
        ("partial_outage", PageState.DEGRADED),
        ("major_outage", PageState.OUTAGE),
        ("full_outage", PageState.OUTAGE),
        ("under_maintenance", PageState.MAINTENANCE),
        ("on fire", PageState.UNKNOWN),
        (None, PageState.UNKNOWN),
        (["operational"], PageState.UNKNOWN),
    ],
)
def test_component_statuses(word: object, state: PageState) -> None:
    """Every documented status has one meaning; a word nobody knows is unknown, not well."""
    found = parse_statuspage(summary(components=[{"name": "Chat", "status": word}]))
    assert found.components == (Component("Chat", state),)


@pytest.mark.parametrize(
    ("indicator", "state"),
    [
        ("none", PageState.OPERATIONAL),
        ("minor", PageState.DEGRADED),
        ("major", PageState.DEGRADED),
        ("critical", PageState.OUTAGE),
        ("maintenance", PageState.MAINTENANCE),
    ],
)
def test_the_page_as_a_whole(indicator: str, state: PageState) -> None:
    """The indicator stands for everything the provider has."""
    assert parse_statuspage(summary(status={"indicator": indicator})).overall is state


def test_groups_are_not_components() -> None:
    """A group's members speak for it: it would count twice."""
    members = [
        {"name": "APIs", "status": "major_outage", "group": True},
        {"name": "Chat", "status": "operational", "group": False},
    ]
    found = parse_statuspage(summary(components=members))
    assert [component.name for component in found.components] == ["Chat"]


def test_what_is_going_on() -> None:
    """Incidents that are resolved, and maintenance that is still to come, are not."""
    found = parse_statuspage(
        summary(
            incidents=[
                {
                    "name": "Elevated errors",
                    "status": "identified",
                    "impact": "major",
                    "components": [{"name": "Chat"}, {"name": 7}, "x"],
                },
                {"name": "Old", "status": "resolved", "impact": "critical"},
                {"name": "Written up", "status": "postmortem", "impact": "critical"},
                {"name": "No status", "impact": "critical"},
            ],
            scheduled_maintenances=[
                {"name": "Tomorrow", "status": "scheduled", "impact": "maintenance"},
                {"name": "Now", "status": "in_progress", "impact": "maintenance"},
                {"name": "Now as well", "status": "verifying"},
            ],
        )
    )
    assert found.incidents == (
        Incident("Elevated errors", PageState.DEGRADED, ("Chat", "")),
        Incident("Now", PageState.MAINTENANCE),
        Incident("Now as well", PageState.MAINTENANCE),
    )


def test_hostile_titles_are_one_short_line() -> None:
    """Overrides, line ends, keys and megabytes do not come through."""
    title = "Bad\u202e\nnews sk-abcdefgh12345678 " + "x" * 10_000
    found = parse_statuspage(summary(incidents=[{"name": title, "status": "identified"}]))
    assert found.incidents[0].title.startswith("Bad news *** xxx")
    assert len(found.incidents[0].title) <= 200


def test_lists_without_end_are_cut() -> None:
    """A page of thousands of components or incidents cannot hold up the loop."""
    part = {"name": "x", "status": "operational"}
    incident = {"name": "y", "status": "identified", "components": [part] * (NAMED + 1)}
    page = parse_statuspage(
        summary(components=[part] * (MOST + 1), incidents=[incident] * (MOST + 1))
    )
    assert (len(page.components), len(page.incidents)) == (MOST, MOST)
    assert {len(each.components) for each in page.incidents} == {NAMED}


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b'{"components": {}}', b"null", b"\xff", b"[" * 100_000, b"<html>"],
)
def test_what_is_no_summary(raw: bytes) -> None:
    """Anything else is refused, never read as a page on which all is well."""
    with pytest.raises(UnreadableError):
        parse_statuspage(raw)


def test_lists_that_are_none_are_empty() -> None:
    """Only the components are needed: another maker's page may leave the rest away."""
    found = parse_statuspage(b'{"components": [3], "incidents": 3, "status": null}')
    assert found == Page(PageState.UNKNOWN)
