"""One attempt: the request goes out, the answer is read under three deadlines.

The whole exchange has one deadline, whatever the server does. A stream has two more, one for its
first token (from the departure of the request) and one between tokens; comments and empty chunks
move neither. An attempt that met a deadline keeps what it has seen until then: its latency is at
least the deadline that passed.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from probes.classify import Classified, classify_failure, classify_response
from probes.expect import judge
from probes.hints import Hint
from probes.lag import LagMeter
from probes.operation import Fold, OperationSpec
from probes.outcome import NO_HEADERS, Outcome
from probes.pace import Pace
from probes.reading import Reading
from probes.reference import Reference
from probes.result import Fault, Verdict
from probes.sanitise import sanitise
from probes.target import Target
from probes.verdicts import WireFailure
from probes.wire.exchange import SMALL_BYTES, Exchange
from probes.wire.failure import ExchangeError
from probes.wire.response import Piece
from probes.wire.timeline import Phase, Timeline

ERROR_BODY_BYTES: Final = 64 * 1024
"""How much of an error's body is read: its meaning stands at the beginning."""
ERROR_BODY_S: Final = 2.0
"""And for how long. With the status we know the outcome; the rest only says why."""
FLOOD_BYTES: Final = 128 * 1024
"""Twice the largest honest answer. If it took us too long to read more than this, it is not our
fault: a user's client would not have got through it either."""
BLOCKED_S: Final = 0.1
"""A deadline that passed while our loop stood still for this long says nothing about the server:
the answer may have been there, unread."""
_UNANSWERED: Final[Mapping[Phase, Hint]] = MappingProxyType(
    {Phase.RESOLVE: Hint.RESOLVER, Phase.CONNECT: Hint.UNANSWERED}
)
"""Phases in which a deadline that passes says what to look at."""


class Attempt:
    """One exchange with one target."""

    def __init__(
        self,
        target: Target,
        spec: OperationSpec,
        exchange: Exchange,
        timeline: Timeline,
        lag: LagMeter,
        secrets: tuple[str, ...],
        reference: Reference | None = None,
    ) -> None:
        self._target = target
        self._spec = spec
        self._exchange = exchange
        self._timeline = timeline
        self._lag = lag
        self._secrets = secrets
        self._reference = reference
        self._began = time.monotonic()
        self._fold: Fold | None = None
        self._refused_with: tuple[int, str, bytearray] | None = None
        self._doubtful_s: set[float] = set()
        """Offsets of tokens that are not to be believed."""

    async def run(self, deadline_at: float) -> Outcome:
        """Send, read, judge. `deadline_at` is on the loop's clock.

        Raises nothing for what the server or the network does. The connection is given back or
        cut by the time this returns or raises, cancellation included.
        """
        try:
            try:
                outcome = await self._under_deadlines(deadline_at)
            except ExchangeError as error:
                return self._failed(error)
            # The outcome is known: what the server does now can not change it any more.
            await self._exchange.finish()
            return outcome
        finally:
            self._exchange.end()

    async def _under_deadlines(self, deadline_at: float) -> Outcome:
        pace: Pace | None = None
        try:
            async with asyncio.timeout_at(deadline_at) as timeout:
                with Pace(timeout) as pace:
                    return await self._converse(pace, deadline_at)
        except TimeoutError:
            if self._refused_with is not None:  # a head that says it all, and a body that stalls
                return self._refusal(*self._refused_with)
            if pace is not None and pace.expired:
                raise self._out_of_pace(pace) from None
            raise self._out_of_time(deadline_at, "deadline", self._target.deadline_s) from None
        finally:
            self._timeline.on_departure = None

    async def _converse(self, pace: Pace, deadline_at: float) -> Outcome:
        if self._target.stream:
            wait_s = self._target.first_token_deadline_s
            self._timeline.on_departure = lambda at: pace.move(at + wait_s)
        status = await self._exchange.send()
        headers = self._exchange.headers or NO_HEADERS
        unfit = self._unfit(status, headers.get("content-type", ""))
        if unfit is not None:
            pace.move(None)
            return await self._refused(status, unfit)
        if self._target.stream:
            return self._answered(await self._streamed(pace))
        reading = await self._plain()
        if time.monotonic() > deadline_at and self._is_flood():
            raise TimeoutError  # it was we who read for too long, but only because of its size
        return self._answered(reading)

    def _unfit(self, status: int, content_type: str) -> str | None:
        """Say what makes this head not that of a proper answer; "" for an error status."""
        if not 200 <= status <= 299:
            return ""
        told = content_type.partition(";")[0].strip()
        kind = told.lower()  # not what is shown: a secret would not be known again
        if self._target.stream:
            fits, wanted = kind == "text/event-stream", "an event stream"
        else:
            fits, wanted = kind == "application/json" or kind.endswith("+json"), "JSON"
        return None if fits else f"{told or 'no content type'} instead of {wanted}: "

    async def _refused(self, status: int, complaint: str) -> Outcome:
        body = bytearray()
        self._refused_with = (status, complaint, body)
        if not 300 <= status <= 399:
            await self._read_error(body)
        return self._refusal(status, complaint, body)

    def _refusal(self, status: int, complaint: str, body: bytearray) -> Outcome:
        headers = self._exchange.headers or NO_HEADERS
        found = classify_response(
            status, headers, bytes(body), preset=self._target.preset, secrets=self._secrets
        )
        detail = sanitise(complaint + found.detail, self._secrets)
        return self._outcome(replace(found, detail=detail), None)

    async def _read_error(self, body: bytearray) -> None:
        try:
            async with asyncio.timeout(ERROR_BODY_S):
                await self._exchange.body_into(body, ERROR_BODY_BYTES)
        except (TimeoutError, ExchangeError):
            return  # the status is what counts; what came of the body is in `body`

    async def _plain(self) -> Reading:
        body = bytearray()
        await self._exchange.body_into(body, self._timeline.limit_bytes + 1)
        return self._spec.read(bytes(body), secrets=self._secrets)

    async def _streamed(self, pace: Pace) -> Reading:
        if self._spec.fold is None:
            raise ExchangeError(WireFailure.MONITOR, "this operation has no streams")
        fold = self._fold = self._spec.fold(secrets=self._secrets)

        def take(piece: Piece) -> bool:
            self._feed(fold, piece)
            self._keep_pace(fold, pace)
            return fold.done

        while not fold.done:
            pieces = await self._exchange.pieces(take)
            if pieces is None:
                break
            for piece in pieces:
                for start in range(0, len(piece.data), SMALL_BYTES):
                    if start:
                        await asyncio.sleep(0)
                    self._feed(fold, piece._replace(data=piece.data[start : start + SMALL_BYTES]))
                self._keep_pace(fold, pace)
        pace.move(None)
        return fold.close(self._timeline.ended(time.monotonic()))

    def _feed(self, fold: Fold, piece: Piece) -> None:
        """Fold in a piece; of a pile only the last bytes came when it says, whatever they are."""
        at_s = self._timeline.offset(piece.at)
        fold.feed(piece.data, at_s)
        if piece.piled and fold.events_in_last_feed:
            self._doubtful_s.add(at_s)

    def _keep_pace(self, fold: Fold, pace: Pace) -> None:
        departed_at, sent_s = self._timeline.departed_at, self._timeline.sent_s
        if fold.last_token_s is not None and departed_at is not None and sent_s is not None:
            token_at = departed_at - sent_s + fold.last_token_s
            pace.move(token_at + self._target.idle_deadline_s)

    def _answered(self, reading: Reading) -> Outcome:
        reading = judge(reading, self._target, self._reference, secrets=self._secrets)
        cut = reading.fault is Fault.REQUEST and reading.finish_reason == "length"
        hint = Hint.TOO_FEW_TOKENS if cut else None
        found = Classified(reading.verdict, reading.fault, reading.detail, hint)
        return self._outcome(found, reading)

    def _outcome(
        self, found: Classified, reading: Reading | None, total_s: float | None = None
    ) -> Outcome:
        if total_s is None:
            ended_s = reading.ended_s if reading is not None else None
            total_s = self._timeline.ended(time.monotonic()) if ended_s is None else ended_s
        return Outcome(
            found=found,
            total_s=total_s,
            status=self._exchange.status,
            headers=self._exchange.headers,
            reading=reading,
            tainted=self._tainted(reading),
        )

    def _tainted(self, reading: Reading | None) -> bool:
        """Say whether a time we tell is doubtful; between the first and the last none is told."""
        if reading is None:
            return False
        told = (reading.first_token_s, reading.first_visible_token_s, reading.last_token_s)
        return not self._doubtful_s.isdisjoint(told)

    def _failed(self, error: ExchangeError) -> Outcome:
        """Keep what was seen: token times of a stream that broke are true."""
        found = classify_failure(error.kind, error.detail, hint=error.hint, secrets=self._secrets)
        now_s = self._now_s() if error.after_s is None else error.after_s
        reading = self._fold.close(now_s) if self._fold is not None else None
        if error.kind is WireFailure.TRUNCATED and reading and reading.verdict is not Verdict.OK:
            found = Classified(reading.verdict, reading.fault, reading.detail)
        return self._outcome(found, reading, now_s)

    def _out_of_pace(self, pace: Pace) -> ExchangeError:
        passed_at = pace.due or time.monotonic()
        last_s = self._fold.last_token_s if self._fold is not None else None
        if last_s is None:
            from_s, which = self._timeline.sent_s or 0.0, "first-token deadline"
            wait_s = self._target.first_token_deadline_s
        else:
            from_s, which = last_s, "idle deadline"
            wait_s = self._target.idle_deadline_s
        error = self._out_of_time(passed_at, which, wait_s)
        error.after_s = from_s + wait_s
        return error

    def _out_of_time(self, passed_at: float, which: str, wait_s: float) -> ExchangeError:
        now = time.monotonic()
        blocked_s = max(now - passed_at, self._lag.worst_since(passed_at, now))
        if blocked_s > BLOCKED_S and not self._is_flood():
            detail = f"the {which} passed while our own loop stood still for {blocked_s:.1f} s"
            return ExchangeError(WireFailure.MONITOR, detail, hint=Hint.BUSY)
        detail = f"{which} of {wait_s:g} s passed {self._phase()}"
        hint = _UNANSWERED.get(self._timeline.phase)
        return ExchangeError(WireFailure.TIMEOUT, detail, after_s=wait_s, hint=hint)

    def _is_flood(self) -> bool:
        return self._timeline.wire_bytes > FLOOD_BYTES

    def _phase(self) -> str:
        if self._timeline.phase is not Phase.BODY:
            return str(self._timeline.phase)
        if self._fold is None:
            return "while reading the body"
        waiting = self._fold.last_token_s is None
        return "while waiting for the first token" if waiting else "in the middle of the stream"

    def _now_s(self) -> float:
        """Return the offset of now; before the departure, the time since the attempt began."""
        now = time.monotonic()
        if self._timeline.departed_at is None:
            return now - self._began
        return self._timeline.offset(now)
