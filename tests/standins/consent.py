"""Replicas of one process that agree on who tells, without a Redis."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aggregator.ledger import Ledger
from alerting.consent import Consent, Leave, Word
from alerting.notification import Notification
from monitor.cluster.alone import Alone
from monitor.cluster.leases import AGAIN_S, LEASE_S, Key
from monitor.cluster.told import Log, after, news_in


@dataclass
class Book:
    """What all of them share."""

    now: Callable[[], float]
    logs: dict[Key, Log] = field(default_factory=dict)
    leases: dict[Key, tuple[str, float]] = field(default_factory=dict)
    """Who has it, and until when."""


@dataclass
class MemoryConsent:
    """One replica's side of it."""

    book: Book
    name: str
    wall: Callable[[], float]

    async def ask(self, channel: str, notification: Notification) -> Leave:
        """Ask for leave to send; GO is good for one attempt."""
        key, now = (channel, notification.order), self.book.now()
        holder, until = self.book.leases.get(key, ("", 0.0))
        if holder not in ("", self.name) and now < until:
            return Leave(Word.WAIT, notification, AGAIN_S)
        known = self.book.logs.get(key, Log())
        message = news_in(known, notification, self.wall() - now, now)
        if message is None:
            return Leave(Word.TOLD, notification)
        self.book.leases[key] = self.name, now + LEASE_S
        return Leave(Word.GO, message)

    async def settled(self, channel: str, notification: Notification, *, told: bool) -> None:
        """Say what became of an attempt that had leave."""
        key, now = (channel, notification.order), self.book.now()
        if self.book.leases.get(key, ("", 0.0))[0] == self.name:
            del self.book.leases[key]
        if told:
            known = self.book.logs.get(key, Log())
            self.book.logs[key] = after(known, notification, self.wall() - now, now)


class Agreeing(Alone):
    """A replica that shares nothing but who tells."""

    def __init__(self, ledger: Ledger, consent: Consent) -> None:
        super().__init__(ledger)
        self._consent = consent

    @property
    def consent(self) -> Consent:
        """The others are asked."""
        return self._consent
