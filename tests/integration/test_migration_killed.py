"""SIGKILL while a ledger of an earlier version is brought up."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from monitor.daemon import SCHEMAS
from tests.integration.earlier_ledgers import all_at, contents, fill, fill_all, held, make

EARLIER = range(1, max(len(schema.migrations) for schema in SCHEMAS))
RESULTS_ROWS = 10_000
KILLS = 12


@pytest.fixture(scope="module")
def starter() -> Iterator[subprocess.Popen[str]]:
    """Run the process that starts on ledgers."""
    command = [sys.executable, "-m", "tests.integration.migrating_starter"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def started(starter: subprocess.Popen[str], path: Path, after_s: float | None) -> float | None:
    """Start on a ledger and kill that after a while; return how long it took if it was not."""
    assert starter.stdin is not None
    assert starter.stdout is not None
    starter.stdin.write(f"{path}\n")
    starter.stdin.flush()
    child = int(starter.stdout.readline())
    began = time.perf_counter()
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    starter.stdin.write("how did it end?\n")
    starter.stdin.flush()
    code = int(starter.stdout.readline())
    assert code in (0, -signal.SIGKILL)
    return time.perf_counter() - began if code == 0 else None


@pytest.mark.parametrize("version", EARLIER)
def test_whenever_it_is_killed_the_next_start_has_every_row(
    tmp_path: Path, starter: subprocess.Popen[str], version: int
) -> None:
    """At moments spread over the whole of it: the newest version, and all that was there."""
    old, path = tmp_path / "old.db", tmp_path / "ledger.db"
    make(old, all_at(version))
    fill_all(old)
    with closing(sqlite3.connect(old)) as connection:
        fill(connection, "results", range(10, RESULTS_ROWS))
        connection.commit()
    before = contents(old)
    shutil.copy(old, path)
    takes_s = started(starter, path, None)
    assert takes_s is not None
    killed = 0
    for number in range(KILLS):
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        shutil.copy(old, path)
        killed += started(starter, path, takes_s * number / KILLS) is None
        asyncio.run(Ledger.open(path, SCHEMAS, inline=True).close())
        with closing(sqlite3.connect(path)) as connection:
            versions = dict(connection.execute("SELECT name, version FROM schema_version"))
            kept = {table: held(connection, table, names) for table, (names, _) in before.items()}
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert versions == {schema.name: len(schema.migrations) for schema in SCHEMAS}
        assert kept == before
    assert killed, "every one of them came to its end"
