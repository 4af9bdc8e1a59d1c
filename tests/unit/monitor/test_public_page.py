"""The public page as it is drawn."""

from dataclasses import replace
from html.parser import HTMLParser

from monitor.public.page import as_json, render, stylesheet
from monitor.public.view import Component, Day, Incident, PublicView, State

HOSTILE = '<script>alert("1")</script>'
DAYS = (Day(0, 0, None), Day(86_400, 10, 1.0), Day(172_800, 10, 0.97), Day(259_200, 10, 0.5))


def page(state: State = State.OPERATIONAL, *incidents: Incident) -> PublicView:
    component = Component(HOSTILE, state, 0.9999, None, DAYS)
    return PublicView(HOSTILE, 300_000.0, state, (component,), incidents)


class Tags(HTMLParser):
    """Collects elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_names_are_text() -> None:
    """A title or a name with markup is shown as it is written, and runs nothing."""
    found = Tags(render(page())).found
    assert not [tag for tag, attrs in found if tag == "script" or "style" in attrs]
    assert "&lt;script&gt;" in render(page())


def test_a_day_is_as_tall_as_it_was_good() -> None:
    """Nothing measured, good, fair and bad differ in height and kind, and say their figure."""
    bars = [attrs for tag, attrs in Tags(render(page())).found if tag == "rect"]
    assert [(each["class"], each["height"]) for each in bars] == [
        ("nothing", "4"),
        ("good", "34"),
        ("fair", "24"),
        ("bad", "14"),
    ]
    assert "1970-01-01: nothing measured" in render(page())
    assert "1970-01-04: 50 %" in render(page())


def test_every_state_has_words() -> None:
    """No state is told by its colour alone."""
    for state in State:
        text = render(page(state))
        assert f'class="headline {state}"' in text
        assert f'class="state {state}">' in text


def test_the_heading_says_how_far_back_incidents_are_known() -> None:
    """Results that are kept for a day, or read for less, know nothing of a week."""
    for back_s, said in ((7 * 86_400, "7 days"), (50_000, "13 hours")):
        looked = replace(page(), back_s=back_s)
        assert f"Incidents of the last {said}<" in render(looked)
        assert as_json(looked)["incidents_since"] == 300_000.0 - back_s


def test_incidents_say_since_when_and_how_long() -> None:
    """An open one says that it goes on; without any the page says so."""
    text = render(page(State.OUTAGE, Incident("Chat", 299_400.0, None), Incident("B", 0.0, 600.0)))
    assert "for 10 min so far" in text
    assert "1970-01-01 00:10 UTC</time>, 10 min" in text
    assert "None." in render(page())


def test_the_same_as_json() -> None:
    """Unknown is null; nothing of ours but what the page shows is in it."""
    said = as_json(page(State.OUTAGE, Incident("Chat", 1.0, None)))
    assert set(said) == {
        "title",
        "at",
        "state",
        "components",
        "incidents_since",
        "incidents",
    }
    assert said["components"][0]["availability_30d"] is None
    assert said["incidents"] == [{"component": "Chat", "since": 1.0, "until": None}]


def test_the_style_sheet_is_there() -> None:
    """It has a rule for each kind of bar."""
    assert all(f"rect.{kind}" in stylesheet() for kind in ("good", "fair", "bad", "nothing"))
