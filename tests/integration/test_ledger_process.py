"""The ledger and its process: SIGKILL, a full disk, a hanging disk, two at once, damage."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError
from tests.integration.ledger_writer import NUMBERS

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@contextmanager
def writer(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a writer that has opened its ledger; it is killed at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.ledger_writer", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def acknowledged(process: subprocess.Popen[str], wanted: int) -> list[int]:
    """Return what a writer acknowledged until it was killed after so many numbers."""
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    numbers = [int(process.stdout.readline()) for _ in range(wanted)]
    process.kill()
    rest = process.stdout.read()
    complete, _, _ = rest.rpartition("\n")  # a line cut by the kill acknowledges nothing
    return numbers + [int(line) for line in complete.splitlines()]


def numbers_in(path: Path) -> set[int]:
    """Return what a ledger holds, through the ledger's own door."""

    async def read() -> set[int]:
        ledger = Ledger.open(path, [NUMBERS])
        found = await ledger.read(
            lambda connection: {n for (n,) in connection.execute("SELECT n FROM numbers")}
        )
        await ledger.close()
        return found

    return asyncio.run(read())


def test_no_acknowledged_write_is_lost_to_a_kill(tmp_path: Path) -> None:
    """Killed at whatever moment, again and again, a ledger holds all it ever acknowledged."""
    path = tmp_path / "ledger.db"
    promised: set[int] = set()
    for turn, wanted in enumerate((1, 7, 40, 133, 301)):
        with writer("keep", path, turn * 1_000_000) as process:
            promised.update(acknowledged(process, wanted))
        held = numbers_in(path)
        assert promised <= held
        # What was under way may be there as well: at most one write per task and turn.
        assert len(held - promised) <= 16 * (turn + 1)


def test_a_full_disk_is_an_error_and_then_over(tmp_path: Path) -> None:
    """Without room, writes are refused and nothing old is lost; with room, they go on."""
    with writer("starve", tmp_path / "ledger.db") as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    lines = output.splitlines()
    written = [line for line in lines if line.startswith("written")]
    (refusal,) = [line for line in lines if line.startswith("refused /")]
    assert written
    assert "not written: " in refusal
    assert lines[-4:] == [
        "refused again",
        "refused again",
        f"read {len(written)}",
        f"recovered {len(written) + 1}",
    ]
    assert numbers_in(tmp_path / "ledger.db") == {*range(len(written)), 2000}


def test_a_hanging_disk_holds_nobody(tmp_path: Path) -> None:
    """Closing gives up in time, the caller learns that its fate is unknown, the process ends."""
    with writer("hang", tmp_path / "ledger.db") as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    opened, closing, work = output.splitlines()
    assert opened == "open"
    assert "did not finish within" in closing
    assert work.endswith("whether this was done is unknown")
    assert process.returncode == 0


def test_two_processes_cannot_keep_one_ledger(tmp_path: Path) -> None:
    """The second is told so while the first lives, and may have it once that is dead."""
    path = tmp_path / "ledger.db"
    with writer("keep", path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(LedgerError, match=r"ledger\.db is in use by another Sonde process"):
            Ledger.open(path, [NUMBERS])
    assert isinstance(numbers_in(path), set)


def test_damage_is_found_and_left_alone(tmp_path: Path) -> None:
    """A ledger with ruined pages is refused with its name, and not a byte of it is changed."""
    path = tmp_path / "ledger.db"
    with writer("keep", path) as process:
        acknowledged(process, 200)
    numbers_in(path)  # folds the log into the file
    ruined = bytearray(path.read_bytes())
    ruined[4096 * 3 : 4096 * 5] = b"\xa5" * 8192
    path.write_bytes(ruined)
    with pytest.raises(LedgerError, match=r"ledger\.db is damaged \(.*\)"):
        Ledger.open(path, [NUMBERS])
    assert path.read_bytes() == ruined


def test_a_truncated_ledger_is_found(tmp_path: Path) -> None:
    """A ledger whose end is missing is refused as well."""
    path = tmp_path / "ledger.db"
    with writer("keep", path) as process:
        acknowledged(process, 200)
    numbers_in(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    with pytest.raises(LedgerError, match="is damaged"):
        Ledger.open(path, [NUMBERS])


def test_a_backup_can_be_made_beside_it(tmp_path: Path) -> None:
    """A foreign reader, such as a backup, sees what is committed while the writer goes on."""
    path = tmp_path / "ledger.db"
    with writer("keep", path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        seen = [int(process.stdout.readline()) for _ in range(50)]
        copy = sqlite3.connect(tmp_path / "copy.db")
        source = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        source.backup(copy)
        source.close()
        held = {n for (n,) in copy.execute("SELECT n FROM numbers")}
        copy.close()
        assert set(seen) <= held
        assert process.poll() is None
