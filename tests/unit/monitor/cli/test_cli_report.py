"""`sonde report`: what it writes, refuses and says."""

import argparse
import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.ledger_file import open_writer
from aggregator.results import RESULTS, insert_result
from aggregator.rollup.folding import fold
from aggregator.rollup.table import ROLLUPS
from monitor.cli import report
from tests.unit.aggregator.samples import result, timeout

CONFIG = """\
location: here
providers: {openai: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: openai, model: m}, {name: mail, provider: openai, model: m}]
store: {path: sonde.db}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with a configuration."""
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(CONFIG)
    return tmp_path


def remember() -> None:
    """Make a ledger of a good result and a timeout."""
    Path("sonde.db").touch()
    with closing(open_writer(Path("sonde.db"), (RESULTS, ROLLUPS))) as connection:
        now = time.time()
        insert_result(connection, result(slot=1, at=now - 20.0))
        insert_result(connection, timeout(5.0, slot=2, at=now - 10.0, request_id="req_9"))
        fold(connection, 10)


def reporting(*given: str) -> int:
    """Run `sonde report`."""
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    return report.run(parser.parse_args(["c.yaml", *given]))


def test_a_report_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """As Markdown, which a terminal shows; of all targets."""
    remember()
    assert reporting() == 0
    text = capsys.readouterr().out
    assert "req_9" in text
    assert "## mail" in text


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("r.html", "<!DOCTYPE html>"),
        ("R.HTM", "<!DOCTYPE html>"),
        ("r.md", "# "),
        ("r", "# "),
        ("r.json", "{"),
        ("r.csv", "target,"),
    ],
)
def test_the_name_of_the_file_says_the_format(name: str, begins: str) -> None:
    """Nothing else is left beside it."""
    remember()
    assert reporting("--output", name) == 0
    assert Path(name).read_text(encoding="utf-8").startswith(begins)
    assert not list(Path.cwd().glob("*.part"))


def test_targets_and_objective_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """By glob and by provider; an objective is in percent."""
    remember()
    given = ("--target", "ch*", "--provider", "openai", "--objective", "50", "--format", "json")
    assert reporting(*given) == 0
    found = json.loads(capsys.readouterr().out)
    (target,) = found["targets"]
    assert (target["name"], target["budget"]["left_ratio"]) == ("chat", 0.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--target", "x*"), "no such target; there are: chat, mail"),
        (("--provider", "x"), "no such target"),
        (("--location", "there"), "no such location: there; there are: here"),
        (("--since", "1d", "--until", "2d"), "--since is not before --until"),
        (("--since", "tomorrow"), "neither a time ago"),
        (("--since", "2000-01-01"), "more than 3660 days"),
        (("--output", "r.pdf"), "r.pdf: no format is called so: say --format (html, md, json, csv"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, and why."""
    remember()
    assert reporting(*given) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [("--objective", "101"), ("--objective", "much"), ("--timezone", "Mars/Base"),
     ("--timezone", "../etc")],
)  # fmt: skip
def test_what_is_no_argument_is_refused(given: tuple[str, ...]) -> None:
    """With exit code 2, as argparse does."""
    with pytest.raises(SystemExit, match="2"):
        reporting(*given)


def test_an_unknown_format_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """In the user's words, not the program's."""
    with pytest.raises(SystemExit, match="2"):
        reporting("--format", "pdf")
    assert "(choose from 'html', 'md', 'json', 'csv')" in capsys.readouterr().err


def test_no_ledger_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 1, and how one comes to be."""
    assert reporting() == 1
    assert "`sonde run` makes it" in capsys.readouterr().err


def test_an_unreadable_ledger_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """And no file appears."""
    with closing(sqlite3.connect("sonde.db")) as connection:
        connection.execute("CREATE TABLE other (x)")
    assert reporting("--output", "r.html") == 1
    assert "no report: " in capsys.readouterr().err
    assert not Path("r.html").exists()


def test_a_file_that_cannot_be_written_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the report nor a part of it; what was there stays."""
    remember()
    Path("r.html").mkdir()  # so that the part cannot take its place
    assert reporting("--output", "r.html") == 1
    assert "no report: " in capsys.readouterr().err
    assert not list(Path.cwd().glob("*.part"))


def test_a_pipe_stays_a_pipe() -> None:
    """As a device does: one that a report took the place of is gone for everybody."""
    remember()
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert reporting("--output", "pipe", "--format", "csv") == 0
        assert os.read(reader, 6) == b"target"
    finally:
        os.close(reader)
    assert Path("pipe").is_fifo()


def test_a_link_stays_a_link() -> None:
    """What it leads to is the file that was meant."""
    remember()
    Path("there").mkdir()
    Path("r.md").symlink_to("there/r.md")
    assert reporting("--output", "r.md") == 0
    assert Path("r.md").is_symlink()
    assert Path("there/r.md").read_text(encoding="utf-8").startswith("# ")


def test_a_target_that_was_taken_out_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """By its name in the ledger."""
    remember()
    Path("c.yaml").write_text(CONFIG.replace("name: chat", "name: other"))
    assert reporting("--target", "ch*", "--json") == 0
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert (target["name"], target["asked"]) == ("chat", "")


def test_locations_are_all_or_those_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger may hold what others measured elsewhere."""
    remember()
    with closing(sqlite3.connect("sonde.db")) as connection:
        insert_result(connection, result(slot=1, at=time.time() - 20.0, location="there"))
        connection.commit()
    assert reporting("--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["locations"] == ["here", "there"]
    assert reporting("--format", "json", "--location", "there") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["locations"] == ["there"]
    assert sum(target["total"]["results"] for target in found["targets"]) == 1
