"""Whether the configured InfluxDB and Redis do what is asked of them, and have our time."""

import asyncio
import gzip
from dataclasses import dataclass
from typing import Final

from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination, Outcome, WriteError, words
from aggregator.stores.influxql import Influxql, QueryError
from aggregator.stores.lines import marker_line
from monitor.clock import Clock
from monitor.cluster import reach
from monitor.cluster.protocol import ReachError
from monitor.config.values import Cluster, Influxdb
from monitor.threads import run
from probes.ratelimit import http_date

MARKER: Final = "sonde_check"
VISIBLE_S: Final = 5.0
"""How long a point that was taken may stay invisible: some stores show it a moment later."""
AGAIN_S: Final = 0.2
SKEW_S: Final = 5.0
"""A difference of clocks that is told: a Date has whole seconds, and an answer takes some time."""


class ConnectError(Exception):
    """The store does not work. The text is for people."""


@dataclass(frozen=True, slots=True)
class Connected:
    """What a store that works was found to do."""

    took_s: float
    ahead_s: float | None
    """How far its clock is ahead of ours; None when it does not say what time it has."""


async def connect(influxdb: Influxdb, location: str) -> Connected:
    """Write a marker and read it back. Raises ConnectError."""
    clock = Clock()
    began, at_ns = clock.monotonic(), round(clock.wall() * 1e6) * 1_000
    ahead_s = await _write(influxdb, marker_line(MARKER, location, 1.0, at_ns), clock)
    await _read_back(influxdb, at_ns)
    return Connected(clock.monotonic() - began, ahead_s)


async def _write(influxdb: Influxdb, line: str, clock: Clock) -> float | None:
    """Write the marker; return how far the server's clock is ahead. Raises ConnectError."""
    destination = influxdb.destination
    writer = open_influxdb(destination, influxdb.token, influxdb.papers)
    try:
        expired = await writer.write(gzip.compress(line.encode()))
        refusal = WriteError(Outcome.EXPIRED, "one of this very moment") if expired else None
    except WriteError as error:
        refusal = error
    finally:
        await writer.close()
    ahead_s = _ahead_s(writer.date, clock.wall())
    if refusal is not None:
        told = f"{words(refusal.outcome, destination)} ({refusal}){_skew(ahead_s)}"
        raise ConnectError(f"{_place(destination)} {told}") from refusal
    return ahead_s


def _ahead_s(date: str | None, wall: float) -> float | None:
    """Return how far a clock that says `date` is ahead of ours; None: it says nothing readable."""
    at = None if date is None else http_date(date)
    return None if at is None else at - wall


def _skew(ahead_s: float | None) -> str:
    """Say that clocks differ; nothing when they do not, by what is to be told."""
    if ahead_s is None or abs(ahead_s) <= SKEW_S:
        return ""
    way = "ahead of" if ahead_s > 0 else "behind"
    return f"; its clock is {abs(ahead_s):.0f} s {way} ours: one of the two is wrong"


async def _read_back(influxdb: Influxdb, at_ns: int) -> None:
    destination = influxdb.destination
    influxql = Influxql(destination, influxdb.token, influxdb.papers)
    try:
        async with asyncio.timeout(VISIBLE_S):
            while not await _seen(influxql, at_ns):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(AGAIN_S)
    except QueryError as error:
        told = f"takes what is written, but cannot be read ({error})"
        raise ConnectError(f"{_place(destination)} {told}") from error
    except TimeoutError:
        told = f"took a marker, and does not show it within {VISIBLE_S:g} s"
        raise ConnectError(f"{_place(destination)} {told}") from None
    finally:
        await influxql.close()


async def _seen(influxql: Influxql, at_ns: int) -> bool:
    # A number of our own, and nothing that would have to be bound: InfluxDB 3 binds nothing here.
    return bool(await influxql.rows(f"SELECT value FROM {MARKER} WHERE time = {at_ns}"))  # noqa: S608


def report_redis(cluster: Cluster) -> tuple[str, bool]:
    """Return one line that says how it went with Redis, and whether it went well."""
    try:
        found = run(reach(cluster, Clock()))
    except ReachError as error:
        return f"Redis of {cluster.name}: {error}", False
    took = f"Redis of {cluster.name} did all that was asked, a round trip in "
    return f"{took}{1000 * found.took_s:.1f} ms{_skew(-found.ahead_s)}", True


def report(influxdb: Influxdb, location: str) -> tuple[str, bool]:
    """Return one line that says how it went, and whether it went well."""
    try:
        found = run(connect(influxdb, location))
    except ConnectError as error:
        return str(error), False
    place = _place(influxdb.destination)
    took = f"{place} wrote and read back a marker in {1000 * found.took_s:.0f} ms"
    return took + _skew(found.ahead_s), True


def _place(destination: Destination) -> str:
    return f"InfluxDB {destination.url} bucket {destination.bucket}:"
