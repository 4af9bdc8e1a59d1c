"""A thread of its own that does blocking work in batches, off the event loop.

While one batch runs, further works gather; they go together in the next one. The thread is a
daemon: a disk that hangs keeps neither the loop waiting nor the interpreter from ending, which an
executor's threads would (they are joined at exit).
"""

import asyncio
import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

Work = Callable[[sqlite3.Connection], object]


class LedgerError(Exception):
    """The ledger cannot be opened, or did not take what it was given. The text is for people."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one work: the value it returned, or the error it ended in."""

    value: object = None
    error: BaseException | None = None


Serve = Callable[[Sequence[Work]], Sequence[Outcome]]
"""Does a batch of works; one outcome each, in their order."""


class _Job(NamedTuple):
    work: Work
    future: asyncio.Future[object]


class Lane:
    """Works in, outcomes out, in order; at most `limit` wait and at most `batch` go together.

    May be used from several event loops; a loop that has closed meanwhile is not told.
    """

    def __init__(
        self,
        name: str,
        serve: Serve,
        finish: Callable[[], None],
        *,
        limit: int,
        batch: int,
        linger_s: float = 0.0,
    ) -> None:
        """Start the thread.

        Where batches follow each other within `linger_s`, works gather for as long for the next: a
        batch has a price of its own (a commit, two changes of thread) that it then shares out. What
        comes behind a lone work (somebody else's, done now and then) need not wait for company.
        """
        self.name = name
        self.rejected = 0
        """Works refused because `limit` others were waiting."""
        self._serve = serve
        self._finish = finish
        self._limit = limit
        self._batch = batch
        self._linger_s = linger_s
        self._gate = threading.Condition()
        """Guards what follows; held for moments only, never while a work runs."""
        self._waiting: deque[_Job] = deque()
        self._running: list[_Job] = []
        self._idle = False
        """Whether the thread waits to be told of a work."""
        self._closing = False
        self._ended: Outcome | None = None
        self._closers: list[asyncio.Future[object]] = []
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def queued(self) -> int:
        """Works that wait for their batch."""
        return len(self._waiting)

    async def submit(self, work: Work, timeout_s: float | None = None) -> object:
        """Have a work done; return its value or raise its error.

        Cancelling this wait takes nothing back: the work is done all the same. Raises LedgerError
        when too many works wait already, when the lane is closed, and when it takes longer than
        `timeout_s` (None: wait for ever).
        """
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._add(_Job(work, future))
        if timeout_s is None:
            return await future
        # A bare timer, because `asyncio.timeout` costs several times as much, at every result.
        fate = f"{self.name} did not answer within {timeout_s:g} s"
        timer = future.get_loop().call_later(timeout_s, _give_up, future, fate)
        try:
            return await future
        finally:
            timer.cancel()

    def _add(self, job: _Job) -> None:
        with self._gate:
            if self._closing:
                raise LedgerError(f"{self.name} is closed")
            if len(self._waiting) >= self._limit:
                self.rejected += 1
                raise LedgerError(f"{self.name} is overloaded: {self._limit} works are waiting")
            self._waiting.append(job)
            if self._idle:  # else it is awake, or will look again by itself
                self._idle = False
                self._gate.notify()

    async def close(self, timeout_s: float) -> None:
        """Take no more works, do what waits, finish.

        Raises LedgerError when that takes longer than `timeout_s` (whoever waits for a work then
        gets one too, for its fate is unknown), or when finishing failed. Cancelling this leaves
        the thread finishing on its own.
        """
        ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        with self._gate:
            self._closing = True
            if self._ended is not None:
                _tell([(ended, self._ended)])
            self._closers.append(ended)
            self._gate.notify()
        try:
            async with asyncio.timeout(timeout_s):
                await ended
        except TimeoutError as error:
            self._abandon()
            raise LedgerError(f"{self.name} did not finish within {timeout_s:g} s") from error

    def _abandon(self) -> None:
        with self._gate:
            left = [*self._running, *self._waiting]
            self._waiting.clear()
        fate = f"{self.name} was given up; whether this was done is unknown"
        _tell([(job.future, Outcome(error=LedgerError(fate))) for job in left])

    def _run(self) -> None:
        linger_s, served_at = 0.0, -math.inf
        while jobs := self._next(linger_s):
            hurried = time.monotonic() - served_at < linger_s + self._linger_s
            try:
                outcomes = self._serve([job.work for job in jobs])
            except Exception as error:  # noqa: BLE001 - a bug there must leave nobody waiting
                outcomes = [Outcome(error=error)] * len(jobs)
            _tell([(job.future, outcome) for job, outcome in zip(jobs, outcomes, strict=True)])
            served_at = time.monotonic()
            linger_s = self._linger_s if hurried else 0.0
        self._end()

    def _next(self, linger_s: float) -> list[_Job]:
        """Wait for works and take a batch of them; none is left and none will come if empty."""
        with self._gate:
            self._running = []
            if linger_s and not self._closing:
                self._gate.wait(linger_s)  # only closing ends it sooner
            while not self._waiting and not self._closing:
                self._idle = True
                self._gate.wait()
            self._idle = False
            number = min(self._batch, len(self._waiting))
            self._running = [self._waiting.popleft() for _ in range(number)]
            return self._running

    def _end(self) -> None:
        try:
            self._finish()
        except Exception as error:  # noqa: BLE001 - handed to whoever closes
            ended = Outcome(error=error)
        else:
            ended = Outcome()
        with self._gate:
            self._ended = ended
            closers = self._closers
        _tell([(closer, ended) for closer in closers])


def _tell(news: Sequence[tuple[asyncio.Future[object], Outcome]]) -> None:
    """Resolve futures in the loops they belong to, one wake-up per loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[object], Outcome]]] = {}
    for future, outcome in news:
        by_loop.setdefault(future.get_loop(), []).append((future, outcome))
    for loop, its in by_loop.items():
        with suppress(RuntimeError):  # the loop has closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, its)


def _give_up(future: asyncio.Future[object], fate: str) -> None:
    if not future.done():
        future.set_exception(LedgerError(fate))


def _resolve(news: Sequence[tuple[asyncio.Future[object], Outcome]]) -> None:
    for future, outcome in news:
        if future.done():  # whoever waited was cancelled, or given up on
            continue
        if outcome.error is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(outcome.error)
