"""Notifications of one channel that are in no outbox, because the ledger takes no writes.

They stand between the rows of the outbox. Every row has a number, so a notification that is
offered while `n` was the newest one comes after row `n` and before row `n + 1`: one order over
both, without asking a clock. A write that failed may be committed after all; its row then has a
number above `n`, waits for the notification in memory, and is known by its id once that one is
settled.
"""

from collections import OrderedDict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from alerting.notification import Notification

VOLATILE_LIMIT: Final = 1_000
"""Notifications kept for a channel. A thousand unsent ones are an outage nobody reads one by one;
they take a megabyte or two."""
SETTLED_LIMIT: Final = 10_000
"""Ids remembered of what was settled in memory, for rows that come to light later."""


@dataclass(slots=True, eq=False)
class Kept:
    """A notification in memory. Times in seconds on a clock that does not step."""

    notification: Notification
    after_seq: int
    """Number of the newest row when it was offered: the place it has among the rows."""
    offered_at: float
    attempts: int = 0
    """Attempts that failed so far."""
    next_at: float = 0.0
    """When it may be tried again; 0: at once."""


class Volatile:
    """What is kept in memory for one channel, and what became of it there."""

    def __init__(self, limit: int = VOLATILE_LIMIT) -> None:
        self._limit = limit
        self._kept: dict[str, Kept] = {}
        """By id, in order of arrival."""
        self._settled: OrderedDict[str, str] = OrderedDict()
        """By id: why it is dead, or nothing for what was sent."""
        self._in_hand: Kept | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, notification: Notification, after_seq: int, now: float) -> Notification | None:
        """Keep a notification; return the one that had to go for it, the oldest, or None.

        One that is kept or was settled already is not taken again.
        """
        if notification.id in self._kept or notification.id in self._settled:
            return None
        gone = self._oldest() if len(self._kept) >= self._limit else None
        if gone is not None:
            del self._kept[gone.id]
        self._kept[notification.id] = Kept(notification, after_seq, now)
        return gone

    def _oldest(self) -> Notification | None:
        """Return what has waited longest, besides the one that is just being sent."""
        return next(
            (kept.notification for kept in self._kept.values() if kept is not self._in_hand), None
        )

    def heads(self) -> tuple[Kept, ...]:
        """Return the first of each alert, those that never failed first, else as they arrived."""
        firsts: dict[str, Kept] = {}
        for kept in self._kept.values():
            firsts.setdefault(kept.notification.order, kept)
        return tuple(sorted(firsts.values(), key=lambda kept: kept.attempts))

    def take(self, kept: Kept) -> None:
        """Note that this one is being sent."""
        self._in_hand = kept

    def retry(self, kept: Kept, next_at: float) -> None:
        """Note that sending failed and may be tried again at `next_at`."""
        kept.attempts += 1
        self.wait(kept, next_at)

    def wait(self, kept: Kept, next_at: float) -> None:
        """Note that it was not tried, and is to be looked at again at `next_at`."""
        kept.next_at = next_at
        self._in_hand = None

    def settle(self, kept: Kept, error: str = "") -> None:
        """Let go of one that was sent or, with an `error`, is given up; remember which."""
        self._in_hand = None
        self.remember(kept.notification.id, error)

    def remember(self, notification_id: str, error: str = "") -> None:
        """Remember one that was sent or, with an `error`, is given up: it is not taken again.

        A row may be sent before the ledger says that it took it; then it is offered here too, and
        may be kept already.
        """
        self._kept.pop(notification_id, None)
        self._settled[notification_id] = error
        while len(self._settled) > SETTLED_LIMIT:
            self._settled.popitem(last=False)

    def let_go(self, kept: Kept) -> None:
        """Forget one that is a row of the outbox from now on: there it is still to be sent."""
        self._kept.pop(kept.notification.id, None)

    def fate(self, notification_id: str) -> str | None:
        """Return why it was given up here, "" for what was sent from here, None for any other."""
        return self._settled.get(notification_id)

    def holds_back(self, fingerprint: str, seq: int) -> bool:
        """Whether row `seq` of this alert must wait for one of its alert that is kept here."""
        return any(
            kept.notification.order == fingerprint and kept.after_seq < seq
            for kept in self._kept.values()
        )

    def fingerprints(self) -> AbstractSet[str]:
        """Return the alerts something is kept of."""
        return {kept.notification.order for kept in self._kept.values()}

    def left(self) -> tuple[Kept, ...]:
        """Return everything kept, in order of arrival."""
        return tuple(self._kept.values())
