"""What a VictoriaMetrics that took our points says when it is asked as the manual says."""

import re
from pathlib import Path
from typing import Final

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination
from aggregator.stores.history import HistoryError
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxql import Influxql
from aggregator.stores.sifting import Sifting
from aggregator.stores.spool import SPOOL, begin, pending_results
from monitor.config.values import Influxdb
from monitor.connect import ConnectError, connect
from probes.result import Fault, Verdict
from tests.servers.victoria_metrics import VictoriaMetrics
from tests.unit.aggregator.samples import result

START: Final = 1_763_000_040
MANUAL: Final = Path(__file__).parents[2] / "docs" / "influxdb.md"
LEAST_LOWER, MOST_ABOVE = 0.85, 1.15
"""18 buckets a decade: https://github.com/VictoriaMetrics/metrics, histogram.go."""


def manual() -> dict[str, str]:
    """Return the questions of the manual's section, by what they are said to tell."""
    (_, section) = MANUAL.read_text().split("## VictoriaMetrics\n")
    question = r"^([^\n]+):\n\n<!--[^\n]+\n```promql\n(.+?)```"
    found = re.findall(question, section, re.MULTILINE | re.DOTALL)
    return {name: " ".join(query.split()) for name, query in found}


@pytest.fixture
async def asked(tmp_path: Path, victoria_metrics: VictoriaMetrics) -> VictoriaMetrics:
    """Return a server that was told of 100 results, among them every kind that does not count."""
    down = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}
    results = [
        *(result(at=START + n, slot=n, total_s=1 + n / 10) for n in range(80)),
        *(result(at=START + n, slot=n, total_s=0.01, **down) for n in range(80, 100)),
        *(result(at=START + n, slot=n, attempt=2, total_s=99.0, **down) for n in range(20)),
        *(result(at=START + n, slot=n, total_s=99.0, target="other") for n in range(20)),
        result(at=START + 101, slot=101, verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR),
    ]
    ledger = Ledger.open(tmp_path / "ledger.db", (RESULTS, SPOOL), inline=True)
    place = Destination(victoria_metrics.url, "any", "any")
    await ledger.write(lambda c: insert_results(c, results))
    await ledger.write(lambda c: begin(c, place))
    batch = await ledger.read(lambda c: pending_results(c, None, 1_000))
    writer = open_influxdb(place, None)
    await Sifting(writer, batch.lines, lambda *_said: None).run()
    await writer.close()
    await ledger.close()
    victoria_metrics.stored('api_probe_latency_ms{target="chat",attempt="1",fault="none"}')
    victoria_metrics.stored('api_probe_latency_ms{target="other"}')
    return victoria_metrics


def answer(server: VictoriaMetrics, question: str) -> float:
    """Ask one of the manual's questions at the end of the hour that has the results."""
    (found,) = server.query(manual()[question], at_s=START + 3_000)
    value = found["value"]
    assert isinstance(value, list)
    return float(value[1])


async def test_the_error_rate_is_ours(asked: VictoriaMetrics) -> None:
    """Of first attempts, and none that we ourselves failed."""
    assert answer(asked, "error rate of an hour") == pytest.approx(0.2)


async def test_the_latency_is_of_answers_within_a_bucket(asked: VictoriaMetrics) -> None:
    """Quick failures, confirming attempts and other targets are not in it: 7.5 to 9 s."""
    p95_ms = answer(asked, "p95 of the latency of an hour, in milliseconds")
    assert 8_500 * LEAST_LOWER <= p95_ms <= 8_500 * MOST_ABOVE


async def test_reading_it_back_is_refused_in_words(victoria_metrics: VictoriaMetrics) -> None:
    """It answers every question with a list of databases: that is neither points nor a marker."""
    place = Destination(victoria_metrics.url, "any", "any")
    influxql = Influxql(place, None)
    with pytest.raises(HistoryError, match="reading takes InfluxDB"):
        await InfluxdbHistory(influxql, "here").range("chat", START, START + 60, 60)
    await influxql.close()
    with pytest.raises(ConnectError, match="takes what is written, but cannot be read"):
        await connect(Influxdb(destination=place), "here")
