"""Export and import killed in the middle, as processes: run again, the result is the same."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores.spool import SPOOL
from aggregator.transfer.columns import NAMES, RowError
from aggregator.transfer.formats import Format, decoded
from tests.unit.aggregator.samples import result

ROWS = 60_000
"""More than is written between two notes."""
IMPORTED = 8_000
SLOT = NAMES.index("slot")
PATIENCE_S = 60.0
CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}]
store: {path: NAME.db}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a ledger of many results, and two configurations."""
    folder = tmp_path_factory.mktemp("transfer")
    for name in ("from", "into-csv", "into-parquet"):
        (folder / f"{name}.yaml").write_text(CONFIG.replace("NAME", name))

    async def fill() -> None:
        ledger = Ledger.open(folder / "from.db", (RESULTS, SPOOL))
        first = time.time() - ROWS
        found = [result(slot=n, at=first + n, detail=f"{n}\n'\0") for n in range(ROWS)]
        await ledger.write(lambda c: insert_results(c, found), timeout_s=None)
        await ledger.close()

    asyncio.run(fill())
    return folder


def start(folder: Path, *given: str) -> subprocess.Popen[str]:
    """Start a command in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", *given],
        cwd=folder,
        env={"PYTHONPATH": str(Path.cwd()), "HOME": str(folder), "PATH": ""},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(folder: Path, *given: str) -> None:
    """Run a command to its end; it must succeed."""
    child = start(folder, *given)
    _, told = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, told


def stop_when(child: subprocess.Popen[str], there: Callable[[], bool], how: signal.Signals) -> int:
    """Send a signal as soon as something is there; return the exit code."""
    until = time.monotonic() + PATIENCE_S
    while not there() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    child.send_signal(how)
    child.communicate(timeout=PATIENCE_S)
    return child.returncode


def size(path: Path) -> int:
    """Return how much is in a file; 0: it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def rows(path: Path) -> list[tuple[object, ...]]:
    """Return a ledger's results without their numbers."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT slot, at, detail FROM results ORDER BY slot").fetchall()


def imported(path: Path) -> int:
    """Count what an import has committed."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=1.0)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # its tables are not there yet


@pytest.mark.parametrize("kind", list(Format)[:2])
def test_an_export_is_gone_on_with(folder: Path, kind: Format) -> None:
    """SIGKILL, then Ctrl-C in its continuation: the file that appears in the end is whole."""
    name = f"rows.{kind}"
    part, note = folder / f"{name}.part", folder / f"{name}.part.json"
    export = ("export", "from.yaml", "--output", name)
    child = start(folder, *export)
    assert stop_when(child, lambda: size(part) > 9_000, signal.SIGKILL) == -signal.SIGKILL
    assert not (folder / name).exists()
    noted = size(note)
    child = start(folder, *export, "--resume")
    assert stop_when(child, lambda: size(note) != noted, signal.SIGINT) == 130
    assert not (folder / name).exists()
    finish(folder, *export, "--resume")
    assert not part.exists()
    assert not note.exists()
    slots = [
        row[SLOT]
        for _, row in decoded(folder / name, kind, time.time())
        if not isinstance(row, RowError)
    ]
    assert slots == list(range(ROWS))


@pytest.mark.parametrize("kind", list(Format)[:2])
def test_an_import_is_gone_on_with(folder: Path, kind: Format) -> None:
    """SIGKILL, then once more: what was committed is known, and nothing is missing."""
    name, into = f"some.{kind}", f"into-{kind}.yaml"
    finish(folder, "export", "from.yaml", "--output", name, "--since", f"{IMPORTED}s")
    ledger = folder / f"into-{kind}.db"
    child = start(folder, "import", name, into)
    assert stop_when(child, lambda: imported(ledger) > 500, signal.SIGKILL) == -signal.SIGKILL
    before = imported(ledger)
    assert 0 < before < IMPORTED / 2
    finish(folder, "import", name, into)
    found = rows(ledger)
    assert len(found) > before
    assert found == rows(folder / "from.db")[-len(found) :]
