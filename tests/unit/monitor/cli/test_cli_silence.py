"""`sonde silence`."""

import json
import sqlite3
from pathlib import Path
from shutil import copy

import pytest

from aggregator.ledger_file import make_file, open_writer
from alerting.routing.silence_store import load_silences
from monitor.cli import main
from monitor.cli.beside import reading, writing
from monitor.daemon import SCHEMAS

CONFIG = """\
store: {path: sonde.db}
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:9/v1", api_key: "${KEY}"}}
targets: [{name: chat, provider: p, model: m, labels: {team: ml}}]
"""
ADD = ["silence", "add", "--comment", "they told us", "--author", "ann"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that a daemon has made: once, as its tables take a while."""
    path = tmp_path_factory.mktemp("made") / "sonde.db"
    make_file(path)
    open_writer(path, SCHEMAS).close()
    return path


@pytest.fixture
def folder(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with such a ledger beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", "hunter2-hunter2")
    (tmp_path / "sonde.yaml").write_text(CONFIG)
    copy(empty, tmp_path / "sonde.db")
    return tmp_path


def test_a_silence_is_added_listed_and_ended(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step says what there is now."""
    assert main([*ADD, "provider=p", "alertname=High*|!HighX", "--for", "2h"]) == 0
    (silence,) = reading(folder / "sonde.db", lambda c: load_silences(c, 0.0))
    assert silence.ends_at - silence.starts_at == 7200
    told = capsys.readouterr().out
    assert told.startswith(f"silence {silence.id}: alertname=High*|!HighX provider=p until 20")
    assert main(["silence", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].split() == ["ID", "STATE", "FROM", "UNTIL", "AUTHOR", "MATCHERS", "COMMENT"]
    assert silence.id in listed[1]
    assert listed[1].endswith("ann     alertname=High*|!HighX provider=p  they told us")
    assert main(["silence", "expire", silence.id]) == 0
    assert capsys.readouterr().out == f"silence {silence.id} is over\n"
    assert main(["silence", "list"]) == 0
    assert capsys.readouterr().out == "no silences\n"
    assert main(["silence", "list", "--all", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["state"], row["author"]) == (silence.id, "over", "ann")
    assert row["matchers"] == {"alertname": ["High*", "!HighX"], "provider": ["p"]}


def test_one_may_begin_later(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And end at a moment; without a zone that is in UTC."""
    times = ["--from", "2099-11-22T01:00Z", "--until", "2099-11-22T07:00+02:00"]
    assert main([*ADD, "team=ml", *times, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["state"] == "waiting"
    assert row["ends_at"] - row["starts_at"] == 4 * 3600
    assert main([*ADD, "team=ml", "--from", "2099-11-22", "--for", "1h"]) == 0
    assert "until 2099-11-22 01:00 UTC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["targt=chat", "--for", "2h"], "did you mean target?"),
        (["chat", "--for", "2h"], "expected LABEL=PATTERN"),
        (["target=*", "--for", "2h"], "a silence of everything"),
        (["target=chat", "--until", "2020-01-01T00:00Z"], "in the past"),
        (["target=chat", "--for", "91d"], "longer than 90 days"),
        (["target=chat", "--for", "2h", "--comment", ""], "a comment is needed"),
        (["target=chat", "--for", "2h", "--author", ""], "--author"),
    ],
)
def test_what_is_wrong_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    """Nothing is kept of it."""
    assert main([*ADD, *more]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert reading(folder / "sonde.db", lambda c: load_silences(c, 0.0)) == ()


@pytest.mark.parametrize(
    "more",
    [
        ["target=chat"],
        ["--for", "2h"],
        ["target=chat", "--for", "soon"],
        ["target=chat", "--until", "soon"],
        ["target=chat", "--for", "2h", "--until", "2099-01-01"],
    ],
)
def test_what_cannot_be_read_is_the_command_lines(folder: Path, more: list[str]) -> None:
    """As of any command; the configuration is not looked at."""
    with pytest.raises(SystemExit) as refused:
        main([*ADD, *more])
    assert refused.value.code == 2


def test_no_secret_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A comment may hold what somebody pasted."""
    assert main([*ADD, "target=chat", "--for", "1h", "--comment", "key hunter2-hunter2 bad"]) == 0
    (silence,) = reading(folder / "sonde.db", lambda c: load_silences(c, 0.0))
    assert silence.comment == "key *** bad"
    assert "hunter2" not in capsys.readouterr().out


def test_a_silence_that_is_not_there_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With where to look."""
    assert main(["silence", "expire", "nope"]) == 2
    assert "no silence nope that is not over" in capsys.readouterr().err


def test_without_a_ledger_there_is_nothing_to_write_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And none is made for it; a configuration that is wrong is told as everywhere."""
    (folder / "sonde.db").unlink()
    assert main([*ADD, "target=chat", "--for", "1h"]) == 1
    assert "there is no ledger yet" in capsys.readouterr().err
    assert not (folder / "sonde.db").exists()
    (folder / "sonde.yaml").write_text("targets: 3")
    assert main(["silence", "list"]) == 2
    assert "targets" in capsys.readouterr().err


def test_a_ledger_from_before_silences_has_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Listing reads only, and brings nothing up to date; adding does."""
    writing(folder / "sonde.db", (), _without_silences)
    assert main(["silence", "list"]) == 0
    assert capsys.readouterr().out == "no silences\n"
    assert main([*ADD, "target=chat", "--for", "1h"]) == 0


def _without_silences(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE silences")
    connection.execute("DELETE FROM schema_version WHERE name = 'silences'")
