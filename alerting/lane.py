"""One channel's lane: what is sent there next, and what becomes of it.

A lane sends one notification at a time: first what is kept in memory because the ledger took no
writes, then the rows of the outbox; of each alert in the order in which things happened, over both.
A row that was sent but could not be marked is not sent again: its mark is owed.
"""

# ruff: noqa: SLF001 - a lane that follows takes over what another of its own class has

import asyncio
import sqlite3
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from pathlib import Path
from traceback import extract_tb
from typing import Final, TypeGuard

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting import outbox
from alerting.consent import FREE, Consent, Leave, Word
from alerting.notification import SEND_BUDGET_S, DeliveryError, Notification, Notifier, Status
from alerting.pace import Pace
from alerting.patience import LEDGER_PAUSE_S, PatientLedger
from alerting.retry import Dead, Retry, decide
from alerting.volatile import Kept, Volatile

LONGEST_REST_S: Final = 60.0
"""A lane looks at its rows at least this often, should a wake-up ever be missing."""
SHORTEST_REST_S: Final = 0.01
"""A lane whose next row is due this instant by one clock and not by another must not spin."""

log = structlog.get_logger("sonde.deliver")

Mark = Callable[[sqlite3.Connection], None]


class Outcome(StrEnum):
    """What one attempt came to, or that none will be made: a metric label."""

    SENT = "sent"
    RETRIED = "retried"
    DEAD = "dead"
    DROPPED = "dropped"
    """Never sent: too many others were waiting in memory."""
    SUPERSEDED = "superseded"
    """It could not be sent until a newer message said how things stand."""
    TOLD = "told"
    """Another replica told it."""


OnOutcome = Callable[[str, Outcome], None]

Fate = Retry | Dead | Leave | None
"""What follows from an attempt: None: it was sent; a Leave: none was made."""


@dataclass(frozen=True, slots=True)
class _Owed:
    """A mark the ledger has not taken yet."""

    mark: Mark
    row: outbox.Row
    """The row as it is after the mark."""
    retry_at: float = inf
    """When the row may be tried again; never, once it is settled."""


class Lane:
    """One channel: its notifier, its pace, what it keeps in memory, what it owes the ledger."""

    def __init__(
        self,
        channel: str,
        notifier: Notifier,
        ledger: Ledger,
        now: Callable[[], float],
        on_outcome: OnOutcome,
        most_per_hour: int | None = None,
        consent: Consent = FREE,
    ) -> None:
        """`most_per_hour`: attempts the channel allows in any hour; None: as many as there are."""
        self.channel = channel
        self._pace = Pace(channel, most_per_hour)
        self.notifier = notifier
        self._consent = consent
        self._asked: dict[int, float] = {}
        """Rows others may be telling, by number: the loop time at which to ask for them again."""
        self._ledger = PatientLedger(channel, ledger)
        self._now = now
        self._on_outcome = on_outcome
        self._awake = asyncio.Event()
        self._stopping = False
        self._followed = False
        """Whether another lane has what this one had in memory, and goes on for the channel."""
        self._ended = False
        self._volatile = Volatile()
        self._saved_seq = 0
        """Number of the newest row when something was moved from memory into the outbox."""
        self._owed: dict[int, _Owed] = {}
        """By row number."""

    def allow(self, most_per_hour: int | None) -> None:
        """Make at most so many attempts in any hour from now on, those made lately among them."""
        self._pace.allow(most_per_hour)

    def follow(self, before: "Lane") -> None:
        """Go on for the channel where `before`, which ends after the attempt in hand, leaves off.

        What it kept in memory, the marks it owes and what the hour has seen are this one's; that
        the receiver of before was to be left alone for a while is not, for this may be another.
        """
        self._volatile, self._owed = before._volatile, before._owed
        self._saved_seq = before._saved_seq
        self._pace.follow(before._pace)
        before._followed = before._stopping = True
        before._awake.set()

    def wake(self) -> None:
        """Look at the outbox now: rows were written, so the ledger works."""
        self._ledger.reopen()
        self._awake.set()

    def stop(self) -> None:
        """Finish the attempt in hand, try once what else waits, end."""
        self._stopping = True
        self._awake.set()

    def offer(self, notification: Notification, after_seq: int) -> None:
        """Keep in memory what stands between row `after_seq` and the next, and send it."""
        if self._ended:
            self._tell_lost(notification)
            return
        after_seq = max(after_seq, self._saved_seq)
        gone = self._volatile.add(notification, after_seq, _loop_time())
        if gone is not None:
            self._on_outcome(self.channel, Outcome.DROPPED)
            log.error("notification.dropped", channel=self.channel, id=gone.id)
        self._awake.set()

    async def run(self, after: Collection[asyncio.Task[None]] = ()) -> None:
        """Make attempt after attempt until stopped, beginning once the tasks `after` have ended.

        Whatever is left in memory then is lost, unless another lane follows.
        """
        try:
            if after:
                await asyncio.wait(after)
            tried: frozenset[str] = frozenset()
            while not self._stopping:
                self._awake.clear()  # before looking: what comes after the look wakes us
                tried = await self._turn(frozenset())
                if not tried:
                    await self._save_left()  # the ledger may take again what it would not
                    await self._rest(await self._idle_s())
            if not self._followed:
                await self._finish(tried)
        finally:
            self._ended = True
            for kept in () if self._followed else self._volatile.left():
                self._tell_lost(kept.notification)

    async def _finish(self, tried: frozenset[str]) -> None:
        """Try everything once that has not just been tried: an attempt in hand is not repeated."""
        self._ledger.reopen()
        while not self._followed and (found := await self._turn(tried, last=True)):
            tried |= found
        if not self._followed:
            await self._save_left(last=True)

    async def _save_left(self, *, last: bool = False) -> None:
        """Put what memory would lose behind the rows of its alert, if that is its place.

        At the `last` it may stand behind its own successor, which is a row already: better than to
        be lost.
        """
        left = self._volatile.left()
        if not left:
            return
        alerts, later_s = self._volatile.fingerprints(), self._now() - _loop_time()

        def work(connection: sqlite3.Connection) -> tuple[tuple[Kept, ...], int]:
            rows = outbox.places(connection, self.channel, alerts)
            found = tuple(
                kept
                for place, kept in enumerate(left)
                if not _overtaken(kept, left if last else left[: place + 1], rows)
            )
            for kept in found:
                next_at = kept.next_at + later_s if kept.next_at else 0.0
                offered_at = kept.offered_at + later_s
                outbox.take_up(
                    *(connection, kept.notification, self.channel),
                    *(offered_at, kept.attempts, next_at),
                )
            return found, outbox.last_seq(connection)

        try:
            saved, self._saved_seq = await self._ledger.write(work)
        except LedgerError:  # told; at the end what is left is told as lost
            return
        for kept in saved:
            self._volatile.let_go(kept)
        for kept in self._volatile.left():
            if kept not in left:  # it was offered while we wrote, and comes after that
                kept.after_seq = max(kept.after_seq, self._saved_seq)

    async def _turn(self, tried: AbstractSet[str], *, last: bool = False) -> frozenset[str]:
        """Deal with one notification, if it is any's turn; return its id, or nothing.

        Those `tried` are left alone. The `last` turns do not wait out what memory would lose.
        """
        kept = await self._next_kept(tried, last=last)
        if kept is not None:
            await self._attempt_kept(kept)
            return frozenset({kept.notification.id})
        await self._settle()
        row = await self._next_row(tried)
        if row is not None:
            await self._attempt_row(row)
            return frozenset({row.id})
        return frozenset()

    async def _rest(self, rest_s: float) -> None:
        try:
            async with asyncio.timeout(rest_s):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _idle_s(self) -> float:
        """Return for how long there is nothing to do, unless somebody wakes us."""
        now = _loop_time()
        waits = [LONGEST_REST_S, self._pace.held_s, self._ledger.shut_s()]
        waits += [owed.retry_at - now for owed in self._owed.values()]
        waits += [again_at - now for again_at in self._asked.values()]
        waits += [kept.next_at - now for kept in self._volatile.heads()]
        if self._owed or len(self._volatile):
            waits.append(LEDGER_PAUSE_S)  # they may wait for each other
        elif not self._pace.held_s:
            waits.append(await self._next_row_s())
        return max(SHORTEST_REST_S, min(wait for wait in waits if wait > 0))

    async def _next_row_s(self) -> float:
        asked = self._still_asked()  # a wait that ended while we looked is over, and its row due
        try:
            next_at = await self._ledger.read(lambda c: outbox.next_due_at(c, self.channel, asked))
        except LedgerError:  # told, and looked at again when it is asked again
            return LEDGER_PAUSE_S
        return LONGEST_REST_S if next_at is None else max(SHORTEST_REST_S, next_at - self._now())

    async def _next_kept(self, tried: AbstractSet[str], *, last: bool) -> Kept | None:
        """Return what goes out from memory next: nothing overtakes an earlier row of its alert.

        While the rows cannot be read a firing one goes all the same, for people must know; a
        resolved one waits, for alone it would confuse them.
        """
        before = inf if last else _loop_time()
        due = [
            kept
            for kept in self._volatile.heads()
            if kept.next_at <= before and kept.notification.id not in tried
        ]
        if not due or self._pace.held_s:
            return None
        alerts = [kept.notification.order for kept in due]
        try:
            rows = await self._ledger.read(lambda c: outbox.places(c, self.channel, alerts))
        except LedgerError:
            return next((kept for kept in due if kept.notification.status is Status.FIRING), None)
        return next((kept for kept in due if not self._behind(kept, rows)), None)

    def _behind(self, kept: Kept, rows: tuple[outbox.Place, ...]) -> bool:
        settled = self._settled()
        return any(
            row.fingerprint == kept.notification.order
            and row.seq <= kept.after_seq
            and row.seq not in settled
            for row in rows
        )

    def _settled(self) -> AbstractSet[int]:
        return {seq for seq, owed in self._owed.items() if owed.retry_at == inf}

    async def _attempt_kept(self, kept: Kept) -> None:
        self._volatile.take(kept)
        attempt, age_s = kept.attempts + 1, _loop_time() - kept.offered_at
        fate, error = await self._send(kept.notification, attempt, age_s)
        if _waits(fate):
            self._volatile.wait(kept, _loop_time() + fate.wait_s)
            return
        if isinstance(fate, Retry):
            self._volatile.retry(kept, _loop_time() + fate.wait_s)
        else:
            self._volatile.settle(kept, error)
        self._tell(kept.notification.id, kept.notification.alertname, attempt, fate, error)

    async def _next_row(self, tried: AbstractSet[str]) -> outbox.Row | None:
        """Return the row that goes out next; None also when the ledger cannot be read."""
        if self._pace.held_s:
            return None
        now, loop_now = self._now(), _loop_time()
        settled = self._settled()
        waiting = {seq for seq, owed in self._owed.items() if loop_now < owed.retry_at < inf}
        waiting |= self._still_asked()
        # Of each alert one row is due at most, so this is enough to find one that may go.
        limit = 1 + len(tried) + len(self._volatile.fingerprints())
        try:
            rows = await self._ledger.read(
                lambda c: outbox.due(c, self.channel, now, limit, settled, waiting)
            )
        except LedgerError:  # told; rows wait until it can be read again
            return None
        for row in rows:
            held_back = self._volatile.holds_back(row.fingerprint, row.seq)
            known = self._volatile.fate(row.id) is not None
            if row.id not in tried and (known or not held_back):
                owed = self._owed.get(row.seq)
                return row if owed is None else owed.row
        return None

    def _still_asked(self) -> AbstractSet[int]:
        """Return the rows others may be telling, but for those that are to be asked for now."""
        now = _loop_time()
        self._asked = {seq: at for seq, at in self._asked.items() if now < at}
        return self._asked.keys()

    async def _attempt_row(self, row: outbox.Row) -> None:
        """Send one row once, and mark what came of it."""
        known = self._volatile.fate(row.id)
        if known is not None:  # sent from memory, then committed after all
            await self._mark(row, Dead(known) if known else None, known)
            log.info("notification.settled_before", channel=self.channel, id=row.id)
            return
        fate: Fate
        try:
            notification = outbox.decode(row.payload)
        except ValueError as damage:
            alertname, error = "?", f"unreadable row: {damage}"
            fate = Dead(error)
        else:
            alertname, age_s = notification.alertname, self._now() - row.created_at
            fate, error = await self._send(notification, row.attempts + 1, age_s)
        if _waits(fate):
            self._asked[row.seq] = _loop_time() + fate.wait_s
            return
        if not isinstance(fate, Retry):
            self._volatile.remember(row.id, error)
        await self._mark(row, fate, error)
        self._tell(row.id, alertname, row.attempts + 1, fate, error)

    async def _send(
        self, notification: Notification, attempt: int, age_s: float
    ) -> tuple[Fate, str]:
        """Make one attempt, given leave; return what follows from it and what was wrong."""
        leave = await self._consent.ask(self.channel, notification)
        if leave.word is not Word.GO:
            return leave, ""
        self._pace.attempt()
        failure = await self._failure_of(leave.notification)
        await self._consent.settled(self.channel, leave.notification, told=failure is None)
        if failure is None:
            return None, ""
        fate = decide(failure, notification_id=notification.id, attempt=attempt, age_s=age_s)
        if isinstance(fate, Dead):
            return fate, fate.reason
        if fate.hold_channel:
            self._pace.hold(fate.wait_s)
        return fate, str(failure)

    async def _failure_of(self, notification: Notification) -> DeliveryError | None:
        try:
            async with asyncio.timeout(SEND_BUDGET_S):
                await self.notifier.send(notification)
        except DeliveryError as error:
            return error
        except asyncio.CancelledError:
            log.warning("notification.cut_short", channel=self.channel, id=notification.id)
            raise
        except TimeoutError:
            return DeliveryError(f"no answer within {SEND_BUDGET_S:.0f} s", retryable=True)
        except Exception as error:  # noqa: BLE001 - the channel's edge: a bug there stops no other
            return DeliveryError(f"bug in the notifier: {_place(error)}", retryable=False)
        return None

    async def _mark(self, row: outbox.Row, fate: Fate, error: str) -> None:
        """Note in the ledger what became of a row; when it will not have that, owe it."""
        now = self._now()
        owed = _Owed(lambda c: outbox.mark_sent(c, row.seq, now), row)
        if isinstance(fate, Dead):
            owed = _Owed(lambda c: outbox.mark_dead(c, row.seq, error), row)
        elif isinstance(fate, Leave):
            owed = _Owed(lambda c: outbox.mark_told(c, row.seq, now), row)
        elif fate is not None:
            wait_s = fate.wait_s
            owed = _Owed(
                lambda c: outbox.mark_retry(c, row, now + wait_s, error),
                replace(row, attempts=row.attempts + 1),
                _loop_time() + wait_s,
            )
        self._owed[row.seq] = owed  # owed while we wait: a cancelled wait forgets nothing
        await self._settle()

    async def _settle(self) -> None:
        """Write the marks that are owed."""
        try:
            for seq, owed in tuple(self._owed.items()):
                await self._ledger.write(owed.mark)
                del self._owed[seq]
        except LedgerError:  # told, and asked again when the pause is over
            return

    def _tell(
        self,
        notification_id: str,
        alertname: str,
        attempt: int,
        fate: Fate,
        error: str,
    ) -> None:
        """Log and count what came of an attempt."""
        told = {
            "channel": self.channel,
            "id": notification_id,
            "alertname": alertname,
            "attempt": attempt,
        }
        if fate is None:
            outcome = Outcome.SENT
            log.info("notification.sent", **told)
        elif isinstance(fate, Leave):
            outcome = Outcome.TOLD
            log.info("notification.told_elsewhere", **told)
        elif isinstance(fate, Dead):
            outcome = Outcome.DEAD
            log.error("notification.dead", **told, error=error)
        else:
            outcome = Outcome.RETRIED
            log.warning("notification.retry", **told, error=error, wait_s=round(fate.wait_s, 3))
        self._on_outcome(self.channel, outcome)

    def _tell_lost(self, notification: Notification) -> None:
        log.error(
            "notification.lost",
            channel=self.channel,
            id=notification.id,
            alertname=notification.alertname,
        )


def _overtaken(kept: Kept, but: tuple[Kept, ...], rows: tuple[outbox.Place, ...]) -> bool:
    """Whether the outbox has a later row of this alert, other than those."""
    known = {each.notification.id for each in but}
    return any(
        row.fingerprint == kept.notification.order
        and row.seq > kept.after_seq
        and row.id not in known
        for row in rows
    )


def _waits(fate: Fate) -> TypeGuard[Leave]:
    """Whether somebody else is to be waited for: no attempt was made, and nothing is settled."""
    return isinstance(fate, Leave) and fate.word is Word.WAIT


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _place(error: Exception) -> str:
    """Name an unexpected error by type and place; its text might hold a channel's address."""
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + where
