"""A new ledger whose past a real InfluxDB has."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import insert_results
from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxql import Influxql
from aggregator.stores.ledger_history import LedgerHistory
from aggregator.stores.sifting import Sifting
from aggregator.stores.spool import begin, pending_results
from aggregator.window import Windows
from monitor.clock import Clock
from monitor.config.load import load
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.rebuild import PAGE_ROWS, WINDOWS_S, Rebuild
from probes.result import Fault, ProbeResult, Verdict
from probes.secret import Secret, SecretSource
from tests.servers.influxdb import Influxdb
from tests.unit.aggregator.samples import result, stream, timeout

CONFIG = """\
location: here
windows: [1h]
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}, {name: other, provider: p, model: m}]
store: {path: sonde.db, influxdb: {url: "${URL}", token: "${TOKEN}", bucket: "${BUCKET}", org: o}}
"""


def config(folder: Path, influxdb: Influxdb) -> Config:
    """Load a configuration for the server."""
    path = folder / "c.yaml"
    path.write_text(CONFIG)
    environ = {"URL": influxdb.url, "TOKEN": influxdb.token, "BUCKET": influxdb.bucket}
    return load(path, environ, cwd=folder, strict=False).config


async def written(folder: Path, influxdb: Influxdb, results: Sequence[ProbeResult]) -> None:
    """Put results where a daemon of before would have put them."""
    place = Destination(influxdb.url, influxdb.org, influxdb.bucket)
    ledger = Ledger.open(folder / "before.db", SCHEMAS)
    await ledger.write(lambda c: insert_results(c, results), timeout_s=None)
    await ledger.write(lambda c: begin(c, place))
    batch = await ledger.read(lambda c: pending_results(c, None, 1_000_000), timeout_s=None)
    writer = open_influxdb(place, SecretSource(value=Secret(influxdb.token)))
    await Sifting(writer, batch.lines, lambda *_said: None).run()
    await writer.close()
    await ledger.close()


@asynccontextmanager
async def started(
    folder: Path,
    influxdb: Influxdb,
    *,
    rebuilt: list[str] | None = None,
    stop: asyncio.Event | None = None,
    **store: int,
) -> AsyncIterator[tuple[Ledger, Rebuild, Windows]]:
    """Start a process on the ledger in `folder`, new or not, as far as the past goes.

    `rebuilt` gets the targets whose past has come back.
    """
    rebuilt, stop = [] if rebuilt is None else rebuilt, stop or asyncio.Event()
    found = config(folder, influxdb)
    found = replace(found, store=replace(found.store, **store))
    assert found.store.influxdb is not None
    ledger = Ledger.open(folder / "new.db", SCHEMAS)
    clock = Clock()
    rebuild = Rebuild(found, found.store.influxdb, ledger, clock, rebuilt.append)
    windows = Windows(3_600.0)
    await rebuild.windows(windows, stop)
    try:
        yield ledger, rebuild, windows
    finally:
        await rebuild.close()
        await ledger.close()


def past(now: float, number: int) -> list[ProbeResult]:
    """Return results of every kind, ten seconds apart, the newest half a minute ago."""
    made: list[ProbeResult] = []
    for n in range(number):
        said = {"at": now - 30 - 10 * n, "slot": n, "target": ("chat", "other")[n % 2]}
        match n % 5:
            case 0:
                made.append(stream(0.5, 2.0, 10 + n % 7, **said))
            case 1:
                made.append(timeout(5.0, **said))
            case 2:
                made.append(result(verdict=Verdict.RESET, fault=Fault.NETWORK, **said))
            case 3:
                made.append(result(latency_tainted=True, cost_usd=0.25, **said))
            case _:
                made.append(result(total_s=0.1 + n % 97 / 7, attempt=1 + n % 2, **said))
    return made


async def said_by(store: str, ledger: Ledger, influxdb: Influxdb, since: float) -> object:
    """Return everything a store says of both targets since then, minute by minute."""
    token = SecretSource(value=Secret(influxdb.token))
    influxql = Influxql(Destination(influxdb.url, "", influxdb.bucket), token)
    history = (
        LedgerHistory(ledger.read, "here")
        if store == "ledger"
        else InfluxdbHistory(influxql, "here")
    )
    found = [
        await history.range(target, int(since), int(Clock().wall()) + 60, 60)
        for target in ("chat", "other")
    ]
    await influxql.close()
    return found


async def test_roll_ups_come_back_however_often_it_is_ended(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """Cancelled again and again it goes on where it was; then the ledger says what InfluxDB does.

    To the last bit, and the ledger holds no result.
    """
    now = Clock().wall()
    await written(tmp_path, influxdb, past(now, 8 * PAGE_ROWS))
    with capture_logs() as logs:
        for limit_s in (0.05, 0.1, 0.2, 60.0):
            async with started(tmp_path, influxdb) as (_, rebuild, _windows):
                with suppress(TimeoutError):
                    async with asyncio.timeout(limit_s):
                        await rebuild.run()
    told = [each["event"] for each in logs]
    assert told.count("rebuild.began") > 1
    assert told.count("rebuild.finished") == 1
    async with started(tmp_path, influxdb) as (ledger, rebuild, _windows):
        since = now - 10 * 8 * PAGE_ROWS - 600
        kept = await said_by("ledger", ledger, influxdb, since)
        assert kept == await said_by("influxdb", ledger, influxdb, since)
        assert await ledger.read(lambda c: c.execute("SELECT * FROM results").fetchall()) == []
        with capture_logs() as after:
            await rebuild.run()
        assert after == []


async def test_windows_are_as_if_nothing_had_been_lost(tmp_path: Path, influxdb: Influxdb) -> None:
    """The same summary as of the process that measured it, and not of another location's."""
    now = Clock().wall()
    results = [each for each in past(now, 200) if each.attempt == 1]
    elsewhere = result(location="elsewhere", at=now - 40)
    await written(tmp_path, influxdb, [*results, elsewhere])
    before = Windows(3_600.0)
    for each in reversed(results):
        before.ingest(each, each.at + each.total_s)
    async with started(tmp_path, influxdb) as (_, _rebuild, windows):
        for target in ("chat", "other"):
            was = before.summary((target,), 3_600.0, now)
            found = windows.summary((target,), 3_600.0, now)
            assert (found.n, found.by_fault, found.by_verdict) == (
                was.n,
                was.by_fault,
                was.by_verdict,
            )
            assert (found.tainted, found.missed, found.cost_usd) == (was.tainted, 0, was.cost_usd)
            assert found.latency is not None
            assert was.latency is not None
            assert found.latency.mean == pytest.approx(was.latency.mean)
            assert found.latency.censored_from == was.latency.censored_from
            assert found.latency.quantiles == pytest.approx(was.latency.quantiles)
            assert found.inter_token is not None
            assert was.inter_token is not None
            assert found.inter_token.mean == pytest.approx(was.inter_token.mean)


async def test_what_this_ledger_measures_is_not_counted_twice(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """InfluxDB has it too by the time of a restart; the ledger's own alone counts.

    Whose past has come back is told, for those who have read the ledger already.
    """
    rebuilt: list[str] = []
    now = Clock().wall()
    async with started(tmp_path, influxdb):
        pass  # now the ledger has begun
    mine = [result(at=Clock().wall() + n / 1_000, slot=n) for n in range(20)]
    await written(tmp_path, influxdb, [*mine, *past(now, 40)])
    async with started(tmp_path, influxdb, rebuilt=rebuilt) as (ledger, rebuild, windows):
        await ledger.write(lambda c: insert_results(c, mine))
        await rebuild.run()
        assert sorted(rebuilt) == ["chat", "other"]
        kept = await said_by("ledger", ledger, influxdb, now - 3_600)
        assert kept == await said_by("influxdb", ledger, influxdb, now - 3_600)
        # Its own come from its own rows, behind these.
        seen = windows.summary(("chat", "other"), 3_600.0, Clock().wall())
        assert seen.n == len([each for each in past(now, 40) if each.attempt == 1])


async def test_a_ledger_with_a_past_of_its_own_gets_no_other(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """An InfluxDB that is configured later, or again, changes nothing about it."""
    now = Clock().wall()
    await written(tmp_path, influxdb, past(now, 40))
    ledger = Ledger.open(tmp_path / "new.db", SCHEMAS)
    await ledger.write(lambda c: insert_results(c, [result(at=now)]))
    await ledger.close()
    with capture_logs() as logs:
        async with started(tmp_path, influxdb) as (_, rebuild, windows):
            await rebuild.run()
            assert windows.summary(("chat",), 3_600.0, now).n == 0
    assert logs == []


async def test_an_influxdb_that_refuses_is_told_once_and_asked_again(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """Both targets and both rounds fail for one reason: one line, without the token."""
    influxdb.drop_bucket()
    with capture_logs() as logs:
        async with started(tmp_path, influxdb) as (_, rebuild, _windows):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await rebuild.run()
    assert [each["event"] for each in logs] == [
        "rebuild.windows_incomplete",
        "rebuild.began",
        "rebuild.trouble",
    ]
    assert "database not found" in logs[-1]["reason"]
    assert influxdb.token not in str(logs)


async def test_a_ledger_that_is_half_full_gets_no_more(tmp_path: Path, influxdb: Influxdb) -> None:
    """The past must not push out what is measured now; its readers hear that no more comes."""
    await written(tmp_path, influxdb, past(Clock().wall(), 40))
    rebuilt: list[str] = []
    with capture_logs() as logs:
        async with started(tmp_path, influxdb, rebuilt=rebuilt, max_size_bytes=4_096) as made:
            await made[1].run()
    assert sorted(rebuilt) == ["chat", "other"]
    assert [each["event"] for each in logs][1:] == ["rebuild.began", "rebuild.full"]


async def test_a_stop_does_not_wait_for_an_influxdb_that_hangs(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """Windows that nobody will look at are given up, in silence; the next start asks again."""
    await written(tmp_path, influxdb, past(Clock().wall(), 40))
    influxdb.pause()
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, stop.set)
    with capture_logs() as logs:
        async with asyncio.timeout(WINDOWS_S / 2):
            async with started(tmp_path, influxdb, stop=stop) as (_, _rebuild, windows):
                assert windows.summary(("chat",), 3_600.0, Clock().wall()).n == 0
    assert logs == []
    influxdb.start()
    async with started(tmp_path, influxdb) as (_, _rebuild, windows):
        assert windows.summary(("chat",), 3_600.0, Clock().wall()).n > 0
