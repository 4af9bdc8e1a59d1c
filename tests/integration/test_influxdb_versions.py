"""What each version of InfluxDB answers to a write, over a socket.

The answers are shaped after its documentation and its source. The versions themselves are not here
(but for 1.x, see tests/contract), so none was compared with a real one's word for word. What is
sent to us, how it is read, and what comes of it.
"""

import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination, Outcome, WriteError
from aggregator.stores.sifting import Sifting
from probes.secret import Secret, SecretSource
from probes.wire.trust import Papers
from tests.integration.authority import Authority, Issued

TOKEN = "a-token-nobody-may-read"
LINE = b"api_probe,target=a latency_ms=12.5 1700000000000000001"
Answer = Callable[[bytes, str], tuple[int, str, dict[str, str]]]
"""Of the lines and the authorisation that came."""


@asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run a server that answers so; give its address."""

    async def take(request: web.Request) -> web.StreamResponse:
        status, body, headers = answer(
            await request.read(), request.headers.get("Authorization", "")
        )
        return web.Response(status=status, body=body.encode(), headers=headers)

    app = web.Application()
    app.router.add_post("/api/v2/write", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    yield site.name
    await runner.cleanup()


async def written(url: str, source: SecretSource | None, papers: Papers | None = None) -> object:
    """Write one line; return the points too old, or what went wrong."""
    writer = open_influxdb(Destination(url, "o", "b"), source, papers)
    try:
        return await writer.write(gzip.compress(LINE))
    except WriteError as error:
        return error
    finally:
        await writer.close()


@dataclass(frozen=True)
class Case:
    """One documented answer and what it is to us."""

    status: int
    body: str
    outcome: Outcome
    told: str
    retry_after: str | None = None


CONFLICT_1 = (
    'partial write: field type conflict: input field "latency_ms" on measurement "api_probe" is'
    " type float, already exists as type integer dropped=1"
)
KEPT = (
    "the field 'latency_ms' of 'api_probe' is integer in this bucket, and we send float: somebody"
    " else wrote it first; delete that measurement, or use a bucket of its own"
)

CASES = {
    # https://docs.influxdata.com/influxdb/v1/tools/api/#status-codes-and-responses-2
    "1.8 database": Case(
        404,
        '{"error":"database not found: \\"b\\""}\n',
        Outcome.BUCKET,
        'answered 404: database not found: "b"',
    ),
    "1.8 user": Case(
        401, '{"error":"authorization failed"}\n', Outcome.TOKEN, "authorization failed"
    ),
    "1.8 may not": Case(
        403,
        '{"error":"\\"u\\" user is not authorized to write to database \\"b\\""}\n',
        Outcome.TOKEN,
        "is not authorized to write",
    ),
    "1.8 type": Case(400, json.dumps({"error": CONFLICT_1}) + "\n", Outcome.REJECTED, f"({KEPT})"),
    "1.8 large": Case(
        413, '{"error":"Request Entity Too Large"}\n', Outcome.TOO_LARGE, "Too Large"
    ),
    "1.8 timeout": Case(500, '{"error":"timeout"}\n', Outcome.UNAVAILABLE, "timeout"),
    "1.8 memory": Case(
        500,
        '{"error":"engine: cache-max-memory-size exceeded: (1074767264/1073741824)"}\n',
        Outcome.UNAVAILABLE,
        "cache-max-memory-size",
    ),
    "1.8 disk": Case(
        400,
        '{"error":"partial write: write /var/lib/x: no space left on device dropped=1"}\n',
        Outcome.UNAVAILABLE,
        "(its disk is full)",
    ),
    "1.8 series": Case(
        400,
        '{"error":"partial write: max-series-per-database limit exceeded: (1000) dropped=1"}\n',
        Outcome.REJECTED,
        "takes no new series",
    ),
    # https://docs.influxdata.com/influxdb/v2/write-data/troubleshoot/
    "2.x token": Case(
        401,
        '{"code":"unauthorized","message":"unauthorized access"}',
        Outcome.TOKEN,
        "answered 401: unauthorized access",
    ),
    "2.x bucket": Case(
        404,
        '{"code":"not found","message":"bucket \\"b\\" not found"}',
        Outcome.BUCKET,
        'answered 404: bucket "b" not found',
    ),
    "2.x no organisation": Case(
        400,
        '{"code":"invalid","message":"Please provide either orgID or org"}',
        Outcome.BUCKET,
        "provide either orgID or org",
    ),
    "2.x line": Case(
        400,
        '{"code":"invalid","message":"unable to parse \'m v=\': missing field value"}',
        Outcome.REJECTED,
        "missing field value",
    ),
    "2.x type": Case(
        422,
        json.dumps(
            {
                "code": "unprocessable entity",
                "message": f"failure writing points to database: {CONFLICT_1}",
            }
        ),
        Outcome.REJECTED,
        f"({KEPT})",
    ),
    "2.x large": Case(
        413,
        '{"code":"request too large","message":"unable to read data: points batch is too large"}',
        Outcome.TOO_LARGE,
        "points batch is too large",
    ),
    "2.x busy": Case(
        503,
        '{"code":"unavailable","message":"unable to service request"}',
        Outcome.UNAVAILABLE,
        "unable to service",
        retry_after="7",
    ),
    "2.x inside": Case(
        500, '{"code":"internal error"}', Outcome.UNAVAILABLE, '{"code":"internal error"}'
    ),
    # https://docs.influxdata.com/influxdb/cloud/account-management/limits/
    "cloud quota": Case(
        429,
        '{"code":"too many requests","message":"write over the limit of the plan"}',
        Outcome.THROTTLED,
        "write over the limit",
        retry_after="30",
    ),
    # https://docs.influxdata.com/influxdb3/core/write-data/troubleshoot/
    "3.x type": Case(
        400,
        '{"error":"partial write of line protocol occurred","data":[{"original_line":"x",'
        '"line_number":1,"error_message":"invalid column type for column \'latency_ms\', expected'
        ' iox::column_type::field::string, got iox::column_type::field::float"}]}',
        Outcome.REJECTED,
        "(the field 'latency_ms' is string in this bucket, and we send float:",
    ),
    "3.x token": Case(401, '{"error":"the request was not authenticated"}', Outcome.TOKEN, "401"),
    "3.x may not": Case(403, "", Outcome.TOKEN, "answered 403"),
    "3.x columns": Case(
        422,
        '{"error":"Update to schema would exceed the limit of 500 columns per table"}',
        Outcome.REJECTED,
        "takes no new series",
    ),
    # https://github.com/influxdata/influxdb_iox: router/src/dml_handlers/retention_validation.rs
    "3.x cloud old": Case(
        403,
        '{"code":"forbidden","message":"dml handler error: data in table api_probe is outside of'
        ' the retention period: minimum acceptable timestamp is 2025-05-20T19:06:17Z"}',
        Outcome.EXPIRED,
        "(older than the bucket keeps, or our clock is behind its server's)",
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_documented_answer_is_read_right(name: str) -> None:
    """The outcome, words for people with the way to mend it, and the wait that is asked for."""
    case = CASES[name]
    headers = {} if case.retry_after is None else {"Retry-After": case.retry_after}
    async with serving(lambda _lines, _token: (case.status, case.body, headers)) as url:
        found = await written(url, SecretSource(value=Secret(TOKEN)))
    assert isinstance(found, WriteError)
    assert found.outcome is case.outcome
    assert case.told in str(found)
    expected_s = None if case.retry_after is None else float(case.retry_after)
    assert found.retry_after_s == expected_s


@pytest.mark.parametrize(
    ("status", "body", "expired"),
    [
        (400, {"error": "partial write: points beyond retention policy dropped=3"}, 3),
        (
            422,
            {
                "code": "unprocessable entity",
                "message": "failure writing points to database: partial write: dropped 4 points"
                " outside retention policy of duration 24h0m0s - oldest point m at"
                " 1970-01-01T00:00:01.541Z dropped because it violates a Retention Policy Lower"
                " Bound at 2025-05-20T19:06:17.612973Z dropped=4 for database: 9f282d63c7d3a5c0",
            },
            4,
        ),
        (
            500,
            {
                "code": "internal error",
                "message": "unexpected error writing points to database: partial write: points"
                " beyond retention policy dropped=1",
            },
            1,
        ),
    ],
    ids=["1.x", "2.7", "2.0"],
)
async def test_points_too_old_are_counted_in_every_versions_words(
    status: int, body: dict[str, str], expired: int
) -> None:
    """The others of the batch are stored: no failure, and nothing is written again."""
    async with serving(lambda _lines, _token: (status, json.dumps(body), {})) as url:
        assert await written(url, None) == expired


async def test_a_partial_write_of_3_quarantines_the_refused_lines_alone() -> None:
    """It stores the good lines of a batch it refuses; writing them again changes nothing."""
    kept: set[bytes] = set()

    def answer(body: bytes, _token: str) -> tuple[int, str, dict[str, str]]:
        lines = body.split(b"\n")
        bad = [(number, line) for number, line in enumerate(lines, 1) if b"wrong=" in line]
        kept.update(line for line in lines if b"wrong=" not in line)
        told = [
            {"original_line": line.decode(), "line_number": number, "error_message": "wrong type"}
            for number, line in bad
        ]
        error = {"error": "partial write of line protocol occurred", "data": told}
        return (400, json.dumps(error), {}) if bad else (204, "", {})

    names = (b"wrong" if n in {7, 400} else b"right" for n in range(500))
    lines = [b"m %s=1 %d" % (name, at) for at, name in enumerate(names)]
    async with serving(answer) as url:
        writer = open_influxdb(Destination(url, "", "b"), None)
        sifting = Sifting(writer, lines, lambda _outcome, _lines, _took_s: None)
        await sifting.run()
        await writer.close()
    assert [each.line for each in sifting.poison] == [lines[7], lines[400]]
    reason = "answered 400: partial write of line protocol occurred: wrong type"
    assert sifting.poison[0].reason == reason
    assert kept == {line for line in lines if b"right" in line}


class Rotating:
    """A server that accepts the newest token only."""

    def __init__(self) -> None:
        self.accepted = ""
        self.seen: list[str] = []

    def answer(self, _lines: bytes, token: str) -> tuple[int, str, dict[str, str]]:
        self.seen.append(token)
        return (204, "", {}) if token == f"Token {self.accepted}" else (401, "{}", {})


async def test_a_token_that_is_replaced_costs_no_write(tmp_path: Path) -> None:
    """Refused with the old one, the same write goes again with what the file holds by now."""
    server, path = Rotating(), tmp_path / "token"
    path.write_text("first")
    async with serving(server.answer) as url:
        writer = open_influxdb(Destination(url, "o", "b"), SecretSource(path=path))
        for token in ("first", "second", "third"):
            server.accepted = token
            path.write_text(token)
            assert await writer.write(gzip.compress(LINE)) == 0
        await writer.close()
    assert server.seen == ["Token first", "Token second", "Token third"]


async def test_a_file_that_changed_without_looking_so_is_read_after_a_refusal(
    tmp_path: Path,
) -> None:
    """Same times, same size: a refusal is reason enough to look into it, once and no more."""
    server, path = Rotating(), tmp_path / "token"
    server.accepted = "token-2"
    source = _Unchanging(path=path)
    path.write_text("token-1")
    async with serving(server.answer) as url:
        writer = open_influxdb(Destination(url, "o", "b"), source)
        with pytest.raises(WriteError) as refused:
            await writer.write(gzip.compress(LINE))
        assert refused.value.outcome is Outcome.TOKEN
        path.write_text("token-2")
        assert await writer.write(gzip.compress(LINE)) == 0
        await writer.close()
    assert server.seen == ["Token token-1", "Token token-1", "Token token-2"]


class _Unchanging(SecretSource):
    """A file on a mount that shows no change."""

    def version(self) -> tuple[int, int, int] | None:
        return (0, 0, 0)


def _tls_of(issued: Issued, client_ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.both)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


def stored(_lines: bytes, _token: str) -> tuple[int, str, dict[str, str]]:
    return (204, "", {})


async def test_an_authority_of_ones_own_is_believed_when_it_is_named(tmp_path: Path) -> None:
    """And refused in one clear line when it is not."""
    authority = Authority(tmp_path)
    async with serving(stored, _tls_of(authority.issue("influx"))) as url:
        assert await written(url, None, Papers(authority.ca)) == 0
        refused = await written(url, None)
    assert isinstance(refused, WriteError)
    assert refused.outcome is Outcome.UNREACHABLE
    told = "its certificate is refused: unable to get local issuer certificate"
    assert str(refused) == f"{told} (name the authority that issued it: ca_file)"


async def test_a_server_that_asks_who_we_are_is_shown(tmp_path: Path) -> None:
    """With the client's certificate and its key."""
    authority = Authority(tmp_path)
    ours = authority.issue("sonde")
    async with serving(stored, _tls_of(authority.issue("influx"), authority.ca)) as url:
        papers = Papers(authority.ca, ours.certificate, ours.key)
        assert await written(url, None, papers) == 0
        assert isinstance(await written(url, None, Papers(authority.ca)), WriteError)


async def test_a_changed_authority_is_believed_without_a_restart(tmp_path: Path) -> None:
    """The next write has the new one; a file that is gone is told, and tried again."""
    first, second = Authority(tmp_path, "one"), Authority(tmp_path, "two")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(first.ca.read_bytes())
    async with serving(stored, _tls_of(second.issue("influx"))) as url:
        writer = open_influxdb(Destination(url, "o", "b"), None, Papers(ca))
        with pytest.raises(WriteError, match="certificate is refused"):
            await writer.write(gzip.compress(LINE))
        ca.unlink()
        with pytest.raises(WriteError, match="TLS: cannot read"):
            await writer.write(gzip.compress(LINE))
        ca.write_bytes(second.ca.read_bytes())
        assert await writer.write(gzip.compress(LINE)) == 0
        await writer.close()


async def test_the_servers_clock_is_kept() -> None:
    """Of the newest answer, whatever it was."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    async with serving(lambda _lines, _token: (401, "", {"Date": date})) as url:
        writer = open_influxdb(Destination(url, "o", "b"), None)
        assert writer.date is None
        with pytest.raises(WriteError):
            await writer.write(gzip.compress(LINE))
        await writer.close()
    assert writer.date == date
