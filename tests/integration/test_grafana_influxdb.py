"""The dashboard of single results, asked of a real InfluxDB."""

import re
import time
from dataclasses import replace
from pathlib import Path

from probes.result import Fault, Verdict
from tests.dashboards.results import RESULTS
from tests.integration.test_rebuild_influxdb import written
from tests.servers.influxdb import Influxdb
from tests.unit.aggregator.samples import result, stream

BAD = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER, "detail": "HTTPError: 500"}
OURS = {"verdict": Verdict.CONNECT_ERROR, "fault": Fault.NETWORK, "total_s": 0.1}


def filled(ask: str) -> str:
    """Put values in the place of Grafana's variables, as its InfluxQL editor does."""
    values = {
        "$timeFilter": "time >= now() - 6h and time <= now()",
        "$__interval": "1m",
        "$target": "(chat|other)",
        "$location": "(here)",
    }
    for variable, value in values.items():
        ask = ask.replace(variable, value)
    assert re.findall(r"\$\w", ask) == []
    return ask


async def test_every_panel_answers(tmp_path: Path, influxdb: Influxdb) -> None:
    """Points as the daemon writes them; each query is one InfluxDB takes, and finds them."""
    now = time.time()
    good = {"cost_usd": 0.25, "target": "chat"}
    kinds = (stream(0.5, 2.0, 10, **good), result(**BAD), result(**OURS))
    moments = [now - 60.0 * number for number in range(1, 31)]
    results = [
        replace(kinds[number % len(kinds)], slot=number, slot_at=at, at=at)
        for number, at in enumerate(moments)
    ]
    await written(tmp_path, influxdb, results)
    for variable in RESULTS.variables:
        assert influxdb.query(variable.asks) != []
    figures = {
        panel.title: influxdb.query(filled(query.ask))
        for panel in RESULTS.panels()
        for query in panel.queries
    }
    assert [title for title, rows in figures.items() if not rows] == []
    assert {row["percentile"] for row in figures["Latency, p95"]} == {2000.0}
    assert sum(_whole(row["count"]) for row in figures["Of the provider"]) == 10
    assert sum(_whole(row["count"]) for row in figures["Of anybody else"]) == 10
    assert len(figures["The newest failures"]) == 20
    assert {row["verdict"] for row in figures["The newest failures"]} == {
        "server_error",
        "connect_error",
    }


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
