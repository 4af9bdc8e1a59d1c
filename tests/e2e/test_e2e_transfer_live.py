"""Moving data while a daemon measures: it loses nothing, and nothing is there twice."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores.spool import SPOOL
from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.unit.aggregator.samples import result

ROWS = 12_000
AGO_S = 5 * 3_600.0
"""So long ago the first of the imported results was sent, and the last four minutes later."""
COMMIT_S = 1.0
"""An answer that was sent this long before the daemon stopped has been committed."""
TARGETS = [
    f"name: t{number}, provider: sim, model: gpt-4o-mini, operation: chat" for number in range(10)
]


async def make_file(daemon: DaemonProcess) -> Path:
    """Make a file of results of one of the daemon's targets from before it was there."""
    ledger = Ledger.open(daemon.folder / "other.db", (RESULTS, SPOOL))
    first = time.time() - AGO_S
    old = [
        result(target="t0", location="test", slot=n, at=first + 240.0 * n / ROWS)
        for n in range(ROWS)
    ]
    await ledger.write(lambda c: insert_results(c, old), timeout_s=None)
    await ledger.close()
    config = daemon.folder / "other.yaml"
    config.write_text(daemon.config.read_text().replace("sonde.db", "other.db"))
    file = daemon.folder / "old.csv"
    await sonde(daemon, "export", str(config), "--output", str(file))
    return file


async def sonde(daemon: DaemonProcess, *arguments: str) -> str:
    """Run a command beside the daemon; it must succeed. Return what it says on stdout."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor.cli", *arguments),
        cwd=daemon.folder,
        env={"KEY": "k", "PYTHONPATH": str(Path.cwd()), "HOME": str(daemon.folder), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(100):
        said, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    return said.decode()


async def history(daemon: DaemonProcess) -> list[dict[str, int]]:
    """Return the lines that `sonde history` prints of the target."""
    asked = ("history", "t0", "--config", str(daemon.config), "--since", "6h", "--json")
    found: list[dict[str, int]] = json.loads(await sonde(daemon, *asked))
    return found


@pytest.mark.timeout(240)
async def test_an_import_beside_a_daemon_that_measures(tmp_path: Path) -> None:
    """No result is lost or refused; every imported row is there once, rolled up and to be seen."""
    async with simulated("answer") as provider:
        config = configs.head("1s", "1s") + configs.providers({"sim": provider.base_url})
        daemon = DaemonProcess(tmp_path, config + configs.targets(TARGETS) + configs.QUICK_RULES)
        file = await make_file(daemon)
        async with daemon:
            await wait_until(lambda: len(daemon.events("probe.result")) > 20, "results")
            began = time.time()
            await sonde(daemon, "import", str(file), str(daemon.config))
            ended = time.time()
            lines = await history(daemon)
            await daemon.stop()
            served = [row for row in await provider.log() if row["path"].startswith("/v1/")]
            meanwhile = [row for row in served if began < row["received_at"] < ended]
            assert meanwhile != [], "nothing was measured beside the import"
            settled = {
                row["request_id"]
                for row in served
                if row["completed"] and row["answered_at"] < ended - COMMIT_S
            }
            kept = [row[0] for row in daemon.query("SELECT request_id FROM results WHERE id > 0")]
            assert settled <= set(kept), "a result was lost"
            assert len(kept) == len(set(kept))
            assert daemon.events("ledger.write_failed") == []
            assert daemon.query(
                "SELECT count(*), count(DISTINCT slot) FROM results WHERE id < 0"
            ) == [(ROWS, ROWS)]
            assert sum(line["n"] for line in lines) >= ROWS
            # The next daemon's first turn takes in what was imported.
            await daemon.start()
            await wait_until(
                lambda: daemon.query("SELECT imported FROM rollup_cursor") == [(-ROWS,)],
                "roll-ups of what was imported",
                limit_s=90,
            )
            lines = await history(daemon)
            old = [line for line in lines if line["at"] < began - 3_600]
            assert sum(line["n"] for line in old) == ROWS
            assert await daemon.stop() == 0


@pytest.mark.timeout(240)
async def test_an_export_beside_a_daemon_that_measures_and_deletes(tmp_path: Path) -> None:
    """Its rows are results that were there, each of them once; what came later is not in it."""
    async with simulated("answer") as provider:
        config = configs.head("1s", "1s") + configs.providers({"sim": provider.base_url})
        daemon = DaemonProcess(tmp_path, config + configs.targets(TARGETS) + configs.QUICK_RULES)
        file = await make_file(daemon)
        await sonde(daemon, "import", str(file), str(daemon.config))
        kept = daemon.config.read_text()
        daemon.config.write_text(kept.replace("sonde.db}", "sonde.db, retention: {results: 4h}}"))
        async with daemon:
            await wait_until(lambda: len(daemon.events("probe.result")) > 20, "results")
            output = tmp_path / "rows.csv"
            await sonde(daemon, "export", str(daemon.config), "--output", str(output))
            assert await daemon.stop() == 0
        _, *rows = output.read_text().splitlines()
        assert len(rows) == len(set(rows)) > 20
        assert daemon.events("ledger.write_failed") == []
