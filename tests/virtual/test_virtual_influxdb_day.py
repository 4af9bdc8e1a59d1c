"""A day without InfluxDB, in virtual time: at every moment each point is somewhere."""

import asyncio
import gzip
import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, drop_oldest, size_bytes
from aggregator.stores.delivery import Outcome, WriteError
from aggregator.stores.shipper import BATCH_LINES, Shipper
from aggregator.stores.spool import SPOOL, Stream, balances, bound_windows, keep_windows
from tests.unit.aggregator.stores.shelf import Shelf
from tests.unit.aggregator.stores.spools import HERE, fill

pytestmark = pytest.mark.looptime(noop_cycles=0)

STEP_S = 120
DAY_STEPS = 86_400 // STEP_S
AFTER_STEPS = 60
"""Two hours, in which results go on and the backlog must drain beside them."""
REFUSED_EVERY = 211
"""One point in so many has a fault of its own."""
DOWN = (
    WriteError(Outcome.UNREACHABLE, "Connection refused"),
    WriteError(Outcome.TIMEOUT, "no answer within 10 s"),
    WriteError(Outcome.UNAVAILABLE, "answered 503"),
    WriteError(Outcome.THROTTLED, "answered 429", retry_after_s=45.0),
    WriteError(Outcome.TOKEN, "answered 401"),
    WriteError(Outcome.BUCKET, "answered 404"),
)
# A life takes some ten seconds: one in each run, and another one in the next.
RUNS = settings(
    max_examples=1, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def second(line: bytes) -> int:
    """Return a point's place in time, which is its number in its stream."""
    return int(line.rpartition(b" ")[2]) // 10**9


class AtOnce(ThreadPoolExecutor):
    """Does in place what would go to a thread: virtual time does not wait for one."""

    # Any: as the method it stands in for.
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Stormy(Shelf):
    """A store that is out of order in one way after the other, and slow when it comes back."""

    def __init__(self, luck: random.Random) -> None:
        super().__init__()
        self.luck = luck
        self.arrived: dict[bytes, list[int]] = {b"api_probe": [], b"api_window": []}
        """Points of each stream in the order in which they first came in."""
        self.well = False
        self.flapping = False
        self.refused = lambda line: second(line) % REFUSED_EVERY == 7

    def turn(self) -> None:
        """Have another face from now on."""
        self.flapping = self.luck.random() < 0.2
        self.failure = self.luck.choice(DOWN)

    async def write(self, body: bytes) -> int:
        well = self.well or (self.flapping and self.luck.random() < 0.3)
        if not well:
            return await super().write(body)
        down, self.failure = self.failure, None
        before = set(self.points)
        try:
            await asyncio.sleep(self.luck.choice((0.01, 0.1, 3.0)))
            expired = await super().write(body)
        finally:
            self.failure = down
            for line in gzip.decompress(body).split(b"\n"):
                self._arrive(line, before)
        if self.luck.random() < 0.1:  # it was stored, and we do not hear of it
            raise WriteError(Outcome.TIMEOUT, "no answer within 10 s")
        return expired

    def _arrive(self, line: bytes, before: set[tuple[bytes, bytes]]) -> None:
        identity = (line.split(b" ")[0], line.rpartition(b" ")[2])
        if identity in self.points and identity not in before:
            self.arrived[line.partition(b",")[0]].append(second(line))


class Lived:
    """A ledger, the store beside it, and our own account of both."""

    def __init__(self, folder: Path, seed: int, limit_bytes: int | None) -> None:
        self.luck = random.Random(seed)
        self.shelf = Stormy(self.luck)
        self.ledger = Ledger.open(folder / "ledger.db", (RESULTS, SPOOL), inline=True)
        self.limit_bytes = limit_bytes
        self.produced = dict.fromkeys(Stream, 0)
        self.dropped: dict[Stream, set[int]] = {stream: set() for stream in Stream}
        self.shipping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ship, as a process that has just started; one before it was killed."""
        if self.shipping is not None:
            self.shipping.cancel()
            with suppress(asyncio.CancelledError):
                await self.shipping
        shipper = Shipper(self.ledger, self.shelf, HERE, "here", lambda: 0.0, lambda _outcome: None)
        self.shipping = asyncio.ensure_future(shipper.run())
        await asyncio.sleep(0.001)

    async def step(self) -> None:
        """Go on measuring for STEP_S, and keep the ledger within its size."""
        since = self.produced[Stream.RESULTS]
        until = since + self.luck.randint(1, 12)
        await self.ledger.write(lambda c: fill(c, range(since, until)))
        self.produced[Stream.RESULTS] = until
        window = self.produced[Stream.WINDOWS]
        points = [f"api_window,n=1 c=1 {n}000000000" for n in range(window, window + 3)]
        await self.ledger.write(partial(keep_windows, lines=points, at=0.0))
        self.produced[Stream.WINDOWS] += 3
        if self.limit_bytes is not None:
            await self.ledger.write(self._make_room)
        await asyncio.sleep(STEP_S)
        await self.ledger.read(self._balanced)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        assert self.limit_bytes is not None
        waited = dict(_waiting(connection))
        while size_bytes(connection) > self.limit_bytes:
            drop_oldest(connection, 20)
        bound_windows(connection, self.limit_bytes // 40)
        left = dict(_waiting(connection))
        for stream, waiting in waited.items():
            self.dropped[stream] |= waiting - left[stream]

    def _balanced(self, connection: sqlite3.Connection) -> None:
        waiting = dict(_waiting(connection))
        for stream, found in balances(connection).items():
            assert found.produced == self.produced[stream]
            assert found.pending == len(waiting[stream])
            assert found.dropped == len(self.dropped[stream])
            settled = found.stored + found.dropped + found.quarantined
            assert found.produced == settled + found.pending


def _waiting(connection: sqlite3.Connection) -> Iterator[tuple[Stream, set[int]]]:
    """Yield the points that wait, row by row and by their numbers."""
    behind = "> (SELECT acknowledged FROM shipped WHERE stream = ?)"
    rows = connection.execute(f"SELECT at FROM results WHERE id {behind}", ("results",))
    yield Stream.RESULTS, {int(at) for (at,) in rows}
    rows = connection.execute(f"SELECT lines FROM window_points WHERE id {behind}", ("windows",))
    lines = (line for (packed,) in rows for line in gzip.decompress(packed).split(b"\n"))
    yield Stream.WINDOWS, {second(line) for line in lines}


async def live(lived: Lived) -> None:
    """A day of storm with three sudden ends of the process, then two hours of good weather."""
    killed = set(lived.luck.sample(range(DAY_STEPS), 3))
    turning = 0
    await lived.start()
    for step in range(DAY_STEPS):
        if step >= turning:
            lived.shelf.turn()
            turning = step + lived.luck.randint(3, 90)
        if step in killed:
            await lived.start()
        await lived.step()
    lived.shelf.well = True
    for _ in range(AFTER_STEPS):
        await lived.step()


async def judge(lived: Lived) -> None:
    """Nothing waits, and what was measured is in the store, refused, or counted as dropped."""
    found = await lived.ledger.read(balances)
    for stream, measurement in ((Stream.RESULTS, b"api_probe"), (Stream.WINDOWS, b"api_window")):
        balance, dropped = found[stream], lived.dropped[stream]
        every = range(lived.produced[stream])
        bad = {n for n in every if n % REFUSED_EVERY == 7}
        arrived = lived.shelf.arrived[measurement]
        assert balance.pending == 0
        assert arrived == sorted(set(arrived))
        assert set(arrived) | bad | dropped == set(every)
        assert balance.stored == len(set(arrived) - dropped)
        assert balance.quarantined == len(bad - dropped)
        assert balance.dropped == len(dropped)
    assert max(lived.shelf.written) <= BATCH_LINES


async def a_day(seed: int, limit_bytes: int | None) -> Lived:
    asyncio.get_running_loop().set_default_executor(AtOnce())
    with TemporaryDirectory() as folder, capture_logs():
        lived = Lived(Path(folder), seed, limit_bytes)
        try:
            await live(lived)
            await judge(lived)
        finally:
            assert lived.shipping is not None
            lived.shipping.cancel()
            await asyncio.wait([lived.shipping])
            await lived.ledger.close()
    return lived


@RUNS
@given(seed=st.integers(0, 2**32))
async def test_a_day_without_influxdb_loses_nothing(seed: int) -> None:
    """Down in every way, flapping, slow to recover, killed thrice: stored once, and in order."""
    lived = await a_day(seed, None)
    assert not any(lived.dropped.values())


@RUNS
@given(seed=st.integers(0, 2**32))
async def test_what_a_day_has_no_room_for_is_counted_point_by_point(seed: int) -> None:
    """Under a size that is too small the oldest go: exactly those are counted as dropped."""
    lived = await a_day(seed, 600_000)
    assert all(lived.dropped.values())
