"""`maintenance:` in the configuration, and what `sonde check` says of it."""

from pathlib import Path

import pytest

from alerting.match import Match
from alerting.routing.maintenance import Once, Weekly
from monitor.cli.check import check_json, check_text
from tests.unit.monitor.config.configtexts import SMALL, load_text, refusals

SUNDAY = 1_795_312_800.0  # 2026-11-22 02:00 UTC
THREE = """\
maintenance:
  - {match: {provider: house}, every: "Sun 02:00-04:00", timezone: Europe/Berlin}
  - {match: {alertname: [Down, "!x*"]}, every: "22:00-23:30"}
  - {match: {target: chat}, from: 2026-12-24 22:00, until: "2026-12-25 04:00"}
"""


def test_windows_are_compiled(tmp_path: Path) -> None:
    """Each week, each day, once; in UTC unless they say otherwise."""
    week, day, once = load_text(tmp_path, SMALL + THREE).config.maintenance
    assert week.match == Match((("provider", ("house",)),))
    assert (week.times, week.timezone) == (Weekly(frozenset({6}), 120, 240), "Europe/Berlin")
    assert week.text == "Sun 02:00-04:00 Europe/Berlin"
    assert day.match == Match((("alertname", ("Down", "!x*")),))
    assert day.timezone == "UTC"
    assert isinstance(once.times, Once)
    assert once.text == "2026-12-24 22:00 to 2026-12-25 04:00 UTC"


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ("{match: {provider: a}}", "maintenance[0]: expected either every, or from and until"),
        (
            '{match: {provider: a}, every: "02:00-04:00", until: 2026-12-24 22:00}',
            "expected either every, or from and until",
        ),
        ("{match: {provider: a}, from: 2026-12-24 22:00}", "either every, or from and until"),
        ("{match: {provider: a}, every: daily}", "maintenance[0].every: expected"),
        (
            "{match: {provider: a}, from: today, until: 2026-12-24 22:00}",
            "maintenance[0].from: expected a time such as 2026-12-24 22:00",
        ),
        (
            "{match: {provider: a}, from: 2026-12-24 22:00, until: 2026-12-24 22:00}",
            "maintenance[0].until: it ends before it begins",
        ),
        (
            '{match: {provder: a}, every: "02:00-04:00"}',
            "maintenance[0].match.provder: no alert has a label of this name (did you mean",
        ),
        ('{match: {}, every: "02:00-04:00"}', "maintenance[0].match: expected at least one"),
        ('{every: "02:00-04:00"}', "maintenance[0].match: missing"),
        (
            '{match: {provider: a}, every: "02:00-04:00", timezone: Europe/Berln}',
            "did you mean Europe/Berlin?",
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, window: str, told: str) -> None:
    """One line, with what would be right."""
    (problem,) = refusals(tmp_path, f"{SMALL}maintenance: [{window}]\n")
    assert told in str(problem)


def test_check_says_when_each_is_next(tmp_path: Path) -> None:
    """In its own time zone; of one that is over it says so; without a clock nothing."""
    loaded = load_text(tmp_path, SMALL + THREE)
    text = check_text(loaded, SUNDAY)
    assert "Sun 2026-11-22 02:00 to 04:00 CET" in text
    assert "Sun 2026-11-22 22:00 to 23:30 UTC" in text
    rows = check_json(loaded, SUNDAY + 60 * 86_400)["maintenance"]
    assert [row["next"] is None for row in rows] == [False, False, True]
    assert rows[0]["match"] == "provider=house"
    assert [row["starts_at"] for row in check_json(loaded)["maintenance"]] == [None] * 3
    assert "Maintenance" not in check_text(load_text(tmp_path, SMALL))
