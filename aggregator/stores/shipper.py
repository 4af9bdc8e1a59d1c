"""Takes what waits in the spool to its store, batch after batch, for ever.

A batch is acknowledged when all of it is settled: stored, or refused line by line. Whatever else
happens, it waits and is written again whole. So nothing is lost, and nothing counts twice.

Lines are quarantined only where the store takes others of the batch: where it takes none, what is
wrong is not in a line (the schema of a bucket, a proxy that refuses everybody), and waiting loses
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.stores.delivery import (
    LONGEST_WAIT_S,
    PEOPLES_WAIT_S,
    Destination,
    Outcome,
    WriteError,
    Writer,
    wait_s,
    words,
)
from aggregator.stores.sifting import Sifting
from aggregator.stores.spool import (
    RANGE,
    Balance,
    Batch,
    Stream,
    balances,
    begin,
    pending_results,
    pending_windows,
    settle,
)

BATCH_LINES: Final = 5_000
"""https://docs.influxdata.com/influxdb/v2/write-data/best-practices/optimize-writes/#batch-writes"""
REST_S: Final = 1.0
"""How old a result may grow before it is written, where no full batch hurries it."""
TRIAL_LINES: Final = 100
"""Of the batch that tries whether a store is back: it grows from there, twice with each success."""
SLOW_S: Final = 2.0
"""A write that took longer halves the next batch: well before a writer's deadline cuts one off."""
LOOK_S: Final = 5.0
"""While a store is down, or a backlog drains: between two looks at the balance and the token."""
FLUSH_S: Final = 2.0
"""How long the last flush may take after a stop; what is left waits for the next start."""
log = structlog.get_logger("sonde.influxdb")


class Shipper:
    """Everything between the spool and one writer."""

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        destination: Destination,
        location: str,
        wall: Callable[[], float],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self.balances: Mapping[Stream, Balance] = MappingProxyType({})
        """As of the last look, a second ago while the ledger answers; empty before the first."""
        self._ledger = ledger
        self._writer = writer
        self._destination = destination
        self._location = location
        self._wall = wall
        self._on_outcome = on_outcome
        self._stopping = asyncio.Event()
        self._end: asyncio.Timeout | None = None
        self._begun = False
        """Whether there is a cursor."""
        self._batch_lines = BATCH_LINES
        self._looked_at = 0.0
        """Loop time of the last look at the balances."""
        self._failed = 0
        """Attempts in a row that came to nothing."""
        self._held_until = dict.fromkeys(Stream, 0.0)
        """Loop time before which a stream is left alone: the store takes none of its lines."""
        self._troubles: dict[tuple[Outcome, Stream | None], float] = {}
        """What goes wrong, and the loop time when it last did: it is told when it begins."""

    async def run(self) -> None:
        """Ship until stopped; then flush once more, within FLUSH_S of the stop."""
        end = self._end = asyncio.timeout(None)
        try:
            async with end:
                while not self._stopping.is_set():
                    await self._rest(await self._turn())
                if self._begun:
                    await self._turn()
        except TimeoutError:
            if not end.expired():  # somebody else's
                raise
        finally:
            self._end = None
            log.info("influxdb.stopped", pending=self._pending())

    def stop(self) -> None:
        """Have `run` end within FLUSH_S."""
        self._stopping.set()
        if self._end is not None:
            self._end.reschedule(_now() + FLUSH_S)

    async def _begin(self) -> None:
        anew = await self._ledger.write(lambda c: begin(c, self._destination))
        self._begun = True
        log.info("influxdb.shipping", bucket=self._destination.bucket, anew=anew)

    async def _rest(self, rest_s: float) -> None:
        """Wait, but not beyond a stop, and not with an old token beyond a new one."""
        until = _now() + rest_s
        while (left_s := until - _now()) > 0:
            try:
                async with asyncio.timeout(min(left_s, LOOK_S)):
                    await self._stopping.wait()
            except TimeoutError:
                await self._look()
            else:
                return
            if (Outcome.TOKEN, None) in self._troubles and self._writer.renewed():
                return

    async def _turn(self) -> float:
        """Ship what waits; return for how long to rest then.

        Whatever goes wrong, it is here: probes go on without the store beside the ledger.
        """
        try:
            if not self._begun:
                await self._begin()
            for stream, read in ((Stream.RESULTS, self._results), (Stream.WINDOWS, self._windows)):
                if self._held_until[stream] <= _now():
                    await self._drain(stream, read)
            await self._look()
        except WriteError as failure:
            self._failed += 1
            self._tell(failure.outcome, None, str(failure))
            return wait_s(failure, self._failed, self._location)
        except LedgerError as error:
            return _ledger_failed(error)
        except Exception as error:  # noqa: BLE001 - the edge of this part: told, counted, tried again
            return self._broken(error)
        return REST_S

    async def _drain(self, stream: Stream, read: Callable[[], Awaitable[Batch]]) -> None:
        more = True
        while more:
            began = _now()
            batch = await read()
            if not batch.lines:
                return
            try:
                await self._ship(batch)
            except WriteError as failure:
                if failure.outcome is not Outcome.REJECTED:
                    raise
                self._held_until[stream] = _now() + PEOPLES_WAIT_S
                self._tell(failure.outcome, stream, f"every line is refused: {failure}")
                return
            if more := batch.full:
                await self._pause(_now() - began)

    async def _pause(self, took_s: float) -> None:
        """Leave store and ledger to others for as long as a batch of a backlog kept them busy.

        So it takes half of what they can do, however much that is. A stop does not wait.
        """
        if _now() - self._looked_at >= LOOK_S:
            await self._look()
        with suppress(TimeoutError):
            async with asyncio.timeout(took_s):
                await self._stopping.wait()

    async def _results(self) -> Batch:
        """Read a batch of results, a range at a time: others read meanwhile."""
        lines: list[bytes] = []
        after: int | None = None
        while True:
            limit = min(RANGE, self._batch_lines - len(lines))
            part = await self._ledger.read(partial(pending_results, after=after, limit=limit))
            lines += part.lines
            after = part.upto
            if not part.full or len(lines) >= self._batch_lines:
                return Batch(Stream.RESULTS, after, lines, part.full)

    async def _windows(self) -> Batch:
        return await self._ledger.read(pending_windows)

    async def _look(self) -> None:
        """Read the balances, for whoever shows them."""
        self._looked_at = _now()
        try:
            self.balances = await self._ledger.read(balances)
        except LedgerError as error:
            _ledger_failed(error)
        except Exception as error:  # noqa: BLE001 - as in a turn
            self._broken(error)

    def _broken(self, error: Exception) -> float:
        """Tell a bug and count it; return for how long to leave everything alone."""
        self._on_outcome(Outcome.BROKEN)
        self._tell(Outcome.BROKEN, None, type(error).__name__, error)
        return LONGEST_WAIT_S

    async def _ship(self, batch: Batch) -> None:
        """Settle one batch. Raises WriteError and LedgerError: then it waits as it is."""
        sifting = Sifting(self._writer, batch.lines, self._note)
        await sifting.run()
        poison, expired = sifting.poison, sifting.expired
        await self._ledger.write(lambda c: settle(c, batch, poison, expired, self._wall()))
        self._failed = 0
        if self._held_until[batch.stream]:
            self._held_until[batch.stream] = 0.0
            self._over([(Outcome.REJECTED, batch.stream)])
        if expired:
            told = f"{expired} points are older than the bucket keeps"
            self._tell(Outcome.EXPIRED, batch.stream, told)
        if poison:
            told = f"{len(poison)} lines are quarantined: {poison[0].reason}"
            self._tell(Outcome.REJECTED, batch.stream, told)
        self._recovered(batch.stream)

    def _note(self, outcome: Outcome, lines: int, took_s: float) -> None:
        self._on_outcome(outcome)
        if outcome is Outcome.TOO_LARGE:
            self._batch_lines = max(1, lines // 2)
        elif outcome in (Outcome.STORED, Outcome.EXPIRED):
            if took_s > SLOW_S:
                self._batch_lines = max(TRIAL_LINES, min(self._batch_lines, lines) // 2)
            else:
                self._batch_lines = min(BATCH_LINES, max(self._batch_lines, 2 * lines))
        elif outcome is not Outcome.REJECTED:
            self._batch_lines = min(self._batch_lines, TRIAL_LINES)

    def _tell(
        self,
        outcome: Outcome,
        stream: Stream | None,
        reason: str,
        bug: Exception | None = None,
    ) -> None:
        """Say that something goes wrong, when it begins; of a bug where."""
        began = (outcome, stream) not in self._troubles
        self._troubles[outcome, stream] = _now()
        if began:
            log.error(
                "influxdb.trouble",
                outcome=outcome.value,
                what=words(outcome, self._destination),
                reason=reason,
                url=self._destination.url,
                pending=self._pending(),
                exc_info=bug,
            )

    def _recovered(self, stream: Stream) -> None:
        """Say what has ended, now that a batch went through.

        Troubles with lines, and bugs, end when none has been met for a minute: they may come and go
        with each batch, and would be told each time.
        """
        self._over(
            [
                (outcome, of)
                for (outcome, of), last_at in self._troubles.items()
                if of in (None, stream)
                and (
                    (of is None and outcome is not Outcome.BROKEN)
                    or _now() - last_at >= PEOPLES_WAIT_S
                )
            ]
        )

    def _over(self, troubles: Sequence[tuple[Outcome, Stream | None]]) -> None:
        for trouble in troubles:
            del self._troubles[trouble]
        if troubles:
            log.info("influxdb.recovered", over=[outcome.value for outcome, _ in troubles])

    def _pending(self) -> int:
        return self.balances.get(Stream.RESULTS, Balance()).pending


def _ledger_failed(error: LedgerError) -> float:
    """Tell it, and return for how long to leave the ledger alone."""
    log.error("influxdb.ledger_failed", error=str(error))
    return LONGEST_WAIT_S


def _now() -> float:
    return asyncio.get_running_loop().time()
