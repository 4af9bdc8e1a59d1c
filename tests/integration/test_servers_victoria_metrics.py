"""VictoriaMetrics reads the same lines, and is as lenient as it is said to be."""

import asyncio

import pytest
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from tests.servers.victoria_metrics import VictoriaMetrics

AT_MS = 1_700_000_000_123
LINES = f"probe,target=a ms=1.5,n=2i {AT_MS}000000\nprobe,target=b ms=2.5 {AT_MS}000000"


def write(server: VictoriaMetrics, lines: str, *, gzip: bool = False) -> None:
    """Write with the unmodified client."""

    async def run() -> None:
        async with InfluxDBClientAsync(
            server.url, "any token", org="any", enable_gzip=gzip
        ) as client:
            await client.write_api().write("any", record=lines)

    asyncio.run(run())


@pytest.mark.parametrize("gzip", [False, True])
def test_lines_become_metrics(victoria_metrics: VictoriaMetrics, gzip: bool) -> None:
    """Each field is a metric with the tags as labels, at the line's time, and can be asked for."""
    assert victoria_metrics.query("probe_ms", at_s=AT_MS / 1000) == []
    write(victoria_metrics, LINES, gzip=gzip)
    series = {
        str(each["metric"]): (each["values"], each["timestamps"])
        for each in victoria_metrics.stored('{__name__=~"probe_.*"}')
    }
    assert series == {
        str({"__name__": "probe_ms", "target": "a"}): ([1.5], [AT_MS]),
        str({"__name__": "probe_n", "target": "a"}): ([2], [AT_MS]),
        str({"__name__": "probe_ms", "target": "b"}): ([2.5], [AT_MS]),
    }
    found = victoria_metrics.query('probe_ms{target="b"}', at_s=AT_MS / 1000 + 1)
    assert [each["value"][1] for each in found] == ["2.5"]


def test_bad_lines_are_counted_not_refused(victoria_metrics: VictoriaMetrics) -> None:
    """204 says nothing here: the counter of invalid rows does."""
    assert victoria_metrics.invalid_rows() == 0
    write(victoria_metrics, f"no line\n{LINES}\nnor this")
    assert victoria_metrics.invalid_rows(at_least=2) == 2
    assert len(victoria_metrics.stored("probe_ms")) == 2
