"""A daemon whose ledger was damaged while it was down: it watches on, and spends no day twice."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated

PAGE_BYTES = 4096
DAILY_USD = 1.0
TARGET = "name: t, provider: sim, model: gpt-4o-mini, prompt: ping"


def config(base_url: str) -> str:
    return (
        f"budget: {{daily: {DAILY_USD}}}\n"
        + configs.head("500ms", "400ms")
        + configs.providers({"sim": base_url})
        + configs.targets([TARGET])
        + configs.QUICK_RULES
    )


def ruin(path: Path, table: str) -> None:
    """Overwrite the root page of a table, in the file and not in its log."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
        ).fetchone()
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES * (page - 1))
        file.write(b"\xa5" * PAGE_BYTES)


async def begun_anew(daemon: DaemonProcess, table: str) -> None:
    """Kill the daemon once it has probed, damage this table, and start it again."""
    await daemon.start()
    await wait_until(lambda: len(daemon.events("probe.result")) >= 3, "three results")
    daemon.kill()
    ruin(daemon.folder / "sonde.db", table)
    await daemon.start()


@pytest.mark.timeout(120)
async def test_lost_results_stop_no_probes_and_forget_no_money(tmp_path: Path) -> None:
    """The damaged file lies beside the new one, which knows what was drawn today."""
    async with simulated("answer") as provider:
        daemon = DaemonProcess(tmp_path, config(provider.base_url))
        await begun_anew(daemon, "results")
        (told,) = daemon.events("ledger.begun_anew")
        assert (told["lost"], told["budgets_of_today"]) == ([], "known")
        assert told["saved"]["budget_days"] == 1
        assert Path(told["set_aside"]).stat().st_size > 0
        metrics = daemon.get("/metrics").text
        seen = len(daemon.events("probe.result"))
        await wait_until(lambda: len(daemon.events("probe.result")) >= seen + 2, "more results")
        assert await daemon.stop() == 0
    assert "\nsonde_ledger_damaged_files 1.0\n" in metrics
    old = sqlite3.connect(told["set_aside"])
    before = old.execute("SELECT drawn_nusd FROM budget_days").fetchone()
    old.close()
    # What a killed process had drawn stays drawn: the new one gave back only what it drew itself.
    assert daemon.query("SELECT drawn_nusd FROM budget_days")[0] >= before


@pytest.mark.timeout(120)
async def test_where_nobody_knows_what_was_spent_nothing_more_is(tmp_path: Path) -> None:
    """Slots are skipped for the budget until midnight, and it is said why."""
    async with simulated("answer") as provider:
        daemon = DaemonProcess(tmp_path, config(provider.base_url))
        await begun_anew(daemon, "budget_days")
        (told,) = daemon.events("ledger.begun_anew")
        assert (told["lost"], told["budgets_of_today"]) == (["budget_days"], "counted as drawn")
        seen = len(daemon.events("probe.result"))
        await wait_until(lambda: daemon.events("budget.exhausted"), "the budget's end")
        await asyncio.sleep(1.5)
        assert len(daemon.events("probe.result")) == seen
        assert await daemon.stop() == 0
    assert {reason for (reason,) in daemon.query("SELECT reason FROM skips")} == {"budget"}


async def test_a_foreign_file_stays_refused(tmp_path: Path) -> None:
    """It is somebody else's: the daemon ends with 2 and leaves it as it is."""
    daemon = DaemonProcess(tmp_path, config("http://127.0.0.1:9"))
    (tmp_path / "sonde.db").write_bytes(b"somebody's notes\n")
    with pytest.raises(AssertionError, match="it ended with 2"):
        await daemon.start()
    assert (tmp_path / "sonde.db").read_bytes() == b"somebody's notes\n"
