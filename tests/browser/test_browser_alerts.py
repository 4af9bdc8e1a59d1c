"""Alerts in a real browser: what is said of them, and every form that keeps them quiet."""

import json
import time
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from pydantic_core import to_jsonable_python

from monitor.api.models.alerts import (
    AlertRow,
    ChannelState,
    HistoryRow,
    MaintenanceRow,
    SilenceRow,
    StoryLine,
    StoryRow,
)
from monitor.api.models.instance import Write
from monitor.api.models.shape import Page as Part
from monitor.api.models.shape import Problem
from tests.browser.board import Board, alert, target
from tests.browser.visiting import HOSTILE

NOW: Final = time.time()
SILENCE: Final = SilenceRow(
    id="3f9c21ab",
    matchers=["target=p-a"],
    author="ada",
    comment="they told us",
    starts_at=NOW - 60,
    ends_at=NOW + 3600,
    state="active",
    until_resolved=False,
    quiets=1,
)


def labelled(subject: str, **changes: object) -> AlertRow:
    """An alert with the labels that silences see."""
    labels = {"alertname": "ErrorRate", "target": subject, "provider": "p"}
    return alert(subject).model_copy(update={"labels": labels, **changes})


class Wire:
    """Answers what the pages of alerts ask beside the overview, and keeps what is written."""

    def __init__(self, page: Page) -> None:
        self.silences: list[SilenceRow] = [SILENCE]
        self.refusal: Problem | None = None
        self.written: list[tuple[str, str, object]] = []
        page.route("**/api/v1/silences*", self._silences)
        page.route("**/api/v1/silences/*", self._write)
        page.route("**/api/v1/alerts/*/acknowledge", self._write)

    def _silences(self, route: Route) -> None:
        if route.request.method == "POST":
            return self._write(route)
        return route.fulfill(json=to_jsonable_python(self.silences))

    def _write(self, route: Route) -> None:
        request = route.request
        assert request.headers["x-sonde-write"] == "1"
        assert request.headers["content-type"] == "application/json"
        path = request.url.partition("/api/v1")[2]
        self.written.append((request.method, path, json.loads(request.post_data or "null")))
        if self.refusal is not None:
            problem = self.refusal.model_dump_json()
            return route.fulfill(status=self.refusal.status, body=problem)
        if request.method == "DELETE":
            self.silences = []
            return route.fulfill(status=204)
        return route.fulfill(status=201, json=SILENCE.model_dump(mode="json"))


@pytest.fixture
def wire(page: Page) -> Wire:
    return Wire(page)


def filled(page: Page, opener: str) -> Locator:
    """Open a dialog and say in it who, and why."""
    page.get_by_role("button", name=opener).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("ada")
    dialog.get_by_label("Why").fill("they told us")
    return dialog


def test_an_alert_says_whose_fault_it_is_why_and_who_knows(page: Page) -> None:
    """Owner, value against condition, each channel with its reason, and the runbook."""
    muted = ChannelState(channel="slack", told=False, muted="silence 3f of ada")
    shown = labelled(
        "p-a",
        channels=[muted],
        notes=["newest probes: 0 of 2 failed"],
        annotations={"runbook_url": "https://wiki.example/x", "trap": "javascript:alert(1)"},
    )
    with Board([target("p-a")], [shown]) as board:
        page.goto(f"{board.url}/alerts")
        item = page.locator(".alert")
        expect(item).to_contain_text("ErrorRate of p-a")
        expect(item).to_contain_text("40 % against > 10 %")
        expect(item).to_contain_text("slack: not told yet, kept quiet: silence 3f of ada")
        expect(item).to_contain_text("newest probes: 0 of 2 failed")
        expect(item.locator(".mark", has_text="kept quiet")).to_be_visible()
        expect(item.get_by_role("link", name="p-a")).to_have_attribute("href", "/targets/p-a")
        hrefs = [link.get_attribute("href") for link in item.get_by_role("link").all()]
        assert hrefs == ["/targets/p-a", "https://wiki.example/x"]


def test_strings_from_the_daemon_are_never_markup(page: Page, wire: Wire) -> None:
    """Names, notes, annotations and comments that are scripts are shown, and nothing runs."""
    wire.silences = [SILENCE.model_copy(update={"comment": HOSTILE, "matchers": [HOSTILE]})]
    said = {"name": HOSTILE, "notes": [HOSTILE], "annotations": {HOSTILE: HOSTILE}}
    shown = labelled(HOSTILE, labels={"alertname": HOSTILE, "target": HOSTILE}, **said)
    with Board([target("p-a")], [shown]) as board:
        page.goto(f"{board.url}/alerts")
        expect(page.locator(".alert h2")).to_have_text(f"{HOSTILE} of {HOSTILE}")
        page.get_by_role("button", name="Silence").click()
        expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
        page.goto(f"{board.url}/alerts?tab=silences")
        expect(page.locator("tbody .words")).to_have_text(HOSTILE)


def test_the_story_opens_in_place_and_has_an_address(page: Page) -> None:
    """Explain tells line by line what became of an alert, also of one that is over."""
    lines = [StoryLine(at=NOW - 60, text="fired; joined the group p of slack")]
    story = StoryRow(
        fingerprint="f-p-a", name="ErrorRate", subject="p-a", labels={}, lines=lines, now=[]
    )
    page.route("**/api/v1/alerts/explain*", lambda route: route.fulfill(json=[story.model_dump()]))
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts")
        page.get_by_role("button", name="Explain ErrorRate of p-a").click()
        expect(page.locator(".alert .story")).to_contain_text("joined the group p of slack")
        assert page.url.endswith("/alerts?explain=f-p-a")
        board.alerts = []
        page.reload()
        expect(page.locator(".story li").last).to_have_text("now over")


def test_a_silence_says_what_it_would_keep_quiet_before_it_is_sent(page: Page, wire: Wire) -> None:
    """From an alert the form names it; the preview counts by the daemon's own labels."""
    with Board([target("p-a")], [labelled("p-a"), labelled("p-b")]) as board:
        page.goto(f"{board.url}/alerts")
        dialog = filled(page, "Silence ErrorRate of p-a")
        preview = dialog.get_by_role("status")
        expect(preview).to_have_text("Keeps 1 of 2 current alerts quiet: ErrorRate of p-a.")
        dialog.get_by_role("combobox", name="Pattern 2").fill("p-*|!p-b")
        expect(preview).to_contain_text("Keeps 1 of 2")
        dialog.get_by_role("combobox", name="Pattern 2").fill("p-*")
        expect(preview).to_contain_text("Keeps 2 of 2")
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        expect(page.locator(".said")).to_contain_text("Silence 3f9c21ab holds until")
        ((method, path, sent),) = wire.written
        assert (method, path) == ("POST", "/silences")
        assert isinstance(sent, dict)
        assert sent["matchers"] == ["alertname=ErrorRate", "target=p-*"]
        assert sent["starts_at"] is None
        assert abs(sent["ends_at"] - time.time() - 7200) < 60


def test_what_is_missing_is_said_at_its_field_and_the_first_has_the_focus(
    page: Page, wire: Wire
) -> None:
    """A form with gaps is not sent; its problems are read out with their fields."""
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts?tab=silences")
        page.get_by_role("button", name="New silence").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Silence").click()
        first = dialog.get_by_role("combobox", name="Label 1")
        expect(first).to_be_focused()
        expect(first).to_have_accessible_description("Name a label, such as provider.")
        why = dialog.get_by_label("Why")
        expect(why).to_have_accessible_description("Say why, for whoever finds it at night.")
        assert wire.written == []


def test_a_refusal_stands_at_the_field_it_speaks_of(page: Page, wire: Wire) -> None:
    """The daemon's own words go to their field, or below the form, and go when it is changed."""
    wire.refusal = Problem(title="Not understood", status=422, detail="no alert has a label modle")
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts")
        dialog = filled(page, "Silence ErrorRate of p-a")
        label = dialog.get_by_role("combobox", name="Label 1")
        page.keyboard.press("Enter")
        expect(label).to_be_focused()
        expect(label).to_have_accessible_description("no alert has a label modle")
        label.fill("provider")
        expect(dialog.locator(".problem")).to_have_count(0)
        wire.refusal = Problem(title="In the way", status=409, detail="1000 are kept: end some")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text("1000 are kept: end some")


def test_a_form_is_sent_once(page: Page, wire: Wire) -> None:
    """Enter twice, and a click while it is under way, write one silence."""
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts")
        dialog = filled(page, "Silence ErrorRate of p-a")
        dialog.locator("form").evaluate(
            "(form) => { form.requestSubmit(); form.requestSubmit(); form.requestSubmit(); }"
        )
        expect(dialog).to_have_count(0)
        assert len(wire.written) == 1


def test_escape_leaves_and_the_focus_goes_back(page: Page, wire: Wire) -> None:
    """A dialog is opened and left by the keyboard alone; nothing is written."""
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts")
        opener = page.get_by_role("button", name="Acknowledge ErrorRate of p-a")
        opener.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="Acknowledge ErrorRate of p-a")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(opener).to_be_focused()
        assert wire.written == []


def test_an_acknowledgement_is_of_one_alert_and_its_author_is_remembered(
    page: Page, wire: Wire
) -> None:
    """It is sent to its fingerprint for a week at most; the next form knows who writes."""
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts")
        page.get_by_role("button", name="Acknowledge").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Your name").fill("ada")
        dialog.get_by_label("What you do about it").fill("on it")
        page.keyboard.press("Enter")
        expect(page.locator(".said")).to_have_text("ErrorRate of p-a is acknowledged.")
        sent = {"author": "ada", "comment": "on it", "for_s": 604_800}
        assert wire.written == [("POST", "/alerts/f-p-a/acknowledge", sent)]
        page.get_by_role("button", name="Silence").click()
        expect(dialog.get_by_label("Your name")).to_have_value("ada")


def test_planned_work_says_when_it_starts_and_when_it_ends(page: Page, wire: Wire) -> None:
    """The same form, later; an end before its start is said at the end."""
    window = MaintenanceRow(
        name="m",
        schedule="Sun 02:00-04:00 UTC",
        matchers=["provider=p"],
        comment="",
        active=False,
        next_at=NOW + 60,
        next_until=NOW + 120,
    )
    page.route(
        "**/api/v1/maintenance", lambda route: route.fulfill(json=[window.model_dump(mode="json")])
    )
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/alerts?tab=maintenance")
        expect(page.get_by_role("table", name="Maintenance windows")).to_contain_text("Sun 02:00")
        dialog = filled(page, "Plan work")
        dialog.get_by_role("combobox", name="Label 1").fill("provider")
        dialog.get_by_role("combobox", name="Pattern 1").fill("p")
        dialog.get_by_label("Starts").fill("2030-01-01T20:00")
        end = dialog.get_by_label("End", exact=True)
        end.fill("2030-01-01T19:00")
        page.keyboard.press("Enter")
        expect(end).to_be_focused()
        expect(end).to_have_accessible_description("It ends before it starts.")
        end.fill("2030-01-01T23:00")
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        sent = wire.written[0][2]
        assert isinstance(sent, dict)
        assert sent["ends_at"] - sent["starts_at"] == 3 * 3600


def test_a_silence_is_ended_after_one_more_question(page: Page, wire: Wire) -> None:
    """The row goes away, and the focus goes to the page instead of nowhere."""
    with Board([target("p-a")], [labelled("p-a")]) as board:
        page.goto(f"{board.url}/alerts?tab=silences")
        page.get_by_role("button", name="End the silence of target=p-a").click()
        dialog = page.get_by_role("dialog", name="End this silence?")
        expect(dialog).to_contain_text("It matches 1 current alert")
        dialog.get_by_role("button", name="End it now").click()
        expect(page.locator(".empty")).to_contain_text("No alert is kept quiet by anybody.")
        assert wire.written == [("DELETE", "/silences/3f9c21ab", None)]
        expect(page.locator("#main")).to_be_focused()


def test_history_is_filtered_and_read_on(page: Page) -> None:
    """The word is in the address; what follows comes by its cursor, and then the button is gone."""

    def answer(route: Route) -> None:
        cursor = "cursor=2" in route.request.url
        rows = [
            HistoryRow(
                id=number,
                at=NOW - number,
                fingerprint="f",
                name="Down",
                subject="p-a",
                event="told",
                channel="slack",
                detail="",
                text="x",
            )
            for number in ((3, 4) if cursor else (1, 2))
        ]
        part = Part[HistoryRow](items=rows, next_cursor=None if cursor else "2")
        route.fulfill(json=part.model_dump(mode="json"))

    page.route("**/api/v1/alerts/history*", answer)
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/alerts?tab=history")
        page.get_by_role("searchbox").fill("Down")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(2)
        assert page.url.endswith("/alerts?tab=history&word=Down")
        page.get_by_role("button", name="Load more").click()
        expect(page.locator("tbody tr")).to_have_count(4)
        expect(page.get_by_role("button", name="Load more")).to_have_count(0)


def test_who_changed_what_is_listed(page: Page) -> None:
    """Each write has its author's address, what was done and to what."""
    row = Write(at=NOW, who="loopback 127.0.0.1", action="silence.create", subject="3f", detail="d")
    part = Part[Write](items=[row])
    page.route("**/api/v1/audit*", lambda route: route.fulfill(json=part.model_dump(mode="json")))
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/alerts?tab=writes")
        expect(page.locator("tbody tr")).to_contain_text("silence.create")
