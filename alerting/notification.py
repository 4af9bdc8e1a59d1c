"""What people are told: alerts that fire or are over, in one message for each group of them."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from alerting.rule import Severity

SEND_BUDGET_S: Final = 10.0
"""One attempt, whatever the receiver does: long enough for one that is slow, and a part of the
detection time that is promised. It stands here for those who send and those who promise."""


class Status(StrEnum):
    """Whether the notification opens or closes an alert (Alertmanager's words)."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One alert that fires or is over, as people are told. Wall times, seconds since the epoch."""

    status: Status
    alertname: str
    severity: Severity
    labels: tuple[tuple[str, str], ...]
    """The alert's identity: alertname, severity, the series' labels, the rule's own."""
    fingerprint: str
    """A short hash of the labels: the same for firing and resolved, over restarts."""
    condition: str
    """The rule's condition as written."""
    value: str
    """The value that was compared, formatted with its unit; ">=" marks a lower bound."""
    summary: str
    """One line: what is wrong (or is over), with whom, whose fault."""
    starts_at: float
    """When the condition became true."""
    fired_at: float
    ends_at: float | None = None
    """When it resolved; None while it fires."""
    notes: tuple[str, ...] = ()
    """What else is known, a line each: a hint at the cause, what the provider itself reports."""
    annotations: tuple[tuple[str, str], ...] = ()
    """What the rule adds, by name: a runbook's address, a line for its team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification(News):
    """One message to one channel, as it stands in the outbox: news of an alert, and of others.

    Its own news is that of the loudest alert that fires, or of the loudest that is over when none
    fires any more; `others` are the rest of its group.
    """

    id: str
    """Stable across retries and restarts: a receiver may use it to drop duplicates."""
    why: str = "first"
    """An `alerting.routing.group.Why`: first, added, some_resolved, all_resolved, repeat."""
    group: tuple[tuple[str, str], ...] = ()
    """The labels that all its alerts share."""
    group_id: str = ""
    """Of the group's labels: messages of one group reach a channel in their order. Empty in what
    an earlier version wrote, which told of one alert at a time."""
    thread: str = ""
    """Of this group from its first alert until all are over; empty as above."""
    others: tuple[News, ...] = ()
    """Those that fire first; then by loudness."""
    more: int = 0
    """Alerts that fire beside these and found no room."""
    repeat_s: float = 0.0
    """How long the group was silent before this, when it says nothing new; else 0."""
    url: str | None = None
    """Where to look: the status page, when `public_url` is configured."""

    @property
    def alerts(self) -> tuple[News, ...]:
        """All it tells of, its own first."""
        own = News(**{each.name: getattr(self, each.name) for each in fields(News)})
        return (own, *self.others)

    @property
    def order(self) -> str:
        """Whatever has the same one leaves in the order in which it came."""
        return self.group_id or self.fingerprint

    @property
    def incident(self) -> str:
        """What a receiver keeps together: the same from the first message to the last."""
        return self.thread or self.fingerprint


class DeliveryError(Exception):
    """A channel did not take a notification. The message never holds a secret."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        retry_after_s: float | None = None,
        throttled: bool = False,
        doubtful: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        """Seconds the receiver asked us to wait; None when it did not say."""
        self.throttled = throttled
        """The receiver limits us altogether (429): the whole channel waits, not this message."""
        self.doubtful = doubtful
        """Not retryable, but perhaps not the receiver's own word: worth a few attempts."""


class Notifier(Protocol):
    """One configured channel: makes one attempt; retrying is the deliverer's business."""

    name: str

    async def send(self, notification: Notification, /) -> None:
        """Deliver once. Raises DeliveryError; any other exception counts as not retryable."""

    async def close(self) -> None:
        """Release connections."""


@runtime_checkable
class Repeating(Protocol):
    """A channel whose receiver forgets an alert that is not repeated."""

    async def repeat(
        self, notifications: Iterable[Notification], firing: AbstractSet[str], /
    ) -> None:
        """Tell of those alerts in messages sent before that fire still: `firing`, fingerprints.

        Raises DeliveryError, or TimeoutError in the end.
        """
