"""InfluxDB behind the rewrite takes what today's client sends, and refuses what a server would."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from tests.servers.influxdb import Influxdb

Write = Callable[..., None]
"""Write lines with the unmodified client: to our bucket with the good token unless said."""


@pytest.fixture(params=["sync", "async"])
def write(request: pytest.FixtureRequest, influxdb: Influxdb) -> Write:
    """Return a function that writes with one of the two clients."""

    def options(changes: dict[str, object]) -> dict[str, object]:
        own: dict[str, object] = {"url": influxdb.url, "token": influxdb.token, "timeout": 5_000}
        return {**own, "org": influxdb.org, **changes}

    def synchronous(
        record: object, *, bucket: str = influxdb.bucket, precision: str = "ns", **changes: object
    ) -> None:
        with InfluxDBClient(**options(changes)) as client:
            writer = client.write_api(write_options=SYNCHRONOUS)
            writer.write(bucket, record=record, write_precision=precision)

    async def asynchronous(
        record: object, *, bucket: str = influxdb.bucket, precision: str = "ns", **changes: object
    ) -> None:
        async with InfluxDBClientAsync(**options(changes)) as client:
            await client.write_api().write(bucket, record=record, write_precision=precision)

    if request.param == "sync":
        return synchronous
    return lambda record, **changes: asyncio.run(asynchronous(record, **changes))


def refusal(write: Write, record: object, **changes: object) -> tuple[int, str]:
    """Write, and return the status and text of the refusal that must come of it."""
    with pytest.raises(ApiException) as caught:
        write(record, **changes)
    return caught.value.status, str(caught.value)


@pytest.mark.parametrize("enable_gzip", [False, True])
def test_a_point_is_read_back(write: Write, influxdb: Influxdb, enable_gzip: bool) -> None:
    """Tags, fields of every type and time arrive as they left, compressed or not."""
    point = Point("probe").tag("target", "a b,c=d").field("ms", 1.5).field("error", 'say "x" \\')
    write(point.field("tainted", False).time(1_700_000_000_123_456_789), enable_gzip=enable_gzip)
    assert influxdb.query("SELECT * FROM probe") == [
        {
            "time": 1_700_000_000_123_456_789,
            "target": "a b,c=d",
            "ms": 1.5,
            "error": 'say "x" \\',
            "tainted": False,
        }
    ]


@pytest.mark.parametrize(
    ("precision", "factor"), [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)]
)
def test_every_precision_means_what_it_says(
    write: Write, influxdb: Influxdb, precision: str, factor: int
) -> None:
    """Microseconds among them, which 1.6 would read as nanoseconds and keep in 1970."""
    write(f"probe ms=1 {1_700_000_000_000_000_000 // factor}", precision=precision)
    assert influxdb.query("SELECT * FROM probe") == [{"time": 1_700_000_000 * 10**9, "ms": 1}]


def test_credentials_are_checked(write: Write, influxdb: Influxdb) -> None:
    """A wrong token is 401, one without the right 403, and nothing is stored."""
    assert refusal(write, "probe ms=1", token="wrong")[0] == 401
    assert refusal(write, "probe ms=1", token="admin:wrong")[0] == 401
    status, text = refusal(write, "probe ms=1", token=influxdb.powerless_token)
    assert (status, "not authorized to write" in text) == (403, True)
    assert influxdb.query("SELECT * FROM probe") == []


def test_places_that_are_not_there(write: Write, influxdb: Influxdb) -> None:
    """A bucket nobody made, an organisation nobody has, a bucket that was dropped."""
    status, text = refusal(write, "probe ms=1", bucket="nowhere")
    assert (status, "database not found" in text) == (404, True)
    assert refusal(write, "probe ms=1", org="nobody")[0] == 404
    influxdb.drop_bucket()
    assert refusal(write, "probe ms=1")[0] == 404


def test_a_conflicting_type_costs_its_line_alone(write: Write, influxdb: Influxdb) -> None:
    """400 says which field and how many were dropped; the other lines of the batch are stored."""
    write("probe ms=1.5 1")
    status, text = refusal(write, 'probe ms=2.5 2\nprobe ms="text" 3\nprobe ms=4.5 4')
    assert status == 400
    assert "partial write: field type conflict" in text
    assert "dropped=1" in text
    assert [row["ms"] for row in influxdb.query("SELECT ms FROM probe")] == [1.5, 2.5, 4.5]


def test_a_line_that_cannot_be_read(write: Write, influxdb: Influxdb) -> None:
    """400 quotes it; the other lines are stored."""
    status, text = refusal(write, "probe ms=1 1\nno line\nprobe ms=2 2")
    assert (status, "unable to parse 'no line'" in text) == (400, True)
    assert len(influxdb.query("SELECT ms FROM probe")) == 2


def test_each_test_begins_with_an_empty_bucket(influxdb: Influxdb) -> None:
    """What the tests above wrote is gone."""
    assert influxdb.query("SHOW MEASUREMENTS") == []


def test_parameters_are_bound(influxdb: Influxdb) -> None:
    """A value is a value, whatever it says; grouped rows carry their tags."""
    headers = {"Authorization": f"Token {influxdb.token}"}
    address = f"{influxdb.url}/api/v2/write?org={influxdb.org}&bucket={influxdb.bucket}"
    hostile = "x' OR target =~ /.*/ --"
    body = "probe,target=a ms=1 1\nprobe,target=b ms=2 2"
    httpx2.post(address, content=body, headers=headers).raise_for_status()
    asked = "SELECT ms FROM probe WHERE target = $target GROUP BY target"
    assert influxdb.query(asked, target="b") == [{"time": 2, "target": "b", "ms": 2}]
    assert influxdb.query(asked, target=hostile) == []
    with pytest.raises(ValueError, match="error parsing query"):
        influxdb.query("SELEC")


def test_an_outage_and_its_end(influxdb: Influxdb) -> None:
    """Stopped: refused, or 502 behind its proxy. Paused: silent. Started again: all still there."""
    headers = {"Authorization": f"Token {influxdb.token}"}
    address = f"{influxdb.url}/api/v2/write?org={influxdb.org}&bucket={influxdb.bucket}"

    def wrote(number: int) -> int:
        body = f"probe ms={number} {number}"
        return httpx2.post(address, content=body, headers=headers, timeout=0.5).status_code

    assert wrote(1) == 204
    influxdb.stop()
    with pytest.raises(httpx2.ConnectError):
        wrote(2)
    influxdb.start()
    assert wrote(3) == 204
    influxdb.stop(proxy_stays=True)
    assert wrote(4) == 502
    influxdb.start()
    influxdb.pause()
    with pytest.raises(httpx2.ReadTimeout):
        wrote(5)
    influxdb.start()
    assert wrote(6) == 204
    assert {1, 3, 6} <= {row["ms"] for row in influxdb.query("SELECT ms FROM probe")}


def test_what_1_6_does_not_have_stays_missing(influxdb: Influxdb) -> None:
    """The proxy rewrites writes and pretends nothing: no Flux, no buckets; precision is checked."""
    with httpx2.Client(headers={"Authorization": f"Token {influxdb.token}"}) as http:
        assert http.post(f"{influxdb.url}/api/v2/query").status_code == 404
        assert http.get(f"{influxdb.url}/api/v2/buckets").status_code == 404
        assert http.get(f"{influxdb.url}/ping").status_code == 204
        address = f"{influxdb.url}/api/v2/write?org={influxdb.org}&bucket={influxdb.bucket}"
        assert http.post(f"{address}&precision=m", content="probe ms=1").status_code == 400
