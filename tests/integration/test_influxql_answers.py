"""Questions to an InfluxDB, whatever answers; `sonde check --connect` against a real one."""

import argparse
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from aggregator.rollup.bucket import Point
from aggregator.stores.delivery import Destination
from aggregator.stores.history import HistoryError
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxql import ANSWER_LIMIT_BYTES, Influxql, QueryError
from monitor.cli.check import add_arguments, run
from probes.secret import Secret, SecretSource
from tests.servers.influxdb import Influxdb

TOKEN = "a-token-nobody-may-read"


class Answering:
    """A server that gives one answer to everything."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.asked: dict[str, str] = {}
        self.authorization: str | None = None
        self.number = 0

    async def take(self, request: web.Request) -> web.Response:
        self.number += 1
        self.asked = {name: str(value) for name, value in (await request.post()).items()}
        self.authorization = request.headers.get("Authorization")
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    """Run the server on a loopback port."""
    made = Answering()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = site.name
    yield made
    await runner.cleanup()


async def asked(url: str, token: str | None = TOKEN) -> list[dict[str, object]] | QueryError:
    """Ask for something; return the rows, or what went wrong."""
    source = None if token is None else SecretSource(value=Secret(token))
    influxql = Influxql(Destination(url, "o", "b"), source)
    try:
        return await influxql.rows("SELECT x FROM y WHERE z = $z", z="it's")
    except QueryError as error:
        return error
    finally:
        await influxql.close()


async def test_what_is_asked(answering: Answering) -> None:
    """Values travel beside the question, the token in a header, times come as nanoseconds."""
    answering.body = b'{"results":[{"series":[{"columns":["time","x"],"values":[[1,2.5]]}]}]}'
    assert await asked(answering.url) == [{"time": 1, "x": 2.5}]
    assert answering.asked == {
        "db": "b",
        "q": "SELECT x FROM y WHERE z = $z",
        "params": '{"z": "it\'s"}',
        "epoch": "ns",
    }
    assert answering.authorization == f"Token {TOKEN}"
    await asked(answering.url, None)
    assert answering.authorization is None


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            200,
            b'{"results":[{"error":"database not found: b"}]}',
            "answered 200: database not found: b",
        ),
        (
            401,
            b'{"code":"unauthorized","message":"unauthorized access"}',
            "answered 401: unauthorized access",
        ),
        (400, b'{"error":"bad ' + TOKEN.encode() + b'"}', "answered 400: bad ***"),
        (502, b"<html>bad gateway</html>", "answered 502: <html>bad gateway</html>"),
        (200, b"\xff\xfe", "answered 200: \ufffd\ufffd"),
        (200, b"[]", "answered 200: []"),
        (200, b"7", "answered 200: 7"),
        (200, b"{}", "answered 200: {}"),
        (200, b'{"results":[{"series":[{"columns":["time"],"values":[[1,2]]}]}]}', None),
        (
            200,
            b'{"results":[{"name":"databases","series":[{"columns":["name"],"values":[]}]}]}',
            "answered 200: no points, but something else: reading takes InfluxDB 1.x or 2.x",
        ),
        (200, b'{"results":[{"series":7}]}', None),
        (200, b"[" * 100_000, None),
        (302, b"", "answered 302: "),
    ],
)
async def test_other_answers_are_told(
    answering: Answering, status: int, body: bytes, told: str | None
) -> None:
    """Refusals in the server's words, garbage as what it is; never a crash, never the token."""
    answering.status, answering.body = status, body
    failure = await asked(answering.url)
    assert isinstance(failure, QueryError)
    assert TOKEN not in str(failure)
    assert told is None or str(failure) == told


async def test_no_rows_is_an_answer(answering: Answering) -> None:
    """A result without a series."""
    answering.body = b'{"results":[{"statement_id":0}]}'
    assert await asked(answering.url) == []


OTHERS = {
    "attempt": "1",
    "fault": "none",
    **dict.fromkeys(("first_token_ms", "inter_token_ms", "output_tokens_per_s", "cost_usd")),
    **dict.fromkeys(("tokens_input", "tokens_output", "tokens_cached")),
}


def points(*values: str) -> bytes:
    """Return an answer of rows; a value is JSON for the columns of `sonde history`."""
    others = json.dumps(list(OTHERS.values()))[1:]
    rows = ",".join(f"[{value},{others}" for value in values)
    columns = json.dumps(["time", "latency_ms", "latency_tainted", "verdict", *OTHERS])
    body = f'{{"results":[{{"series":[{{"columns":{columns},"values":[{rows}]}}]}}]}}'
    return body.encode()


async def minutes_of(url: str) -> list[Point] | str:
    """Ask for ten minutes of a target; return what it is told, or what went wrong."""
    influxql = Influxql(Destination(url, "o", "b"), None)
    try:
        return await InfluxdbHistory(influxql, "here").range("chat", 0, 600, 60)
    except HistoryError as error:
        return str(error)
    finally:
        await influxql.close()


@pytest.mark.parametrize(
    "row",
    [
        '1e9, NaN, false, "ok"',
        '1000000000, Infinity, false, "ok"',
        '1000000000, -5, false, "ok"',
        f'1000000000, 1{"0" * 400}, false, "ok"',
        '1000000000, [1], false, "ok"',
        'Infinity, 1.0, false, "ok"',
        '"2026-01-01T00:00:00Z", 1.0, false, "ok"',
    ],
)
async def test_points_that_cannot_be_ours_are_refused(answering: Answering, row: str) -> None:
    """No NaN, no infinity and no time that is none gets into a figure, or into JSON."""
    answering.body = points(row)
    assert await minutes_of(answering.url) == "a point of api_probe is not one of ours"


async def test_a_page_without_end_is_not_read_for_ever(answering: Answering) -> None:
    """The same rows for every question: the first that was not asked for ends it."""
    answering.body = points(*['1000000000, null, true, "x"'] * 3)
    assert await minutes_of(answering.url) == "a point of api_probe is not one of ours"
    assert answering.number == 3  # whether it binds, and two questions


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Influxdb-Version": "3.8.0"}, b'{"version":"3.8.0"}'),
        ({}, b'{"version":"3.0.1","revision":"42117701c0"}'),
        ({"X-Influxdb-Version": "v3.10.1-beta"}, b""),
    ],
)
async def test_a_server_that_binds_nothing_is_not_asked(
    answering: Answering, headers: dict[str, str], body: bytes
) -> None:
    """3.x would answer another question than was asked: it is told so, in words."""
    answering.headers, answering.body = headers, body
    failure = str(await asked(answering.url))
    assert failure.startswith("InfluxDB ")
    assert failure.endswith(" binds no parameters, so it is not asked: reading takes 1.x or 2.x")
    assert answering.asked == {}


@pytest.mark.parametrize("version", ["1.6.7~rc0", "2.7.11", "", "unknown"])
async def test_any_other_server_is_asked(answering: Answering, version: str) -> None:
    """Once it has been looked at, it is not again."""
    answering.headers = {"X-Influxdb-Version": version}
    answering.body = b'{"results":[{"statement_id":0}]}'
    influxql = Influxql(Destination(answering.url, "o", "b"), None)
    assert await influxql.rows("SELECT x FROM y") == []
    assert await influxql.rows("SELECT x FROM y") == []
    await influxql.close()
    assert answering.number == 3


async def test_an_answer_without_an_end_is_refused(answering: Answering) -> None:
    """Memory is bounded, whatever is sent."""
    answering.body = b"x" * (ANSWER_LIMIT_BYTES + 1)
    failure = await asked(answering.url)
    assert str(failure) == "answered more than 16 MiB"


async def test_a_token_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Before anything is sent."""
    influxql = Influxql(
        Destination("http://127.0.0.1:9", "o", "b"), SecretSource(path=tmp_path / "t")
    )
    with pytest.raises(QueryError, match="cannot read"):
        await influxql.rows("SELECT 1")
    await influxql.close()


CONFIG = """\
location: it's here
providers: {{p: {{preset: compatible, base_url: "http://127.0.0.1:1/v1"}}}}
targets: [{{name: a, provider: p, model: m}}]
store: {{path: s.db, influxdb: {{url: {url}, token_file: t, org: {org}, bucket: {bucket}}}}}
"""


def check(folder: Path, influxdb: Influxdb, *given: str, **said: str) -> int:
    """Run `sonde check --connect` with a configuration for a server, or with what is said."""
    values = {"url": influxdb.url, "org": influxdb.org, "bucket": influxdb.bucket, **said}
    (folder / "t").write_text(said.get("token", influxdb.token))
    (folder / "c.yaml").write_text(CONFIG.format_map(values))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(folder / "c.yaml"), "--connect", *given]))


def test_check_connect_writes_and_reads_back(
    tmp_path: Path, influxdb: Influxdb, capsys: pytest.CaptureFixture[str]
) -> None:
    """0, one line with the time it took, and the marker is in the bucket."""
    assert check(tmp_path, influxdb) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    start = f"InfluxDB {influxdb.url} bucket probes: wrote and read back a marker in "
    assert last.startswith(start)
    assert last.endswith(" ms")
    (marker,) = influxdb.query("SELECT * FROM sonde_check")
    assert (marker["location"], marker["value"]) == ("it's here", 1)
    assert check(tmp_path, influxdb, "--json") == 0
    assert json.loads(capsys.readouterr().out)["connect"]["works"] is True


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"token": "admin:wrong"}, "refuses the token"),
        ({"bucket": "nope"}, "has no bucket 'nope'"),
        ({"org": "nope"}, "or no organisation 'nope'"),
        ({"url": "http://127.0.0.1:9"}, "cannot be reached (Connection refused)"),
    ],
)
def test_check_connect_says_what_is_wrong(
    tmp_path: Path,
    influxdb: Influxdb,
    capsys: pytest.CaptureFixture[str],
    said: dict[str, str],
    told: str,
) -> None:
    """1, and one line that names it, without the token."""
    assert check(tmp_path, influxdb, **said) == 1
    printed = capsys.readouterr()
    assert told in printed.out.splitlines()[-1]
    assert said.get("token", influxdb.token) not in printed.out + printed.err


def test_check_connect_without_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to connect to, and that was the question: 1."""
    (tmp_path / "c.yaml").write_text(CONFIG.partition("store:")[0].format())
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([str(tmp_path / "c.yaml"), "--connect"])) == 1
    told = "InfluxDB: none is configured (store.influxdb); nor a Redis (cluster.redis)\n"
    assert capsys.readouterr().out.endswith(told)
