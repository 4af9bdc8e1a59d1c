"""Whether the configured InfluxDB takes what is written and gives it back."""

import asyncio
import gzip
from typing import Final

from aggregator.stores import open_influxdb
from aggregator.stores.delivery import Destination, WriteError, words
from aggregator.stores.influxql import Influxql, QueryError
from aggregator.stores.lines import marker_line
from monitor.clock import Clock
from monitor.config.values import Influxdb
from monitor.threads import run

MARKER: Final = "sonde_check"
VISIBLE_S: Final = 5.0
"""How long a point that was taken may stay invisible: some stores show it a moment later."""
AGAIN_S: Final = 0.2


class ConnectError(Exception):
    """The store does not work. The text is for people."""


async def connect(influxdb: Influxdb, location: str) -> float:
    """Write a marker and read it back; return the seconds it took. Raises ConnectError."""
    clock = Clock()
    began, at_ns = clock.monotonic(), round(clock.wall() * 1e6) * 1_000
    destination = influxdb.destination
    line = marker_line(MARKER, location, 1.0, at_ns)
    writer = open_influxdb(destination, influxdb.token)
    try:
        await writer.write(gzip.compress(line.encode()))
    except WriteError as error:
        told = f"{words(error.outcome, destination)} ({error})"
        raise ConnectError(f"{_place(destination)} {told}") from error
    finally:
        await writer.close()
    influxql = Influxql(destination, influxdb.token)
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
    return clock.monotonic() - began


async def _seen(influxql: Influxql, at_ns: int) -> bool:
    # A number of our own, and nothing that would have to be bound: InfluxDB 3 binds nothing here.
    return bool(await influxql.rows(f"SELECT value FROM {MARKER} WHERE time = {at_ns}"))  # noqa: S608


def report(influxdb: Influxdb, location: str) -> tuple[str, bool]:
    """Return one line that says how it went, and whether it went well."""
    try:
        seconds = run(connect(influxdb, location))
    except ConnectError as error:
        return str(error), False
    place = _place(influxdb.destination)
    return f"{place} wrote and read back a marker in {1000 * seconds:.0f} ms", True


def _place(destination: Destination) -> str:
    return f"InfluxDB {destination.url} bucket {destination.bucket}:"
