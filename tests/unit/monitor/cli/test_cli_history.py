"""`sonde history`: what it prints, whom it asks, and its exit codes."""

import argparse
import asyncio
import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.rollup.folding import fold
from aggregator.rollup.table import ROLLUPS
from aggregator.stores.spool import SPOOL
from monitor.cli.history import Line, add_arguments, bars, run, table
from tests.unit.aggregator.samples import result, timeout

CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}, {name: other, provider: p, model: m}]
store: {path: sonde.db@@}
"""


def arguments(*given: str) -> argparse.Namespace:
    """Parse a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Write a configuration without InfluxDB."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("@@", ""))
    return str(path)


def remember(folder: Path) -> None:
    """Make a ledger with a minute of results, a timeout among them."""

    async def fill() -> None:
        ledger = Ledger.open(folder / "sonde.db", (RESULTS, SPOOL, ROLLUPS))
        now = time.time() // 60 * 60 - 120
        found = [result(slot=n, at=now + n, total_s=0.25) for n in range(9)]
        found.append(timeout(5.0, slot=9, at=now + 9))
        await ledger.write(lambda c: insert_results(c, found))
        await ledger.close()

    asyncio.run(fill())


def test_the_ledger_is_asked_while_a_daemon_may_have_it(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table of minutes, milliseconds, and bars."""
    remember(tmp_path)
    assert run(arguments("chat", "--config", config)) == 0
    title, row, _, drawn = capsys.readouterr().out.splitlines()
    assert title.split() == ["FROM", "(UTC)", "N", "ERRORS", "MEAN", "P50", "P95", "P99"]
    assert row.split()[2:] == ["10", "1", "725", "250", "250", "-"]
    assert drawn == "mean  █"


def test_json_is_json(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a minute."""
    remember(tmp_path)
    assert run(arguments("chat", "--config", config, "--json")) == 0
    (step,) = json.loads(capsys.readouterr().out)
    assert (step["n"], step["errors"], step["censored_from"]) == (10, 1, 5000.0)


def test_a_target_without_a_past(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer, in words."""
    remember(tmp_path)
    assert run(arguments("other", "--config", config)) == 0
    assert capsys.readouterr().out == "no results in that time\n"


def test_a_ledger_that_is_not_there(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, one line, and no file is made."""
    assert run(arguments("chat", "--config", config)) == 1
    told = capsys.readouterr().err
    ledger = tmp_path / "sonde.db"
    assert told == f"ledger: {ledger} is not there: `sonde run` makes it\n"
    assert not ledger.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE results DROP COLUMN latency_tainted", "is an older version's (no such col"),
        ("DROP TABLE results", "is an older version's (no such table: results): `sonde run` brin"),
    ],
)
def test_a_ledger_of_an_older_version(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str], change: str, told: str
) -> None:
    """1, and one line that says what brings it up."""
    remember(tmp_path)
    connection = sqlite3.connect(tmp_path / "sonde.db")
    connection.execute(change)
    connection.close()
    assert run(arguments("chat", "--config", config)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"ledger: {tmp_path / 'sonde.db'} {told}")
    assert said.count("\n") == 1


def test_a_file_that_is_no_ledger(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, and one line."""
    (tmp_path / "sonde.db").write_text("hello" * 1_000)
    assert run(arguments("chat", "--config", config)) == 1
    told = f"ledger: {tmp_path / 'sonde.db'} cannot be read: file is not a database\n"
    assert capsys.readouterr().err == told


def test_mistakes_exit_two(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown target, a store that is not configured, a configuration that is wrong."""
    assert run(arguments("chatt", "--config", config)) == 2
    assert capsys.readouterr().err == "no target 'chatt'; there are: chat, other\n"
    assert run(arguments("chat", "--config", config, "--from", "influxdb")) == 2
    assert "store.influxdb: not configured" in capsys.readouterr().err
    broken = tmp_path / "broken.yaml"
    broken.write_text("targets: 1\n")
    assert run(arguments("chat", "--config", str(broken))) == 2
    assert "targets" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        arguments("chat", "--since", "yesterday")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        arguments("chat", "--since", "4000d")
    assert "argument --since: more than 10 years: ask for less" in capsys.readouterr().err


def test_an_influxdb_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1, and one line that says why."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("@@", ", influxdb: {url: 'http://127.0.0.1:9', bucket: b}"))
    assert run(arguments("chat", "--config", str(path), "--from", "influxdb")) == 1
    assert capsys.readouterr().err.startswith("influxdb: ConnectError")


def test_the_configured_store_is_asked_unless_another_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`store.history`, and `--from` over it."""
    remember(tmp_path)
    path = tmp_path / "c.yaml"
    influxdb = ", influxdb: {url: 'http://127.0.0.1:9', bucket: b}, history: influxdb"
    path.write_text(CONFIG.replace("@@", influxdb))
    assert run(arguments("chat", "--config", str(path))) == 1
    assert capsys.readouterr().err.startswith("influxdb: ConnectError")
    assert run(arguments("chat", "--config", str(path), "--from", "ledger")) == 0
    assert capsys.readouterr().out.startswith("FROM (UTC)")


def line(**said: float | None) -> Line:
    figures: dict[str, float | None] = dict.fromkeys(("mean", "p50", "p95", "p99", "censored_from"))
    return Line(at=60, over_s=60, n=1, errors=0, by_fault={}, cost_usd=None, **{**figures, **said})


def test_a_month_is_shown_by_the_day_and_beyond_the_results(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Roll-ups remember what results no longer do, and errors say whose fault they were."""
    remember(tmp_path)
    connection = sqlite3.connect(tmp_path / "sonde.db")
    fold(connection, 100)
    connection.execute("DELETE FROM results")
    connection.commit()
    connection.close()
    assert run(arguments("chat", "--config", config, "--since", "30d", "--json")) == 0
    (day,) = json.loads(capsys.readouterr().out)
    assert (day["over_s"], day["n"], day["by_fault"]) == (86_400, 10, {"provider": 1})


def test_days_are_written_with_their_year() -> None:
    """A store may know ten of them."""
    day = replace(line(), at=1_700_006_400, over_s=86_400)
    assert list(table([day]))[1].startswith("2023-11-15  ")


def test_lower_bounds_are_marked() -> None:
    """A figure at or above a timeout is at least that; one below is what it is."""
    row = list(table([line(mean=900.0, p50=100.0, p95=5000.0, censored_from=5000.0)]))[1]
    assert row.split()[3:] == ["1", "0", "900", "100", ">=5000", "-"][1:]


def test_bars() -> None:
    """The highest is full, unknown is a gap, and nothing but zero divides by nothing."""
    assert bars([1.0, None, 8.0, 4.0]) == "▂ █▅"
    assert bars([0.0, None]) == "▁ "
    assert bars([]) == ""


def test_nothing_is_drawn_where_no_mean_is_known() -> None:
    """A label without a bar would look like a fault of the terminal."""
    assert not [each for each in table([line(mean=None)]) if each.startswith("mean")]
