"""A damaged ledger is set aside, whatever interrupts that, and what can be read of it is saved."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError, LedgerLostError, Schema
from aggregator.ledger_damage import BESIDE, Mending, Note, leave_note, read_note
from aggregator.ledger_file import CHECKED_BYTES

NOW = 1_795_263_780.0
"""2026-11-21 12:23:00 UTC."""
ASIDE = "ledger.db.damaged-20261121T122300Z"
THINGS = Schema("things", ("CREATE TABLE things (n INTEGER PRIMARY KEY, name TEXT);",), ("things",))
OTHERS = Schema("others", ("CREATE TABLE others (n INTEGER);",), ("others WHERE n > 1",))
PAGE_BYTES = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a ledger with rows in three tables, and return its path."""
    made = tmp_path / "ledger.db"
    asyncio.run(opened(made).close())
    with closing(sqlite3.connect(made)) as connection:
        connection.executescript(
            "INSERT INTO things VALUES (1, 'one'), (2, 'two');"
            "INSERT INTO others VALUES (1), (2), (3);"
            "CREATE TABLE large (x BLOB); INSERT INTO large VALUES (zeroblob(20000));"
        )
    return made


class Said:
    """Tables that were told to be lost."""

    def __init__(self) -> None:
        self.lost: list[str] | None = None

    def make_good(self, connection: sqlite3.Connection, lost: Collection[str]) -> None:
        """Take note, in the transaction of what was saved."""
        assert connection.in_transaction
        self.lost = sorted(lost)


def opened(path: Path, said: Said | None = None, *schemas: Schema) -> Ledger:
    """Open a ledger as a daemon does."""
    mending = Mending(NOW, (said or Said()).make_good)
    return Ledger.open(path, schemas or (THINGS, OTHERS), inline=True, mending=mending)


def ruin(path: Path, table: str) -> None:
    """Overwrite the root page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
        ).fetchone()
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES * (page - 1))
        file.write(b"\xa5" * PAGE_BYTES)


def rows(ledger: Ledger, table: str) -> list[tuple[object, ...]]:
    """Read a table."""
    return asyncio.run(ledger.read(lambda c: c.execute(f"SELECT * FROM {table}").fetchall()))


def beside(path: Path) -> list[str]:
    """List what lies in the ledger's directory, without what SQLite and the lock leave."""
    ends = (*BESIDE, ".lock")
    return sorted(each.name for each in path.parent.iterdir() if not each.name.endswith(ends))


def test_a_sound_file_is_left_alone(path: Path) -> None:
    """Nothing is set aside, nothing made good, no note is left."""
    said = Said()
    ledger = opened(path, said)
    assert (ledger.mended, said.lost, ledger.damaged_files) == (None, None, 0)
    assert len(rows(ledger, "things")) == 2
    asyncio.run(ledger.close())
    assert beside(path) == ["ledger.db"]


def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_saved(path: Path) -> None:
    """The new ledger has the small tables; the old one is there to the last byte."""
    ruin(path, "large")
    before, said = path.read_bytes(), Said()
    ledger = opened(path, said)
    assert ledger.mended is not None
    assert ledger.mended.aside == path.with_name(ASIDE)
    assert "is damaged" in ledger.mended.reason
    assert ledger.mended.saved == {"things": 2, "others": 2}
    assert (ledger.mended.lost, said.lost, ledger.damaged_files) == ((), [], 1)
    assert rows(ledger, "things") == [(1, "one"), (2, "two")]
    assert rows(ledger, "others") == [(2,), (3,)]
    asyncio.run(ledger.close())
    assert beside(path) == ["ledger.db", ASIDE]
    assert path.with_name(ASIDE).read_bytes() == before


def test_a_table_that_cannot_be_read_is_told_as_lost(path: Path) -> None:
    """Each table for itself: whoever needs to know what was in it is told."""
    ruin(path, "things")
    said = Said()
    ledger = opened(path, said)
    assert ledger.mended is not None
    assert (ledger.mended.lost, said.lost) == (("things",), ["things"])
    assert (rows(ledger, "things"), rows(ledger, "others")) == ([], [(2,), (3,)])
    asyncio.run(ledger.close())


def test_a_file_of_which_nothing_can_be_read_is_ours_by_its_mark(path: Path) -> None:
    """Where SQLite sees no database, the mark in the header says whose it is."""
    content = bytearray(path.read_bytes())
    content[:16] = b"\0" * 16
    path.write_bytes(content)
    said = Said()
    ledger = opened(path, said)
    assert said.lost == ["others", "things"]
    asyncio.run(ledger.close())
    assert path.with_name(ASIDE).read_bytes() == content


@pytest.mark.parametrize("content", [b"not a database at all\n", b"\xff" * 5000])
def test_a_foreign_file_is_never_set_aside(path: Path, content: bytes) -> None:
    """Somebody else may be using it: it is refused untouched, also where a note is beside it."""
    path.write_bytes(content)
    leave_note(path, Note("found while running"))
    with pytest.raises(LedgerError, match="is not a Sonde ledger"):
        opened(path)
    assert path.read_bytes() == content
    assert beside(path) == ["ledger.db", "ledger.db.suspect"]


def test_a_newer_versions_file_is_refused_even_if_damaged(path: Path) -> None:
    """What it holds is not ours to judge."""
    newer = Schema("others", (*OTHERS.migrations, "CREATE TABLE more (x);"))
    asyncio.run(opened(path, None, newer).close())
    ruin(path, "large")
    with pytest.raises(LedgerError, match="newer Sonde"):
        opened(path)
    assert beside(path) == ["ledger.db"]


def test_without_mending_damage_is_refused_untouched(path: Path) -> None:
    """A command that runs once only says so."""
    ruin(path, "large")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="is damaged"):
        Ledger.open(path, (THINGS,), inline=True)
    assert path.read_bytes() == before
    assert beside(path) == ["ledger.db"]


def test_an_earlier_one_is_never_overwritten(path: Path) -> None:
    """Two in the same second get names of their own."""
    ruin(path, "large")
    path.with_name(ASIDE).write_text("an earlier one")
    path.with_name(f"{ASIDE}.2-wal").touch()
    ledger = opened(path)
    assert ledger.mended is not None
    assert ledger.mended.aside == path.with_name(f"{ASIDE}.3")
    assert ledger.damaged_files == 2
    asyncio.run(ledger.close())
    assert path.with_name(ASIDE).read_text() == "an earlier one"


@pytest.mark.parametrize("renamed", range(4))
def test_an_interrupted_renaming_is_finished(path: Path, renamed: int) -> None:
    """Killed between any two names, what belongs together stays together."""
    ruin(path, "large")
    contents = {end: end.encode() + path.read_bytes() * (not end) for end in ("", *BESIDE)}
    for end in BESIDE:
        path.with_name(path.name + end).write_bytes(contents[end])
    leave_note(path, Note("damaged", ASIDE))
    for end in (*BESIDE, "")[:renamed]:
        path.with_name(path.name + end).rename(path.with_name(ASIDE + end))
    ledger = opened(path)
    assert ledger.mended is not None
    assert ledger.mended.saved == {"things": 2, "others": 2}
    asyncio.run(ledger.close())
    assert path.with_name(ASIDE).read_bytes() == contents[""]
    assert beside(path) == ["ledger.db", ASIDE]


def test_an_interrupted_saving_is_done_again(path: Path) -> None:
    """Killed before the note is gone, everything is taken over anew, and once."""
    ruin(path, "large")
    asyncio.run(opened(path).close())
    leave_note(path, Note("damaged", ASIDE))
    ledger = opened(path)
    assert rows(ledger, "things") == [(1, "one"), (2, "two")]
    asyncio.run(ledger.close())
    assert beside(path) == ["ledger.db", ASIDE]


def test_damage_before_the_first_is_saved_forgets_nothing(path: Path) -> None:
    """A disk that ruins the new file as well: both are kept, and the first one's rows are saved."""
    ruin(path, "large")

    def killed(_connection: sqlite3.Connection, _lost: Collection[str]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ledger.open(path, (THINGS, OTHERS), inline=True, mending=Mending(NOW, killed))
    ruin(path, "things")
    said = Said()
    ledger = opened(path, said)
    assert ledger.mended is not None
    assert (ledger.mended.aside, ledger.damaged_files) == (path.with_name(ASIDE), 2)
    assert said.lost == []
    assert rows(ledger, "things") == [(1, "one"), (2, "two")]
    asyncio.run(ledger.close())
    assert beside(path) == ["ledger.db", ASIDE, f"{ASIDE}.2"]


def test_what_cannot_be_made_good_is_tried_at_the_next_start(path: Path) -> None:
    """The note stays until everything is done; nothing is half done."""
    ruin(path, "large")

    def refuse(connection: sqlite3.Connection, _lost: Collection[str]) -> None:
        connection.execute("DELETE FROM things")
        raise OSError(28, "No space left on device")

    with pytest.raises(LedgerError, match=r"not set aside: .*No space"):
        Ledger.open(path, (THINGS, OTHERS), inline=True, mending=Mending(NOW, refuse))
    ledger = opened(path)
    assert len(rows(ledger, "things")) == 2
    asyncio.run(ledger.close())


def test_an_emptied_file_keeps_its_log(path: Path) -> None:
    """SQLite would take it for new and delete the log with what was committed last."""
    path.write_bytes(b"")
    path.with_name("ledger.db-wal").write_bytes(b"frames")
    said = Said()
    ledger = opened(path, said)
    assert said.lost == ["others", "things"]
    asyncio.run(ledger.close())
    assert path.with_name(f"{ASIDE}-wal").read_bytes() == b"frames"


async def test_damage_found_while_running_is_mended_at_the_next_start(path: Path) -> None:
    """A large file is not walked at the start: whoever meets the damage leaves a note."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"INSERT INTO large VALUES (zeroblob({CHECKED_BYTES}))")
        connection.commit()
    ruin(path, "things")
    ledger = opened(path)
    assert ledger.mended is None
    await ledger.check()
    with pytest.raises(LedgerError, match="malformed"):
        await ledger.write(lambda c: c.execute("INSERT INTO things VALUES (3, 'three')"))
    with pytest.raises(LedgerLostError, match="malformed"):
        await ledger.check()
    await ledger.close()
    ledger = opened(path)
    assert ledger.mended is not None
    assert (ledger.mended.lost, ledger.damaged_files) == (("things",), 1)
    await ledger.close()


async def test_a_read_that_meets_damage_leaves_the_same_note(path: Path) -> None:
    """It is the same file, whoever reads it; what was found first is told."""
    ledger = Ledger.open(path, (), inline=True)
    ruin(path, "others")
    for _ in range(2):
        with pytest.raises(LedgerError, match=r"not read: .*malformed"):
            await ledger.read(lambda c: c.execute("SELECT * FROM others").fetchall())
    await ledger.close()
    assert read_note(path) == Note("database disk image is malformed")


async def test_where_no_note_can_be_left_the_ledger_says_so_all_the_same(path: Path) -> None:
    """The disk takes nothing any more: whoever asks is told, and nothing else breaks."""
    ledger = opened(path)
    path.with_name("ledger.db.suspect.new").mkdir()
    path.unlink()
    with pytest.raises(LedgerLostError, match="is not the one that is open"):
        await ledger.check()
    await ledger.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_gone_is_noticed(path: Path, replaced: bool) -> None:
    """Deleted or replaced: writes would go nowhere. The next start knows that it knows nothing."""
    backup = shutil.copy(path, path.with_name("backup.db"))
    ledger = opened(path)
    await ledger.write(lambda c: c.execute("INSERT INTO things VALUES (3, 'three')"))
    if replaced:
        Path(backup).rename(path)
    else:
        path.unlink()
    with pytest.raises(LedgerLostError, match="is not the one that is open"):
        await ledger.check()
    await ledger.close()
    assert not path.with_name("ledger.db-wal").exists(), "it would be taken for the other's"
    said = Said()
    ledger = opened(path, said)
    assert ledger.mended is not None
    assert (ledger.mended.aside, said.lost) == (None, ["others", "things"])
    kept = await ledger.read(lambda c: c.execute("SELECT count(*) FROM things").fetchone())
    assert kept == (2 if replaced else 0,)
    await ledger.close()
    assert "ledger.db.suspect" not in beside(path)


async def test_a_log_that_is_not_ours_stays(path: Path) -> None:
    """Who replaced the file together with its log has both."""
    ledger = opened(path)
    path.with_name("ledger.db-wal").unlink()
    path.with_name("ledger.db-wal").write_bytes(b"theirs")
    path.unlink()
    await ledger.close()
    assert path.with_name("ledger.db-wal").read_bytes() == b"theirs"


@pytest.mark.parametrize("content", ["", "[]", '{"reason": "x"}', "\x00"])
def test_a_note_that_cannot_be_read_is_a_note(path: Path, content: str) -> None:
    """Then every page is looked at, and what the file says of today counts for nothing."""
    path.with_name("ledger.db.suspect").write_text(content)
    said = Said()
    ledger = opened(path, said)
    assert said.lost == ["others", "things"]
    assert len(rows(ledger, "things")) == 2
    asyncio.run(ledger.close())
    assert beside(path) == ["ledger.db"]


def test_a_note_says_what_was_found(path: Path) -> None:
    """It is read by people too."""
    leave_note(path, Note("malformed"))
    said = json.loads(path.with_name("ledger.db.suspect").read_text())
    assert said == {"reason": "malformed", "aside": ""}


def test_rows_that_the_new_tables_refuse_are_lost(path: Path) -> None:
    """What damage made of a row is not always a row."""
    stricter = Schema(
        "things",
        ("CREATE TABLE things (n INTEGER PRIMARY KEY, name INTEGER) STRICT;",),
        ("things",),
    )
    ruin(path, "large")
    said = Said()
    ledger = opened(path, said, stricter, OTHERS)
    assert said.lost == ["things"]
    assert rows(ledger, "others") == [(2,), (3,)]
    asyncio.run(ledger.close())
