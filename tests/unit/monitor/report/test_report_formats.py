"""A report in its formats: nothing hostile acts, nothing unknown is made up."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from xml.etree.ElementTree import fromstring
from zoneinfo import ZoneInfo

import pytest

from monitor.report.charts import line_chart
from monitor.report.figures import Percentiles, Reading, Report
from monitor.report.formats import Format, written
from monitor.report.incidents import Stretch
from monitor.report.subjects import Subject
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import Saying, Words, note
from tests.unit.monitor.report.outages import DAY, START, ledger, reported

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def report() -> Report:
    """Make the month's report."""
    with ledger() as connection:
        return reported(connection)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_a_page_has_no_script_and_loads_nothing(report: Report) -> None:
    """Whatever a provider said; its words are there to be read."""
    page = written(report, Format.HTML, UTC)
    found = _Tags()
    found.feed(page)
    assert not {"script", "link", "img", "iframe", "object", "use"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    leads = [value for name, value in found.attributes if name in ("href", "src")]
    assert leads == [f"#{value}" for value in ids]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\x1b" not in page


def test_a_page_is_for_screen_and_paper_by_day_and_night(report: Report) -> None:
    """It names its encoding, and colours for each."""
    page = written(report, Format.HTML, UTC)
    assert '<meta charset="utf-8">' in page
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page
    assert page.count("<svg") == 2


def test_a_chart_without_a_neighbour_is_no_larger(report: Report) -> None:
    """An embedding has no first token: its one chart would else fill the page."""
    (target,) = report.targets
    days = tuple(
        replace(day, figures=replace(day.figures, first_token=Percentiles())) for day in target.days
    )
    page = written(replace(report, targets=(replace(target, days=days),)), Format.HTML, UTC)
    assert page.count("<svg") == 1
    assert "repeat(auto-fill, " in page


def test_markdown_fits_80_columns(report: Report) -> None:
    """But for code spans, which nothing hostile leaves."""
    lines = written(report, Format.MARKDOWN, UTC).splitlines()
    assert [line for line in lines if len(line) > 80 and not line.startswith("- `")] == []
    (hostile,) = [line for line in lines if "<script>" in line]
    assert hostile.startswith("- `<script>")
    assert hostile.count("`") == 2
    assert hostile.endswith("`")
    assert "\x1b" not in hostile


def test_markdown_says_what_happened(report: Report) -> None:
    """Incidents, the budget, lower bounds, and how it was worked out."""
    text = written(report, Format.MARKDOWN, UTC)
    said = "(2 h 0 min): 9 failures (1 of them slots that were not asked), no good results between"
    assert said in " ".join(text.split())
    assert "41 of 13.9 failures spent, overspent by 194.5 %" in text
    assert "≥ 29." in text
    assert "server_error, HTTP 503, req_964" in text
    assert "less than two intervals" in " ".join(text.split())


def test_moments_are_written_in_the_zone(report: Report) -> None:
    """And carry its name."""
    text = written(report, Format.MARKDOWN, ZoneInfo("Europe/Berlin"))
    assert "2024-10-14 03:00:00 CEST to 2024-10-14 05:00:00 CEST" in text


def test_json_is_the_whole_report(report: Report) -> None:
    """With null for what is unknown."""
    found = json.loads(written(report, Format.JSON, UTC))
    assert found["incidents"][0]["evidence"][0]["request_id"] == "req_964"
    assert found["targets"][0]["total"]["results"] == 2_785


def test_csv_is_a_row_for_each_day(report: Report) -> None:
    """Of figures alone: no provider's word that a spreadsheet would take for a formula."""
    rows = list(csv.DictReader(StringIO(written(report, Format.CSV, UTC))))
    assert len(rows) == 29
    assert rows[20]["latency_p95_is_lower_bound"] == "True"
    assert "script" not in str(rows)


@pytest.mark.parametrize("kind", Format)
def test_a_report_of_nothing_is_a_report(kind: Format) -> None:
    """It says that nothing is known, which is not that nothing was there."""
    nothing = Report(
        START, START + DAY, START + DAY, "1", ("here",), None, None, None, (), (), 7, (), 0
    )
    text = written(nothing, kind, UTC)
    if kind in (Format.HTML, Format.MARKDOWN):
        assert "Not known: no single result of that time is kept." in text
        assert "None found" not in text
        assert "no single result is kept" in " ".join(text.split())
        assert "7 shorter incidents" in text


def test_a_chart_has_a_gap_where_nothing_is_known() -> None:
    """And a sign where more may be true."""
    line = [Reading(1.0, False), Reading(1.0, False), None, Reading(2.0, True), Reading(2.0, True)]
    drawn = line_chart([str(n) for n in range(5)], [("p50", line)])
    assert drawn.count("<circle") == 4
    assert drawn.count("≥") == 2
    series = [e for e in fromstring(drawn).iter() if "reactive nofill" in e.get("class", "")]
    assert len(series) == 2


def test_a_chart_of_nothing_is_none() -> None:
    """An empty frame would say zero."""
    assert line_chart(["1"], [("p50", [None])]) == ""


EVIL = "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)> [a](http://e) `x` \x1b[31m\u202e\n# _b_"


@pytest.fixture(scope="module")
def hostile() -> Report:
    """Make a report in which every name is hostile: imports bring what others wrote."""
    with ledger() as connection:
        connection.execute("UPDATE rollup_series SET target = ?, location = ?", (EVIL, EVIL))
        connection.execute(
            "UPDATE results SET target = ?, location = ?, provider = ?, verdict = ?,"
            " request_id = ?, detail = ? WHERE fault = 'provider'",
            (EVIL,) * 6,
        )
        limits = json.dumps([[EVIL, 1, 1, None]])
        connection.execute("UPDATE results SET target = ?, location = ?, rate_limits = ?"
                           " WHERE fault = 'none'", (EVIL, EVIL, limits))  # fmt: skip
        words = frozenset({Words(PageState.OUTAGE, EVIL)})
        for n in range(100):
            note(connection, Saying(EVIL, EVIL, float(START + 10 * DAY + 300 * n), words), 1e9)
        subject = Subject(EVIL, EVIL, EVIL, 900.0, "")
        return reported(connection, subject, locations=(EVIL, "here"))


def test_hostile_names_do_nothing_in_a_page(hostile: Report) -> None:
    """They are text, wherever they stand."""
    page = written(hostile, Format.HTML, UTC)
    found = _Tags()
    found.feed(page)
    assert "img" not in found.tags
    assert hostile.incidents[0].page is not None
    assert "&lt;img src=x" in page
    assert not {"\x1b", "\u202e"} & set(page)


def test_hostile_names_do_nothing_in_markdown(hostile: Report) -> None:
    """Outside code spans nothing is left that is markup; no line begins with theirs."""
    text = written(hostile, Format.MARKDOWN, UTC)
    assert not {"\x1b", "\u202e"} & set(text)
    bare = re.sub(r"`[^`\n]*`", "", re.sub(r"\\[^\w\s]", "", text))
    assert "<img" not in bare
    assert "](" not in bare
    assert not [line for line in text.splitlines() if line.startswith("# _b")]


def test_hostile_names_are_no_formula_in_a_spreadsheet(hostile: Report) -> None:
    """A quote before them makes them text."""
    rows = list(csv.DictReader(StringIO(written(hostile, Format.CSV, UTC))))
    assert {row["target"][:2] for row in rows} == {"'="}
    assert {row["provider"][:2] for row in rows} == {"'="}


def test_hostile_names_are_escaped_in_json(hostile: Report) -> None:
    """As they are, for programs; and nothing that a terminal acts upon."""
    text = written(hostile, Format.JSON, UTC)
    assert json.loads(text)["targets"][0]["name"] == EVIL
    assert text.isascii()
    assert "\x1b" not in text


def test_several_locations_are_told_apart(hostile: Report) -> None:
    """In both formats for people."""
    assert ">Location<" in written(hostile, Format.HTML, UTC)
    assert "- from =cmd" in written(hostile, Format.MARKDOWN, UTC)


@pytest.mark.parametrize("kind", [Format.HTML, Format.MARKDOWN])
def test_our_own_trouble_stands_beside_an_incident(report: Report, kind: Format) -> None:
    """A vendor would find out; and the overlap is told where it matters."""
    stretch = Stretch("here", START, START + 60.0, 3)
    beside = replace(report.incidents[0], troubles=(stretch,))
    text = written(replace(report, incidents=(beside,)), kind, UTC)
    assert "own side meanwhile" in text
    assert ": 3 slots" in " ".join(text.split())


@pytest.mark.parametrize("kind", [Format.HTML, Format.MARKDOWN])
def test_what_there_is_nothing_of_has_no_place(report: Report, kind: Format) -> None:
    """No budget without an objective, no table of no days, no limits nobody stated."""
    (target,) = report.targets
    bare = replace(target, budget=None, days=(), limits=())
    text = written(replace(report, targets=(bare,)), kind, UTC)
    assert "rror budget of" not in text
    assert "Day (UTC)" not in text
    assert "ate limits stated" not in text
