"""One suite over every store that remembers: the same question has the same answer."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination
from aggregator.stores.history import MOST_RESULTS, History, HistoryError, Minute
from aggregator.stores.influxdb_history import PAGE_ROWS, InfluxdbHistory
from aggregator.stores.influxql import Influxql
from aggregator.stores.ledger_history import LedgerHistory
from aggregator.stores.sifting import Sifting
from aggregator.stores.spool import SPOOL, begin, pending_results
from probes.result import Fault, ProbeResult, Verdict
from probes.secret import Secret, SecretSource
from tests.servers.influxdb import Influxdb
from tests.unit.aggregator.samples import result, stream, timeout

START = 1_763_000_040
"""The beginning of a minute."""

Remember = Callable[[Sequence[ProbeResult]], Awaitable[History]]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger with its threads."""
    made = Ledger.open(tmp_path / "ledger.db", (RESULTS, SPOOL))
    yield made
    await made.close()


async def in_the_ledger(ledger: Ledger, results: Sequence[ProbeResult]) -> History:
    """Commit results and return the ledger's history."""
    await ledger.write(lambda c: insert_results(c, results), timeout_s=None)
    return LedgerHistory(ledger.read, "here")


@pytest.fixture(params=["ledger", "influxdb"])
async def remember(request: pytest.FixtureRequest, ledger: Ledger) -> AsyncIterator[Remember]:
    """Return a function that puts results into a store and returns its history."""
    if request.param == "ledger":
        yield partial(in_the_ledger, ledger)
        return
    influxdb: Influxdb = request.getfixturevalue("influxdb")
    place = Destination(influxdb.url, influxdb.org, influxdb.bucket)
    token = SecretSource(value=Secret(influxdb.token))
    influxql, writer = Influxql(place, token), open_influxdb(place, token)

    async def in_influxdb(results: Sequence[ProbeResult]) -> History:
        await in_the_ledger(ledger, results)
        await ledger.write(lambda c: begin(c, place))
        batch = await ledger.read(
            lambda c: pending_results(c, None, MOST_RESULTS + 10), timeout_s=None
        )
        if batch.lines:
            await Sifting(writer, batch.lines, lambda _outcome, _lines: None).run()
        return InfluxdbHistory(influxql, "here")

    yield in_influxdb
    await influxql.close()
    await writer.close()


def at(second: float, **said: object) -> ProbeResult:
    """Return a result sent so many seconds after START."""
    return result(at=START + second, slot=round(second * 1000), **said)


async def test_a_minute_of_results(remember: Remember) -> None:
    """Number, errors, mean and nearest-rank lower percentiles, in milliseconds."""
    history = await remember([at(n, total_s=(n + 1) / 10) for n in range(20)])
    (minute,) = await history.per_minute("chat", START, START + 60)
    assert minute == Minute(
        at=START,
        n=20,
        errors=0,
        mean=pytest.approx(1050.0),  # type: ignore[arg-type]  # a figure, nearly
        p50=pytest.approx(1000.0),  # type: ignore[arg-type]
        p95=pytest.approx(1900.0),  # type: ignore[arg-type]
        p99=pytest.approx(1900.0),  # type: ignore[arg-type]
        censored_from=None,
    )


async def test_minutes_without_results_are_not_there(remember: Remember) -> None:
    """Each result is in the minute in which it was sent, whatever the order of commits."""
    history = await remember([at(130.5), at(59.999999), at(0.0)])
    found = await history.per_minute("chat", START, START + 600)
    assert [(minute.at - START, minute.n) for minute in found] == [(0, 2), (120, 1)]


async def test_the_span_is_half_open(remember: Remember) -> None:
    """What was sent at `until` belongs to the next question."""
    history = await remember([at(0.0), at(10.0), at(20.0)])
    (minute,) = await history.per_minute("chat", START + 10, START + 20)
    assert minute.n == 1


async def test_too_few_results_state_no_percentile(remember: Remember) -> None:
    """Four: a mean and no more. Five: a p95. A p99 takes twenty."""
    history = await remember([*(at(n) for n in range(4)), *(at(60 + n) for n in range(5))])
    four, five = await history.per_minute("chat", START, START + 120)
    assert (four.mean, four.p50, four.p95, four.p99) == (1000.0, None, None, None)
    assert (five.mean, five.p50, five.p95, five.p99) == (1000.0, 1000.0, 1000.0, None)


async def test_whose_latency_counts(remember: Remember) -> None:
    """Complete answers and timeouts; failures count as errors alone, our own in nothing."""
    history = await remember(
        [
            at(1, total_s=1.0),
            at(2, total_s=3.0, verdict=Verdict.CONTENT_MISMATCH, fault=Fault.PROVIDER),
            timeout(5.0, at=START + 3, slot=3),
            at(4, total_s=9.0, verdict=Verdict.RESET, fault=Fault.NETWORK),
            at(5, total_s=9.0, verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR),
            at(6, total_s=9.0, latency_tainted=True),
            at(7, total_s=9.0, attempt=2),
            at(8, total_s=9.0, target="another"),
            at(9, total_s=9.0, location="elsewhere"),
            stream(0.5, 2.0, 10, at=START + 10, slot=10),
        ]
    )
    (minute,) = await history.per_minute("chat", START, START + 60)
    assert (minute.n, minute.errors) == (6, 3)
    assert minute.mean == (1000 + 3000 + 5000 + 2000) / 4
    assert minute.censored_from == 5000.0


@pytest.mark.parametrize("name", ["it's", "a b,c=d", "' OR '1'='1", '"x"', "ü"])
async def test_names_are_bound_and_not_pasted(remember: Remember, name: str) -> None:
    """Whatever a target is called, it is asked for itself alone."""
    history = await remember([at(1), at(2, target=name)])
    found = await history.per_minute(name, START, START + 60)
    assert [minute.n for minute in found] == [1]


async def test_nothing_is_an_answer(remember: Remember) -> None:
    """A target nobody knows has no minutes."""
    history = await remember([at(1)])
    assert await history.per_minute("nobody", START, START + 60) == []


async def test_more_than_one_page(remember: Remember) -> None:
    """Where a store answers in pages, all of them are read, and no result twice."""
    number = PAGE_ROWS + 7
    history = await remember([at(n / 1000) for n in range(number)])
    (minute,) = await history.per_minute("chat", START, START + 60)
    assert minute.n == number


async def test_both_stores_say_the_same(ledger: Ledger, influxdb: Influxdb) -> None:
    """To the last bit: the figures are made of the same samples in the same way."""
    place = Destination(influxdb.url, influxdb.org, influxdb.bucket)
    token = SecretSource(value=Secret(influxdb.token))
    influxql, writer = Influxql(place, token), open_influxdb(place, token)
    results = [at(n * 1.7, total_s=0.1 + (n * 7919 % 1000) / 997) for n in range(500)]
    kept = await in_the_ledger(ledger, results)
    await ledger.write(lambda c: begin(c, place))
    batch = await ledger.read(lambda c: pending_results(c, None, 1_000))
    await Sifting(writer, batch.lines, lambda _outcome, _lines: None).run()
    written = InfluxdbHistory(influxql, "here")
    span = ("chat", START, START + 900)
    assert await kept.per_minute(*span) == await written.per_minute(*span)
    await influxql.close()
    await writer.close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"token": "admin:wrong"}, "answered 401: "),
        ({"bucket": "nope"}, "database not found: nope"),
        ({"url": "http://127.0.0.1:9"}, "ConnectError"),
    ],
)
async def test_influxdb_that_does_not_answer_says_why(
    influxdb: Influxdb, said: dict[str, str], told: str
) -> None:
    """One line for people, without the token."""
    place = Destination(said.get("url", influxdb.url), "", said.get("bucket", influxdb.bucket))
    token = said.get("token", influxdb.token)
    influxql = Influxql(place, SecretSource(value=Secret(token)))
    with pytest.raises(HistoryError) as caught:
        await InfluxdbHistory(influxql, "here").per_minute("chat", START, START + 60)
    await influxql.close()
    assert told in str(caught.value)
    assert token not in str(caught.value)
