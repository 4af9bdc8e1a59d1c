"""One suite over every store that remembers: the same question has the same answer.

The ledger is asked with nothing rolled up, with all of it, and with the seam in the middle.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import pytest

from aggregator.drift import DRIFT, save_sightings
from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_result, insert_results, insert_skip
from aggregator.rollup.bucket import Point
from aggregator.rollup.folding import fold
from aggregator.rollup.sketch import ERROR_RATIO
from aggregator.rollup.table import ROLLUPS
from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination
from aggregator.stores.history import (
    MOST_RESULTS,
    Drifted,
    History,
    HistoryError,
    Trouble,
)
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxdb_points import PAGE_ROWS
from aggregator.stores.influxql import Influxql
from aggregator.stores.ledger_history import LedgerHistory
from aggregator.stores.rebuild import REBUILD, take
from aggregator.stores.rebuild import begin as begin_ledger
from aggregator.stores.sifting import Sifting
from aggregator.stores.spool import SPOOL, begin, pending_results
from probes.drift import DriftKind, Sighting
from probes.result import Failing, Fault, ProbeResult, SkipReason, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Slot
from tests.servers.influxdb import Influxdb
from tests.unit.aggregator.samples import result, stream, timeout

START = 1_763_000_040
"""The beginning of a minute."""

NOTHING_DONE: Final = "SELECT 1"


class Remember(Protocol):
    """Puts results into a store and returns its history."""

    async def __call__(self, results: Sequence[ProbeResult], then: str = NOTHING_DONE) -> History:
        """`then` is done to the ledger's rows before anybody else takes them."""
        ...


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger with its threads."""
    made = Ledger.open(tmp_path / "ledger.db", (RESULTS, SPOOL, ROLLUPS, DRIFT, REBUILD))
    yield made
    await made.close()


async def in_the_ledger(
    ledger: Ledger,
    results: Sequence[ProbeResult],
    then: str = NOTHING_DONE,
    *,
    rolled_up: float = 0.0,
) -> History:
    """Commit results, roll up this part of them, and return the ledger's history."""
    await ledger.write(lambda c: insert_results(c, results), timeout_s=None)
    await ledger.write(lambda c: c.execute(then).rowcount)
    rows = round(len(results) * rolled_up)
    if rows:
        await ledger.write(lambda c: fold(c, rows), timeout_s=None)
    return LedgerHistory(ledger.read, "here")


ROLLED_UP: Final = {"results": 0.0, "roll-ups": 1.0, "both": 0.5}


@pytest.fixture(params=[*ROLLED_UP, "influxdb"])
async def remember(request: pytest.FixtureRequest, ledger: Ledger) -> AsyncIterator[Remember]:
    """Return a function that puts results into a store and returns its history."""
    if request.param in ROLLED_UP:
        yield partial(in_the_ledger, ledger, rolled_up=ROLLED_UP[request.param])
        return
    influxdb: Influxdb = request.getfixturevalue("influxdb")
    place = Destination(influxdb.url, influxdb.org, influxdb.bucket)
    token = SecretSource(value=Secret(influxdb.token))
    influxql, writer = Influxql(place, token), open_influxdb(place, token)

    async def in_influxdb(results: Sequence[ProbeResult], then: str = NOTHING_DONE) -> History:
        await in_the_ledger(ledger, results, then)
        await ledger.write(lambda c: begin(c, place))
        batch = await ledger.read(
            lambda c: pending_results(c, None, MOST_RESULTS + 10), timeout_s=None
        )
        if batch.lines:
            await Sifting(writer, batch.lines, lambda *_said: None).run()
        return InfluxdbHistory(influxql, "here")

    yield in_influxdb
    await influxql.close()
    await writer.close()


def at(second: float, **said: object) -> ProbeResult:
    """Return a result sent so many seconds after START."""
    return result(at=START + second, slot=round(second * 1000), **said)


async def minutes(history: History, since: int, until: int, target: str = "chat") -> list[Point]:
    """Ask for a range, minute by minute."""
    return await history.range(target, since, until, 60)


def near(value: float) -> float:
    """Return what equals a value as a sketch tells it."""
    return pytest.approx(value, rel=ERROR_RATIO)  # type: ignore[no-any-return]  # has no types


async def test_a_minute_of_results(remember: Remember) -> None:
    """Number, mean, nearest-rank lower percentiles within the sketch's error, rate and cost."""
    history = await remember([at(n, total_s=(n + 1) / 10, cost_usd=0.25) for n in range(20)])
    (minute,) = await minutes(history, START, START + 60)
    summary = minute.summary
    assert (minute.at, minute.over_s) == (START, 60)
    assert (summary.n, summary.failures, summary.rate_per_min) == (20, 0, 20.0)
    assert summary.cost_usd == pytest.approx(5.0)
    assert summary.latency is not None
    assert summary.latency.mean == pytest.approx(1.05)
    assert summary.latency.quantiles == {0.5: near(1.0), 0.95: near(1.9), 0.99: near(1.9)}
    assert summary.latency.censored_from is None


async def test_minutes_without_results_are_not_there(remember: Remember) -> None:
    """Each result is in the minute in which it was sent, whatever the order of commits."""
    history = await remember([at(130.5), at(59.999), at(0.0), at(59.0)])
    found = await minutes(history, START, START + 600)
    assert [(minute.at - START, minute.summary.n) for minute in found] == [(0, 3), (120, 1)]


async def test_the_span_is_half_open_and_made_of_whole_steps(remember: Remember) -> None:
    """What was sent at `until` belongs to the next question; a step begun is told whole."""
    history = await remember([at(-0.5), at(0.0), at(70.0), at(119.5), at(120.0)])
    found = await minutes(history, START + 10, START + 100)
    assert [(minute.at - START, minute.summary.n) for minute in found] == [(0, 1), (60, 2)]
    assert [m.summary.n for m in await minutes(history, START, START + 60)] == [1]


async def test_a_step_is_made_of_whole_minutes(remember: Remember) -> None:
    """Nothing finer is rolled up."""
    history = await remember([])
    for step_s in (0, 30, 90):
        with pytest.raises(ValueError, match="steps are whole minutes"):
            await history.range("chat", START, START + 60, step_s)


async def test_coarser_steps_hold_all_that_finer_ones_do(remember: Remember) -> None:
    """Across the seam between roll-ups and results nothing is missing and nothing twice."""
    history = await remember([at(n * 25.0, total_s=1 + n % 7) for n in range(400)])
    span = (START, START + 10_000)
    for step_s in (60, 300, 3_600, 86_400):
        found = await history.range("chat", *span, step_s)
        assert sum(point.summary.n for point in found) == 400
        assert all(point.at % step_s == 0 for point in found)
    whole = await history.percentiles("chat", *span)
    assert (whole.n, whole.over_s) == (400, 10_500)  # both ends at whole steps of 5 minutes
    assert whole.latency is not None
    assert whole.latency.max == 7.0
    assert whole.latency.quantiles[0.5] == near(4.0)


async def test_too_few_results_state_no_percentile(remember: Remember) -> None:
    """Four: a mean and no more. Five: a p95. A p99 takes twenty."""
    history = await remember([*(at(n) for n in range(4)), *(at(60 + n) for n in range(5))])
    four, five = (m.summary.latency for m in await minutes(history, START, START + 120))
    assert four is not None
    assert five is not None
    assert (four.mean, four.quantiles) == (1.0, {})
    assert (five.mean, five.quantiles) == (1.0, {0.5: near(1.0), 0.95: near(1.0)})


ODD = [
    at(1, total_s=1.0),
    at(2, total_s=3.0, verdict=Verdict.CONTENT_MISMATCH, fault=Fault.PROVIDER),
    timeout(5.0, at=START + 3, slot=3),
    at(4, total_s=9.0, verdict=Verdict.RESET, fault=Fault.NETWORK),
    at(5, total_s=9.0, verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR),
    at(6, total_s=9.0, latency_tainted=True),
    at(7, total_s=9.0, attempt=2, cost_usd=0.5),
    at(8, total_s=9.0, target="another"),
    at(9, total_s=9.0, location="elsewhere"),
    stream(0.5, 2.0, 10, at=START + 10, slot=10),
]


async def test_what_counts_where(remember: Remember) -> None:
    """Latency is of complete answers and timeouts, rates of first attempts, money of all."""
    history = await remember(ODD)
    (minute,) = await minutes(history, START, START + 60)
    summary = minute.summary
    assert (summary.n, summary.failures, summary.tainted) == (6, 3, 1)
    assert summary.by_fault == {Fault.NONE: 3, Fault.PROVIDER: 2, Fault.NETWORK: 1}
    assert summary.cost_usd == 0.5
    assert summary.latency is not None
    assert summary.latency.mean == (1 + 3 + 5 + 2) / 4
    assert summary.latency.censored_from == near(5.0)
    assert summary.first_token is not None
    assert summary.first_token.mean == 0.5
    assert summary.inter_token is not None
    assert summary.inter_token.mean == pytest.approx(1.5 / 9)


async def test_uptime_is_the_providers_and_all(remember: Remember) -> None:
    """Of six outcomes three are ok; of the five that tell about the provider likewise three.

    What a store is not told of slots without a probe, it does not claim to know.
    """
    history = await remember(ODD)
    found = await history.uptime("chat", START, START + 60)
    assert (found.n, found.ratio, found.provider_ratio) == (6, 0.5, 0.6)
    assert found.due == (7 if history.knows_skips else None)


async def test_troubles_are_failures_in_a_row(remember: Remember) -> None:
    """By fault, from the first until what ended them; confirming attempts and our own are none."""
    lost = {"verdict": Verdict.RESET, "fault": Fault.NETWORK}
    down = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}
    results = [
        at(0),
        at(10, **down, request_id="a"),
        at(12, attempt=2),
        at(20, verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR),
        at(30, **down, request_id="b"),
        at(40, **lost),
        at(50),
        at(55),
        at(60, **down, target="another"),
        at(70, **lost),
        at(80, **lost),
    ]
    history = await remember(results)
    found = (await history.events("chat", START, START + 80)).troubles
    ids = ("a", "b") if history.knows_skips else ()
    assert found == [
        Trouble(Fault.PROVIDER, START + 10, START + 40, 2, ids),
        Trouble(Fault.NETWORK, START + 40, START + 50, 1),
        Trouble(Fault.NETWORK, START + 70, None, 1),
    ]


async def test_skips_are_in_the_ledgers_uptime(ledger: Ledger) -> None:
    """Rolled up or not: a missed slot was due, a refused one counts as what it would have been."""
    refused = Failing(Verdict.SERVER_ERROR, Fault.PROVIDER)
    history = await in_the_ledger(ledger, [at(0)])
    for number in (1, 2):
        for slot, reason, failing in (
            (number * 10, SkipReason.LATE, None),
            (number * 10 + 1, SkipReason.BREAKER, refused),
        ):
            skipped = partial(
                insert_skip,
                target="chat",
                location="here",
                slot=Slot(slot, 0.0),
                reason=reason,
                at=START + slot,
                failing=failing,
            )
            await ledger.write(skipped)
        found = await history.uptime("chat", START, START + 60)
        assert (found.n, found.missed, found.ratio) == (1 + number, number, 1 / (1 + number))
        await ledger.write(lambda c: fold(c, 100))
        assert await history.uptime("chat", START, START + 60) == found


async def test_what_was_missed_before_a_rebuilt_ledger_began_is_unknown(ledger: Ledger) -> None:
    """The store it came back from was told of no skips; from then on nothing is unknown."""
    await ledger.write(lambda c: begin_ledger(c, START * 10**9))
    history = await in_the_ledger(ledger, [at(0)])
    before = START - 60
    assert (await history.uptime("chat", before, START + 60)).missed == 0
    rebuilt = partial(take, target="chat", location="here", minutes={}, left_ns=None)
    await ledger.write(partial(rebuilt, until_ns=START * 10**9))
    assert (await history.uptime("chat", before, START + 60)).missed is None
    assert (await history.uptime("chat", START, START + 60)).missed == 0
    assert (await history.uptime("another", before, START + 60)).missed == 0


async def test_roll_ups_outlive_results(ledger: Ledger) -> None:
    """What is beyond the results that are kept is told all the same."""
    history = await in_the_ledger(ledger, [at(n) for n in range(30)], rolled_up=1.0)
    before = await minutes(history, START, START + 60)
    await ledger.write(lambda c: c.execute("DELETE FROM results").rowcount)
    assert await minutes(history, START, START + 60) == before
    assert before[0].summary.n == 30


async def test_imported_results_are_there(ledger: Ledger) -> None:
    """Their numbers are below 0, and no roll-up has them."""
    history = await in_the_ledger(ledger, [at(0)], rolled_up=1.0)

    def take_in(connection: sqlite3.Connection) -> None:
        insert_result(connection, at(1))
        connection.execute("UPDATE results SET id = -1 WHERE id = 2")

    await ledger.write(take_in)
    assert [minute.summary.n for minute in await minutes(history, START, START + 60)] == [2]


@pytest.mark.parametrize("column", ["fault", "verdict"])
async def test_words_of_a_newer_version_are_left_out(remember: Remember, column: str) -> None:
    """A result with a word that this version does not know is in no figure; its mates are."""
    moon = f"UPDATE results SET {column} = 'moon' WHERE id = 2"
    history = await remember([at(0), at(1, total_s=9.0), at(2)], moon)
    assert (await history.percentiles("chat", START, START + 60)).n == 2
    assert (await history.events("chat", START, START + 60)).troubles == []


async def test_two_results_of_one_moment_are_two(remember: Remember) -> None:
    """A clock that is set back gives the same microsecond to two slots."""
    history = await remember([at(1, total_s=1.0), replace(at(1, total_s=3.0), slot=7)])
    found = await history.percentiles("chat", START, START + 60)
    assert found.latency is not None
    assert (found.n, found.latency.mean) == (2, 2.0)


async def test_each_location_has_a_past_of_its_own(remember: Remember) -> None:
    """A trouble seen from elsewhere is none of ours, and ends none of ours."""
    down = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}
    elsewhere = [at(n, location="elsewhere", **(down if n % 2 else {})) for n in range(40)]
    history = await remember([*elsewhere, at(10.5), at(20.5, **down), at(22.5, **down)])
    (trouble,) = (await history.events("chat", START, START + 60)).troubles
    assert (trouble.since, trouble.until, trouble.n) == (START + 20.5, None, 2)
    assert (await history.uptime("chat", START, START + 60)).n == 3


async def test_events_begin_and_end_where_they_are_asked_to(remember: Remember) -> None:
    """To the second, not to the step: what was sent at `until` is not in it, at `since` it is."""
    down = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}
    history = await remember([at(n, **down) for n in (7, 17, 27, 37)])
    (trouble,) = (await history.events("chat", START + 17, START + 37)).troubles
    assert (trouble.since, trouble.n) == (START + 17, 2)


async def test_a_whole_time_is_widened_to_its_steps(remember: Remember) -> None:
    """A question that begins and ends inside steps of five minutes is told both of them whole."""
    begin_at = START // 300 * 300
    history = await remember([at(begin_at - START + n) for n in (-1, 1, 299, 7_499, 7_500)])
    found = await history.percentiles("chat", begin_at + 200, begin_at + 7_300)
    assert (found.n, found.over_s) == (3, 7_500)


async def test_drift_is_in_the_ledgers_events(ledger: Ledger) -> None:
    """What stood there, what stands there now, and when; a first value is no change."""
    history = await in_the_ledger(ledger, [])
    kind = DriftKind.FINGERPRINT
    seen = [
        Sighting("chat", "m", kind, None, "a", START),
        Sighting("chat", "m", kind, "a", "b", START + 5),
        Sighting("another", "m", kind, "a", "b", START + 6),
        Sighting("chat", "m", kind, "b", "c", START + 60),
    ]
    await ledger.write(lambda c: save_sightings(c, seen))
    found = await history.events("chat", START, START + 60)
    assert found.drifts == [Drifted(START + 5, kind.value, "a", "b")]


@pytest.mark.parametrize(
    "name",
    [
        "it's",
        "a b,c=d",
        "' OR '1'='1",
        '"x"',
        "ü",
        "$since",
        r"\' OR 1=1",
        "end\\",
        "a\nb",
        "a\\ b",
        "\\",
    ],
)
async def test_names_are_bound_and_not_pasted(remember: Remember, name: str) -> None:
    """Whatever a target is called, it is asked for itself alone."""
    history = await remember([at(1), at(2, target=name)])
    found = await minutes(history, START, START + 60, name)
    assert [minute.summary.n for minute in found] == [1]


async def test_nothing_is_an_answer(remember: Remember) -> None:
    """A target nobody knows has no minutes."""
    history = await remember([at(1)])
    assert await minutes(history, START, START + 60, "nobody") == []
    assert (await history.events("nobody", START, START + 60)).troubles == []
    assert (await history.uptime("nobody", START, START + 60)).ratio is None


async def test_more_than_one_page(remember: Remember) -> None:
    """Where a store answers in pages, all of them are read, and no result twice."""
    number = 4 * PAGE_ROWS + 7
    history = await remember([at(n / 1000) for n in range(number)])
    (minute,) = await minutes(history, START, START + 60)
    assert minute.summary.n == number


async def test_both_stores_say_the_same(ledger: Ledger, influxdb: Influxdb) -> None:
    """To the last bit: the figures are made of the same samples in the same way."""
    place = Destination(influxdb.url, influxdb.org, influxdb.bucket)
    token = SecretSource(value=Secret(influxdb.token))
    influxql, writer = Influxql(place, token), open_influxdb(place, token)
    results = [at(n * 1.7, total_s=0.1 + (n * 7919 % 1000) / 997) for n in range(500)]
    kept = await in_the_ledger(ledger, results)
    await ledger.write(lambda c: begin(c, place))
    batch = await ledger.read(lambda c: pending_results(c, None, 1_000))
    await Sifting(writer, batch.lines, lambda *_said: None).run()
    written = InfluxdbHistory(influxql, "here")
    span = ("chat", START, START + 900)
    assert await kept.range(*span, 60) == await written.range(*span, 60)
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
        await InfluxdbHistory(influxql, "here").range("chat", START, START + 60, 60)
    await influxql.close()
    assert told in str(caught.value)
    assert token not in str(caught.value)
