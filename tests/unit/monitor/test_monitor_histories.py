"""Which History is opened: by configuration, by what is asked for, in a command or a daemon."""

from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError
from aggregator.results import RESULTS, insert_results
from aggregator.rollup.table import ROLLUPS
from aggregator.stores.history import HistoryError
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.spool import SPOOL
from monitor.config.load import load
from monitor.config.values import Config, HistoryStore
from monitor.histories import open_history
from tests.unit.aggregator.samples import result

FRAME = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}]
store: {path: sonde.db@@}
"""
INFLUXDB = ", influxdb: {url: 'http://127.0.0.1:9', bucket: b}, history: influxdb"


def config(folder: Path, said: str = "") -> Config:
    """Load a configuration whose ledger is in `folder`."""
    path = folder / "c.yaml"
    path.write_text(FRAME.replace("@@", said))
    return load(path, {}, cwd=folder, strict=False).config


async def filled(folder: Path) -> Ledger:
    """Return a ledger with three results in it."""
    ledger = Ledger.open(folder / "sonde.db", (RESULTS, SPOOL, ROLLUPS))
    found = [result(slot=n, at=600.0 + n) for n in range(3)]
    await ledger.write(lambda c: insert_results(c, found))
    return ledger


async def test_a_command_and_a_daemon_read_the_same(tmp_path: Path) -> None:
    """The command from the file, while the daemon has it; the daemon through its own reader."""
    ledger = await filled(tmp_path)
    found = config(tmp_path)
    numbers = []
    for read in (None, ledger.read):
        async with open_history(found, read=read) as history:
            for _ in range(2):
                (step,) = await history.range("chat", 600, 660, 60)
                numbers.append(step.summary.n)
    await ledger.close()
    assert numbers == [3, 3, 3, 3]


async def test_the_configured_store_is_asked(tmp_path: Path) -> None:
    """`store.history` decides, and what is asked for decides over it."""
    found = config(tmp_path, INFLUXDB)
    ledger = await filled(tmp_path)
    async with open_history(found) as history:
        assert isinstance(history, InfluxdbHistory)
        with pytest.raises(HistoryError, match="ConnectError"):
            await history.range("chat", 600, 660, 60)
    async with open_history(found, HistoryStore.LEDGER, ledger.read) as history:
        assert (await history.percentiles("chat", 600, 660)).n == 3
    await ledger.close()


async def test_a_store_that_is_not_configured(tmp_path: Path) -> None:
    """It is said so, whoever asks."""
    with pytest.raises(HistoryError, match=r"store\.influxdb: not configured"):
        async with open_history(config(tmp_path), HistoryStore.INFLUXDB):
            pass


async def test_a_ledger_that_cannot_be_read(tmp_path: Path) -> None:
    """Not there; no ledger at all."""
    found = config(tmp_path)
    with pytest.raises(LedgerError, match="is not there: `sonde run` makes it"):
        async with open_history(found):
            pass
    (tmp_path / "sonde.db").write_text("hello" * 1_000)
    async with open_history(found) as history:
        with pytest.raises(LedgerError, match="cannot be read: file is not a database"):
            await history.range("chat", 0, 60, 60)
