"""Exported line protocol: what a daemon ships, byte for byte, and real servers take it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from aggregator.results import RESULTS, insert_results
from aggregator.stores.spool import SPOOL, pending_results
from aggregator.transfer.exporting import export
from aggregator.transfer.formats import Format, encoder
from aggregator.transfer.part import Note
from aggregator.transfer.table import Selection, extent
from probes.result import Fault, RateLimit, Verdict
from tests.servers.influxdb import Influxdb
from tests.servers.victoria_metrics import VictoriaMetrics
from tests.unit.aggregator.samples import result, stream, timeout

FROM = 1_700_000_000.0
LIMITS = (RateLimit("requests", 10_000, 9_999, 6.0), RateLimit("tokens", None, 5, None))


class Kept:
    """A stream that keeps what is written to it."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes, /) -> None:
        self.data += data

    def keep(self, note: Note, /) -> Note:
        return note


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """Return a ledger's tables with results of every make, hostile words among them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join((*RESULTS.migrations, *SPOOL.migrations)))
        made = [
            result(slot=1, at=FROM + 0.123456, rate_limits=LIMITS, status=200),
            stream(0.3, 0.9, 21, slot=2, at=FROM + 1, model='a, b="c"', cost_usd=1e-6),
            timeout(30.0, slot=3, at=FROM + 2, detail='said "no"\\\nand, = went ä€😀'),
            result(slot=4, at=FROM + 3, verdict=Verdict.THROTTLED, fault=Fault.ACCOUNT),
        ]
        insert_results(connection, made)
        yield connection


def exported(ledger: sqlite3.Connection) -> bytes:
    """Export all of it as lines, three rows to a page."""
    how, kept, everything = encoder(Format.LINES), Kept(), Selection(0.0, 4e9)
    lies = extent(ledger, everything)
    note = Note("", Format.LINES, everything, lies.after, lies.last)
    export(ledger, note, how, kept, lambda _: None, page_rows=3)
    return how.head + kept.data + how.end


def write(url: str, token: str, org: str, bucket: str, lines: bytes) -> None:
    """Write with the unmodified client."""

    async def run() -> None:
        async with InfluxDBClientAsync(url, token, org=org) as client:
            await client.write_api().write(bucket, record=lines.decode())

    asyncio.run(run())


def test_they_are_what_is_shipped(ledger: sqlite3.Connection) -> None:
    """The same points, byte for byte: whoever writes both has each of them once."""
    shipped = pending_results(ledger, 0, 100).lines
    assert len(shipped) == 4
    assert exported(ledger) == b"".join(line + b"\n" for line in shipped)


def test_influxdb_takes_them(ledger: sqlite3.Connection, influxdb: Influxdb) -> None:
    """All of them, at their microsecond, and once more without a second copy."""
    for _ in range(2):
        write(influxdb.url, influxdb.token, influxdb.org, influxdb.bucket, exported(ledger))
    rows = influxdb.query("SELECT * FROM api_probe")
    assert [int(str(row["time"])) // 1_000 for row in rows] == [
        round((FROM + at) * 1e6) for at in (0.123456, 1, 2, 3)
    ]
    assert rows[1]["model"] == 'a, b="c"'
    assert len([row for row in rows if row["verdict"] == "timeout"]) == 1


def test_victoria_metrics_takes_them(
    ledger: sqlite3.Connection, victoria_metrics: VictoriaMetrics
) -> None:
    """None is invalid, and every latency is there."""
    write(victoria_metrics.url, "any", "any", "any", exported(ledger))
    stored = victoria_metrics.stored("api_probe_latency_ms")
    assert sum(len(series["values"]) for series in stored) == 4  # type: ignore[arg-type]  # JSON
    assert victoria_metrics.invalid_rows() == 0
