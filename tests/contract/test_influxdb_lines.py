"""The writer and the lines against the servers themselves: a strict one and a lenient one."""

import gzip
import time

import pytest

from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination, Outcome, WriteError
from aggregator.stores.lines import NUMBER_FIELDS, ProbeRow, probe_line, window_line
from aggregator.stores.sifting import Sifting
from probes.secret import Secret, SecretSource
from tests.servers.influxdb import Influxdb
from tests.servers.victoria_metrics import VictoriaMetrics

HOSTILE = [
    "plain",
    "a,b=c d",
    'say "hi"',
    "back\\slash",
    "a\\,b",
    "ends\\",
    "tab\there",
    "line\nbreak",
    "#x",
    "ümläut → ✓",
]
"""Values of a tag, each hostile in its own way."""
READ_AS = {
    "a\\,b": "a/,b",
    "ends\\": "ends/",
    "tab\there": "tab\\there",
    "line\nbreak": "line\\nbreak",
}
"""What InfluxDB makes of them where that is not the value itself."""


def row(number: int, **said: object) -> ProbeRow:
    """Return a row with every number, sent so many seconds after the start of the hour."""
    return ProbeRow(
        id=number,
        at=time.time() // 3600 * 3600 - 3600 + number,
        attempt=1,
        fault="none",
        location="here",
        model="m",
        operation="chat",
        provider="p",
        status=200,
        target="t",
        verdict="ok",
        latency_tainted=0,
        error="",
        rate_limits='[["requests", 10, 5, 1.0], ["tokens", 10, 7, 1.0]]',
        numbers=[float(n) + 0.5 for n in range(len(NUMBER_FIELDS))],
    )._replace(**said)  # type: ignore[arg-type]  # by name, of all types


def packed(lines: list[str]) -> bytes:
    return gzip.compress("\n".join(lines).encode())


def destination(influxdb: Influxdb) -> Destination:
    return Destination(influxdb.url, influxdb.org, influxdb.bucket)


def secret(token: str) -> SecretSource:
    return SecretSource(value=Secret(token))


async def test_influxdb_stores_every_field_as_it_was(influxdb: Influxdb) -> None:
    """Numbers exactly, the text with its quotes, the flag, the time to the digit of the row."""
    said = row(1, error='say "hi", \\ ok')
    writer = open_influxdb(destination(influxdb), secret(influxdb.token))
    assert await writer.write(packed([probe_line(said)])) == 0
    await writer.close()
    (found,) = influxdb.query("SELECT * FROM api_probe")
    assert {name: found[name] for name in NUMBER_FIELDS} == dict(
        zip(NUMBER_FIELDS, said.numbers, strict=True)
    )
    assert found["error"] == 'say "hi", \\ ok'
    assert found["latency_tainted"] is False
    assert (found["rate_limit_remaining"], found["rate_limit_remaining_tokens"]) == (5.0, 7.0)
    assert (found["status_code"], found["attempt"], found["verdict"]) == ("200", "1", "ok")
    assert found["time"] == round(said.at * 1e6) * 1_000 + 1


async def test_influxdb_reads_hostile_tags_as_they_were(influxdb: Influxdb) -> None:
    """No value spoils its line or its neighbours; what cannot be kept is read as we say."""
    rows = [row(number, model=value) for number, value in enumerate(HOSTILE)]
    writer = open_influxdb(destination(influxdb), secret(influxdb.token))
    assert await writer.write(packed([probe_line(each) for each in rows])) == 0
    await writer.close()
    found = influxdb.query("SELECT latency_ms, model FROM api_probe ORDER BY time")
    assert [each["model"] for each in found] == [READ_AS.get(value, value) for value in HOSTILE]


async def test_influxdb_writes_again_in_place(influxdb: Influxdb) -> None:
    """The same rows twice are the same points; rows of one microsecond are two."""
    rows = [row(1), row(2, at=row(1).at), row(3, at=row(1).at, attempt=2)]
    writer = open_influxdb(destination(influxdb), secret(influxdb.token))
    for _ in range(2):
        await writer.write(packed([probe_line(each) for each in rows]))
    await writer.close()
    assert influxdb.query("SELECT count(latency_ms) FROM api_probe")[0]["count"] == 3


async def test_influxdb_takes_points_of_windows(influxdb: Influxdb) -> None:
    """Their own measurement, whole seconds."""
    tags = (("location", "here"), ("target", "t"), ("window", "5m"))
    line = window_line(tags, {"count": 3, "p95": 1.5, "p99": None}.items(), 1_763_000_040)
    writer = open_influxdb(destination(influxdb), secret(influxdb.token))
    await writer.write(packed([line]))
    await writer.close()
    (found,) = influxdb.query("SELECT * FROM api_window")
    assert (found["count"], found["p95"], found["window"]) == (3, 1.5, "5m")
    assert found["time"] == 1_763_000_040_000_000_000


async def test_influxdb_refuses_a_poison_line_and_keeps_the_rest(influxdb: Influxdb) -> None:
    """A real type conflict: one of a thousand is told, 999 are stored."""
    writer = open_influxdb(destination(influxdb), secret(influxdb.token))
    lines = [probe_line(row(number)).encode() for number in range(1_000)]
    lines[617] = lines[617].replace(b"latency_ms=4.5", b'latency_ms="slow"')
    sifting = Sifting(writer, lines, lambda _outcome, _lines, _took_s: None)
    await sifting.run()
    await writer.close()
    (poison,) = sifting.poison
    assert poison.line == lines[617]
    assert "latency_ms" in poison.reason
    assert influxdb.query("SELECT count(latency_ms) FROM api_probe")[0]["count"] == 999


async def test_influxdb_drops_what_its_bucket_does_not_keep(influxdb: Influxdb) -> None:
    """Its own count of points beyond the retention is ours, and the others are stored."""
    influxdb.query(
        f'ALTER RETENTION POLICY autogen ON "{influxdb.bucket}" DURATION 24h SHARD DURATION 1h'
    )
    lines = [probe_line(row(1)), *(probe_line(row(n, at=1e9 + n)) for n in range(2, 5))]
    writer = open_influxdb(destination(influxdb), secret(influxdb.token))
    assert await writer.write(packed(lines)) == 3
    await writer.close()
    assert influxdb.query("SELECT count(latency_ms) FROM api_probe")[0]["count"] == 1


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"token": "admin:wrong"}, Outcome.TOKEN),
        ({"token": "powerless"}, Outcome.TOKEN),
        ({"bucket": "nope"}, Outcome.BUCKET),
        ({"org": "nope"}, Outcome.BUCKET),
    ],
)
async def test_influxdb_names_what_people_have_to_mend(
    influxdb: Influxdb, said: dict[str, str], outcome: Outcome
) -> None:
    """Token, right to write, bucket, organisation: each by its own answer."""
    token = said.get("token", influxdb.token)
    token = influxdb.powerless_token if token == "powerless" else token
    place = Destination(
        influxdb.url, said.get("org", influxdb.org), said.get("bucket", influxdb.bucket)
    )
    writer = open_influxdb(place, secret(token))
    with pytest.raises(WriteError) as caught:
        await writer.write(packed([probe_line(row(1))]))
    await writer.close()
    assert caught.value.outcome is outcome
    assert token not in str(caught.value)


async def test_victoria_metrics_reads_the_same_lines(victoria_metrics: VictoriaMetrics) -> None:
    """A reader that nobody tested us against: no line is invalid, numbers and tags are there."""
    rows = [row(number, model=value) for number, value in enumerate(HOSTILE)]
    writer = open_influxdb(Destination(victoria_metrics.url, "", "b"), None)
    await writer.write(packed([probe_line(each) for each in rows]))
    await writer.close()
    series = victoria_metrics.stored("api_probe_latency_ms")
    assert victoria_metrics.invalid_rows() == 0
    assert len(series) == len(HOSTILE)
    assert {tuple(each["values"]) for each in series} == {(4.5,)}  # type: ignore[arg-type]  # JSON
