"""Exports whose reader goes, and whose disk is full or may not be written: a line, no traceback."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores.spool import SPOOL
from tests.unit.aggregator.samples import result

ROWS = 4_000
"""More than a pipe holds."""
CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}]
store: {path: sonde.db}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ledger and its configuration."""
    folder = tmp_path_factory.mktemp("pipes")
    (folder / "sonde.yaml").write_text(CONFIG)

    async def fill() -> None:
        ledger = Ledger.open(folder / "sonde.db", (RESULTS, SPOOL))
        first = time.time() - ROWS
        chance = random.Random(1)  # what repeats itself would be compressed to nothing
        found = [
            result(slot=n, at=first + n, request_id=chance.randbytes(32).hex()) for n in range(ROWS)
        ]
        await ledger.write(lambda c: insert_results(c, found), timeout_s=None)
        await ledger.close()

    asyncio.run(fill())
    return folder


def shell(folder: Path, script: str) -> tuple[int, str]:
    """Run a line of bash in which `sonde` is ours; return the first command's code, and stderr."""
    done = subprocess.run(
        ["bash", "-c", f'sonde() {{ "{sys.executable}" -m monitor.cli "$@"; }}\n{script}\n'
         "exit ${PIPESTATUS[0]}"],
        cwd=folder,
        env={"PYTHONPATH": str(Path.cwd()), "HOME": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("kind", ["csv", "lines"])
def test_a_reader_that_has_seen_enough(folder: Path, kind: str) -> None:
    """`sonde export | head` ends without a word, and with 1: not everything was written."""
    assert shell(folder, f"sonde export --format {kind} | head -n 1 >/dev/null") == (1, "")


def test_standard_output_on_a_full_disk(folder: Path) -> None:
    """One line says why, and the end does not fail once more over what is left in the buffer."""
    assert shell(folder, "sonde export >/dev/full") == (
        1,
        "not exported: No space left on device\n",
    )


def test_standard_output_that_is_closed(folder: Path) -> None:
    """It is a wrong command line, and says so."""
    code, told = shell(folder, "sonde export >&-")
    assert (code, told) == (2, "standard output is closed: say --output FILE\n")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_outgrows_its_limit_is_gone_on_with(folder: Path, kind: str) -> None:
    """As on a full disk: the part stays, and --resume completes what was begun.

    64 KiB are enough for what SQLite keeps beside a ledger, and not for the rows.
    """
    name = f"rows.{kind}"
    code, told = shell(folder, f"ulimit -f 64; trap '' XFSZ; sonde export --output {name}")
    assert (code, told.count("\n")) == (1, 1)
    assert told.startswith("not exported: ")
    assert not (folder / name).exists()
    assert sorted(path.name for path in folder.glob(f"{name}*")) == [
        f"{name}.part", f"{name}.part.json",
    ]  # fmt: skip
    assert shell(folder, f"sonde export --resume --output {name}") == (
        0,
        f"{name}: {ROWS:,} results\n",
    )


def test_a_place_that_takes_no_file(folder: Path) -> None:
    """Neither a missing folder nor one that nobody may write to makes a traceback."""
    for place in ("missing/rows.csv", "/proc/rows.csv"):
        code, told = shell(folder, f"sonde export --output {place}")
        assert (code, told.count("\n")) == (1, 1)
        assert "No such file or directory" in told
