"""What both signals have in common: one request, counted, and told about when things change."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

import structlog
from google.protobuf.message import DecodeError

from aggregator.stores.delivery import Outcome, WriteError
from monitor.clock import Clock
from monitor.otlp.counts import Counts
from monitor.otlp.signal import Dropped, Signal
from monitor.otlp.taken import RETRYABLE
from probes.sanitise import sanitise

SLICE_S: Final = 0.002
"""Encoding done in one go: probes must not wait for it."""

T = TypeVar("T")

log = structlog.get_logger("sonde.otlp")


class Posting(Protocol):
    """What carries requests."""

    async def post(self, signal: Signal, body: bytes) -> bytes:
        """Post a request once; return the answer to what was taken. Raises WriteError."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Line:
    """One signal's way to the endpoint."""

    def __init__(
        self,
        signal: Signal,
        posting: Posting,
        counts: Counts,
        rejected: Callable[[bytes], tuple[int, str]],
    ) -> None:
        """`rejected` reads an answer: how many items it refuses, and why."""
        self.signal = signal
        self.counts = counts
        self._posting = posting
        self._rejected = rejected
        self._last = Outcome.STORED

    async def send(self, body: bytes, items: int) -> WriteError | None:
        """Send a request once; return why it may be tried again, None when there is no need.

        What is refused for good is counted as dropped.
        """
        try:
            answer = await self._posting.post(self.signal, body)
        except WriteError as error:
            self._note(error.outcome, str(error))
            if error.outcome in RETRYABLE:
                return error
            self.counts.dropped(self.signal, Dropped.REFUSED, items)
            return None
        self._note(Outcome.STORED, "")
        refused = min(items, self._partly(answer))
        self.counts.dropped(self.signal, Dropped.REJECTED, refused)
        self.counts.sent(self.signal, items - refused)
        return None

    async def fill(self, items: Iterable[T], add: Callable[[T], None], clock: Clock) -> None:
        """Add items to a request, and let others in between; one that is unfit is dropped alone."""

        def fitting(item: T) -> None:
            try:
                add(item)
            except (ValueError, OverflowError) as error:
                self.counts.dropped(self.signal, Dropped.UNFIT, 1)
                log.warning("otlp.unfit", signal=self.signal.value, error=sanitise(str(error)))

        await in_slices(items, fitting, clock)

    def _partly(self, answer: bytes) -> int:
        """Return how many items a taken request lost; one that cannot be read lost none."""
        try:
            refused, why = self._rejected(answer)
        except DecodeError:
            return 0
        if refused > 0 or why:
            log.warning(
                "otlp.partly_taken", signal=self.signal.value, refused=refused, error=sanitise(why)
            )
        return max(0, refused)

    def _note(self, outcome: Outcome, error: str) -> None:
        """Count an outcome; tell of it when it is another than before."""
        self.counts.request(self.signal, outcome)
        if outcome is not self._last:
            tell = log.info if outcome is Outcome.STORED else log.warning
            tell("otlp.answered", signal=self.signal.value, outcome=outcome.value, error=error)
        self._last = outcome


async def in_slices(items: Iterable[T], do: Callable[[T], None], clock: Clock) -> None:
    """Do something to each item, and let others in between."""
    began = clock.monotonic()
    for item in items:
        do(item)
        if clock.monotonic() - began > SLICE_S:
            await asyncio.sleep(0)
            began = clock.monotonic()
