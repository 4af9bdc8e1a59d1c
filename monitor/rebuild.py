"""A new volume's past, from InfluxDB: windows at the start, roll-ups in the background.

Results themselves do not come back: what is rebuilt is never in the ledger's results and is written
to nobody. It ends where this ledger began, so nothing is counted twice. InfluxDB is told of no
slots without a probe: in what is rebuilt, none was missed, held back or refused.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.results import had_at, size_bytes
from aggregator.rollup.bucket import Bucket
from aggregator.rollup.table import Level
from aggregator.stores.history import MOST_RESULTS, HistoryError
from aggregator.stores.influxdb_points import NS, Points, fold, results
from aggregator.stores.influxql import Influxql
from aggregator.stores.rebuild import begin, left, take
from aggregator.window import Windows
from monitor.clock import Clock
from monitor.config.values import Config, Influxdb
from probes.result import ProbeResult

WINDOWS_S: Final = 10.0
"""How long the start waits for InfluxDB; then windows begin with what has come, the newest."""
PAGE_ROWS: Final = 200
"""Points rebuilt in one transaction: some 5 ms of the ledger's writer, as rolling up takes."""
SIZE_SHARE: Final = 0.5
"""Of `store.max_size` that is filled with the past: a full ledger drops its oldest results first,
and those that are measured now matter more."""
FIRST_WAIT_S: Final = 10.0
LONGEST_WAIT_S: Final = 600.0
"""What is not rebuilt yet is missed by nobody but readers of charts."""
TENTHS: Final = 10

log = structlog.get_logger("sonde.rebuild")


class Rebuild:
    """Gives a ledger that is new the past that InfluxDB has of this location."""

    def __init__(
        self,
        config: Config,
        influxdb: Influxdb,
        ledger: Ledger,
        clock: Clock,
        on_rebuilt: Callable[[str], None],
    ) -> None:
        """`on_rebuilt` hears which target's roll-ups have got all of the past that they will."""
        self._targets = [target.name for target in config.targets]
        self._location = config.location
        self._longest_s = max(config.windows_s)
        self._kept_s = config.store.retention_minutes_s
        self._limit_bytes = int(SIZE_SHARE * config.store.max_size_bytes)
        self._ledger = ledger
        self._clock = clock
        self._on_rebuilt = on_rebuilt
        self._influxql = Influxql(influxdb.destination, influxdb.token, influxdb.papers)
        self._points = Points(self._influxql, config.location)
        self._began_ns: int | None = None
        """When the ledger began; None: it has a past of its own, or that is not known."""
        self._left: dict[str, int] = {}
        self._told: set[str] = set()

    async def windows(self, windows: Windows, stop: asyncio.Event) -> None:
        """Fold what was had before this ledger began into windows that are still empty.

        Takes WINDOWS_S at most, and says in one line what came of it. With less than all of it,
        windows are as those of a process that has run for less long. Once `stop` is set nobody
        will look at them: it ends at once.
        """
        now = self._clock.steady()
        try:
            self._began_ns = await self._ledger.write(partial(begin, now_ns=int(now * NS)))
        except LedgerError as error:
            log.error("rebuild.ledger_failed", error=str(error))
        if self._began_ns is None or self._began_ns <= (now - self._longest_s) * NS:
            return
        found: list[ProbeResult] = []
        since_ns = int((now - self._longest_s) * NS)
        try:
            async with asyncio.timeout(WINDOWS_S) as limit, asyncio.TaskGroup() as group:
                ending = group.create_task(_end(limit, stop), name="stop of rebuilding windows")
                trouble = await self._collect(found, since_ns, self._began_ns)
                ending.cancel()
        except TimeoutError:
            if stop.is_set():
                return
            trouble = f"InfluxDB did not tell everything within {WINDOWS_S:g} s"
        await asyncio.to_thread(_ingest, windows, found, now)
        if trouble is None:
            log.info("rebuild.windows", results=len(found))
        else:
            log.warning("rebuild.windows_incomplete", results=len(found), reason=trouble)

    async def _collect(self, found: list[ProbeResult], since_ns: int, until_ns: int) -> str | None:
        """Add what was sent in that time, of all targets, the newest first.

        Returns why that is not all; None when it is.
        """
        try:
            while page := await self._points.newest(since_ns, until_ns):
                found += results(page.rows, self._location)
                if len(found) > MOST_RESULTS:
                    return f"more than {MOST_RESULTS} results: the newest are enough"
                until_ns = page.since_ns
        except HistoryError as error:
            return str(error)
        except Exception:  # the edge of this part: probes go on without it
            log.exception("rebuild.broken")
            return "a bug in Sonde: please report it"
        return None

    async def run(self) -> None:
        """Fill the roll-ups with what was before, back to where minutes are kept; then return."""
        if self._began_ns is None:
            return
        wait_s = FIRST_WAIT_S
        try:
            while not await self._filled(self._began_ns):
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        except Exception:  # the edge of this part: probes go on without it
            log.exception("rebuild.broken")

    async def _filled(self, began_ns: int) -> bool:
        """Fill what can be filled now; say whether that is all."""
        oldest_ns = began_ns - int(self._kept_s * NS)
        first = not self._left
        try:
            self._left = await self._ledger.read(
                partial(left, targets=self._targets, began_ns=began_ns)
            )
            if not self._left:
                return True
            if first:
                log.info("rebuild.began", targets=len(self._left))
            for target, until_ns in tuple(self._left.items()):
                if await self._ledger.read(size_bytes) > self._limit_bytes:
                    log.warning("rebuild.full", targets_left=len(self._left))
                    for each in self._left:
                        self._on_rebuilt(each)
                    return True
                await self._target(target, oldest_ns, until_ns, began_ns)
        except LedgerError as error:
            self._trouble(str(error))
        if not self._left:
            log.info("rebuild.finished")
        return not self._left

    async def _target(self, target: str, oldest_ns: int, until_ns: int, began_ns: int) -> None:
        since = self._clock.monotonic()
        while target in self._left:
            try:
                page = await self._points.newest(oldest_ns, until_ns, target, PAGE_ROWS)
                minutes: defaultdict[int, Bucket] = defaultdict(Bucket)
                if page is not None:
                    fold(minutes, page.rows, Level.MINUTE)
            except HistoryError as error:
                self._trouble(str(error))
                return
            behind_ns = None if page is None else page.since_ns
            taken = await self._ledger.write(
                partial(
                    take,
                    target=target,
                    location=self._location,
                    minutes=minutes,
                    until_ns=until_ns,
                    left_ns=behind_ns,
                )
            )
            if not taken:
                return  # the next round looks where the cursor stands
            self._progress(target, behind_ns, oldest_ns, began_ns)
            until_ns = behind_ns or oldest_ns
            # As long as that took InfluxDB and the ledger are left to others.
            await asyncio.sleep(self._clock.monotonic() - since)
            since = self._clock.monotonic()

    def _progress(self, target: str, behind_ns: int | None, oldest_ns: int, began_ns: int) -> None:
        """Note how far a target has come, and tell each tenth of all."""
        before = self._tenths(oldest_ns, began_ns)
        if behind_ns is None:
            del self._left[target]
            self._on_rebuilt(target)
        else:
            self._left[target] = behind_ns
        after = self._tenths(oldest_ns, began_ns)
        if before != after and self._left:
            log.info("rebuild.progress", done_ratio=after / TENTHS)

    def _tenths(self, oldest_ns: int, began_ns: int) -> int:
        still_ns = sum(until_ns - oldest_ns for until_ns in self._left.values())
        return TENTHS - -(-TENTHS * still_ns // (len(self._targets) * (began_ns - oldest_ns)))

    def _trouble(self, reason: str) -> None:
        """Tell each reason once: it is tried again for as long as it takes."""
        if reason not in self._told:
            self._told.add(reason)
            log.warning("rebuild.trouble", reason=reason)

    async def close(self) -> None:
        """Let go of connections."""
        await self._influxql.close()


async def _end(limit: asyncio.Timeout, stop: asyncio.Event) -> None:
    await stop.wait()
    limit.reschedule(asyncio.get_running_loop().time())


def _ingest(windows: Windows, found: Sequence[ProbeResult], now: float) -> None:
    for result in sorted(found, key=had_at):
        windows.ingest(result, min(now, had_at(result)))
