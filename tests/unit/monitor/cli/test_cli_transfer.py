"""`sonde export` and `sonde import`: what they write, refuse and say."""

import argparse
import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import aggregator.transfer
from aggregator.ledger import Ledger
from aggregator.ledger_file import open_writer
from aggregator.results import RESULTS, insert_result, insert_results, replay
from aggregator.stores.delivery import Destination
from aggregator.stores.spool import SPOOL, Stream, balances, begin, pending_results
from aggregator.transfer.columns import TransferError
from aggregator.transfer.part import Part
from monitor.cli import export, import_
from tests.unit.aggregator.samples import result

CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}]
store: {path: NAME.db}
"""
BUCKET = Destination(url="http://127.0.0.1:1", org="o", bucket="b")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder with two configurations."""
    monkeypatch.chdir(tmp_path)
    for name in ("from", "into"):
        Path(f"{name}.yaml").write_text(CONFIG.replace("NAME", name))
    return tmp_path


def remember(name: str, rows: int, ago_s: float = 100.0) -> None:
    """Make a ledger of results a second apart; every third is of `mail`."""

    async def fill() -> None:
        ledger = Ledger.open(Path(f"{name}.db"), (RESULTS, SPOOL))
        first = time.time() - ago_s
        found = [
            result(target="mail" if n % 3 == 0 else "chat", slot=n, at=first + n)
            for n in range(rows)
        ]
        await ledger.write(lambda c: insert_results(c, found))
        await ledger.close()

    asyncio.run(fill())


def exporting(*given: str) -> int:
    """Run `sonde export`."""
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    return export.run(parser.parse_args(["from.yaml", *given]))


def importing(*given: str) -> int:
    """Run `sonde import`."""
    parser = argparse.ArgumentParser()
    import_.add_arguments(parser)
    return import_.run(parser.parse_args(list(given)))


def count(name: str, where: str = "1") -> int:
    """Count a ledger's results."""
    with closing(sqlite3.connect(f"{name}.db")) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM results WHERE {where}").fetchone()
        return int(found)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_file_goes_from_ledger_to_ledger(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The second time nothing is new; nothing unfinished is left."""
    remember("from", 7)
    assert exporting("--output", name) == 0
    assert capsys.readouterr().err == f"{name}: 7 results\n"
    assert importing(name, "into.yaml") == 0
    assert importing(name, "into.yaml") == 0
    assert capsys.readouterr().err.splitlines() == [
        "7 rows: 7 new, 0 known already, 0 no results",
        "7 rows: 0 new, 7 known already, 0 no results",
    ]
    assert count("into") == 7
    assert not list(Path().glob("*.part*"))


@pytest.mark.usefixtures("folder")
def test_what_is_imported_is_neither_shipped_nor_replayed() -> None:
    """Balances stay true, the cursor's batch and the windows have this instance's own alone."""
    remember("from", 7)
    assert exporting("--output", "rows.csv") == 0
    remember("into", 0)
    with closing(open_writer(Path("into.db"), (RESULTS, SPOOL))) as ledger:
        begin(ledger, BUCKET)
        insert_result(ledger, result(target="own", slot=99, at=time.time()))
        assert importing("rows.csv", "into.yaml") == 0
        balance = balances(ledger)[Stream.RESULTS]
        assert (balance.produced, balance.pending) == (1, 1)
        assert len(pending_results(ledger, None, 10).lines) == 1
        now = time.time()
        assert [row.target for row in replay(ledger, now - 3_600.0, now)] == ["own"]
        ledger.execute("DELETE FROM results WHERE id < 0")
        assert balances(ledger)[Stream.RESULTS].dropped == 0


@pytest.mark.usefixtures("folder")
def test_a_new_destination_counts_its_own_results_only() -> None:
    """What was imported before is not among what has to reach it."""
    remember("from", 7)
    assert exporting("--output", "rows.csv") == 0
    assert importing("rows.csv", "into.yaml") == 0
    with closing(open_writer(Path("into.db"), (RESULTS, SPOOL))) as ledger:
        begin(ledger, BUCKET)
        balance = balances(ledger)[Stream.RESULTS]
        assert (balance.produced, balance.pending) == (0, 0)


@pytest.mark.usefixtures("folder")
def test_some_targets_of_some_time(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Both ends and the pattern choose; without a file the rows go to standard output."""
    remember("from", 90, ago_s=100.0)
    assert (
        exporting("--since", "60s", "--until", "30s", "--target", "ma*", "--format", "lines") == 0
    )
    lines = capsysbinary.readouterr().out.splitlines()
    assert len(lines) == 10
    assert all(b"target=mail" in line for line in lines)


@pytest.mark.usefixtures("folder")
def test_an_interrupted_export_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """What was written behind the last note is cut off, and the rest follows."""
    remember("from", 9)
    assert exporting("--output", "whole.csv") == 0
    assert exporting("--output", "rows.csv", "--target", "mail") == 0
    assert exporting("--resume", "--output", "rows.csv") == 0
    assert Path("rows.csv").read_bytes() == Path("whole.csv").read_bytes()
    capsys.readouterr()


REFUSED = [
    (["--format", "parquet"], "need a file"),
    (["--resume"], "need a file"),
    (["--resume", "--since", "1d", "--output", "x.csv"], "leave out --since"),
    (["--since", "1d", "--until", "2d"], "--since is not before --until"),
    (["--since", "yesterday"], "'yesterday' is neither"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("given", "why"), REFUSED)
def test_mistakes_are_told(given: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and nothing is made."""
    assert exporting(*given) == 2
    assert why in capsys.readouterr().err
    assert not list(Path().glob("x*"))


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """No ledger, no file, a file of something else: exit code 1, in a sentence."""
    assert exporting("--output", "rows.csv") == 1
    assert "from.db is not there" in capsys.readouterr().err
    assert importing("none.csv", "into.yaml") == 1
    assert "No such file" in capsys.readouterr().err
    Path("x.csv").write_text("a,b\r\n1,2\r\n")
    Path("x.parquet").write_bytes(b"PAR1 or so")
    Path("y.parquet").write_bytes(b"PAR1 or so PAR1")
    assert importing("x.csv", "into.yaml") == 1
    assert importing("x.parquet", "into.yaml") == 1
    assert importing("y.parquet", "into.yaml") == 1
    told = capsys.readouterr().err
    assert "2 columns are no result's" in told
    assert told.count("not readable as Parquet") == 2
    assert importing("x", "into.yaml") == 2
    assert importing("x.lines", "into.yaml") == 1
    assert "import CSV" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_bad_rows_are_counted_and_ten_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The good ones around them are in the ledger, and the exit code is 1."""
    remember("from", 3)
    assert exporting("--output", "rows.csv") == 0
    file = Path("rows.csv")
    head, *rows = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(
        b"".join([head, rows[0], *([rows[1].replace(b",ok,", b",so-so,")] * 12), rows[2]])
    )
    capsys.readouterr()
    assert importing("rows.csv", "into.yaml") == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "row at 3: verdict: a word this version does not know"
    assert told[10:] == [
        "… and 2 more like these",
        "14 rows: 2 new, 0 known already, 12 no results",
    ]
    assert count("into") == 2
    assert importing("rows.csv", "into.yaml", "--json") == 1
    row = json.loads(capsys.readouterr().out)
    assert row.pop("problems")[0]["row"] == 3
    assert row == {"rows": 14, "new": 0, "known": 2, "no_results": 12, "too_old": 0}


@pytest.mark.usefixtures("folder")
def test_results_a_daemon_would_delete_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever moves a year into a ledger that keeps two weeks is told to keep more first."""
    remember("from", 3, ago_s=30 * 86_400.0)
    assert exporting("--output", "rows.csv") == 0
    assert importing("rows.csv", "into.yaml") == 1
    assert "3 are older than store.retention keeps results: left out" in capsys.readouterr().err
    assert count("into") == 0


@pytest.mark.usefixtures("folder")
def test_an_older_versions_ledger_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever exports before the new daemon ran once hears what brings the file up."""
    remember("from", 3)
    with closing(sqlite3.connect("from.db")) as connection:
        connection.execute("ALTER TABLE results DROP COLUMN hint")
    assert exporting("--output", "rows.csv") == 1
    told = capsys.readouterr().err
    assert "from.db is an older version's (no such column: hint): `sonde run` brings" in told
    assert told.count("\n") == 1


@pytest.mark.usefixtures("folder")
def test_two_exports_to_one_file() -> None:
    """The second is refused while the first one writes."""
    with Part(Path("rows.csv")), pytest.raises(TransferError, match="another export"):
        Part(Path("rows.csv"))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("note", [b"[", b"{}", b'{"version": 2}', b"[1]"])
def test_a_note_that_is_none(note: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is guessed: it says how to begin anew, and that works."""
    remember("from", 3)
    Path("rows.csv.part.json").write_bytes(note)
    assert exporting("--resume", "--output", "rows.csv") == 1
    assert "without --resume" in capsys.readouterr().err
    assert exporting("--output", "rows.csv") == 0


@pytest.mark.parametrize(
    ("text", "at"),
    [("1h", 6_400.0), ("1970-01-01T01:00", 3_600.0), ("1970-01-01T01:00+01:00", 0.0)],
)
def test_moments(text: str, at: float) -> None:
    """A time ago, or a date; without a zone it is UTC whatever this machine's is."""
    assert export.moment(text, 10_000.0) == at


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_files_are_for_their_owner_alone(folder: Path, name: str) -> None:
    """Request ids and errors are in them."""
    remember("from", 1)
    assert exporting("--output", name) == 0
    assert (folder / name).stat().st_mode & 0o077 == 0


def test_without_parquets_library_nothing_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what to install, exit code 2; no unfinished file, and no ledger."""
    remember("from", 1)
    (folder / "rows.parquet").touch()
    monkeypatch.setitem(sys.modules, "arro3.core", None)
    monkeypatch.delitem(sys.modules, "aggregator.transfer.parquet_rows", raising=False)
    monkeypatch.delattr(aggregator.transfer, "parquet_rows", raising=False)
    assert exporting("--output", "x.parquet") == 2
    assert importing("rows.parquet", "into.yaml") == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all("pip install 'sonde[parquet]'" in line for line in told)
    assert not list(folder.glob("x*"))
    assert not (folder / "into.db").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["none.csv", "other.csv"])
def test_no_ledger_is_made_for_what_is_no_file_of_results(name: str) -> None:
    """A slip of the pen leaves nothing behind."""
    Path("other.csv").write_text("a,b\r\n1,2\r\n")
    assert importing(name, "into.yaml") == 1
    assert not list(Path().glob("into.db*"))


@pytest.mark.parametrize("place", [".", "some.csv", "/", ""])
def test_a_folder_is_no_file(folder: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said before anything is written, not when all of it is."""
    remember("from", 1)
    (folder / "some.csv").mkdir()
    assert exporting("--output", place) == 1
    assert "is a folder" in capsys.readouterr().err
    assert not list(folder.glob("*.part*"))
