"""When to try an undelivered notification again, and when to give it up: pure decisions.

The waits double from one second to five minutes. A little of each wait is taken off by an amount
that depends on the notification alone, so that a storm of them does not come back as one wave, and
a test can say when each will be tried.
"""

from dataclasses import dataclass
from hashlib import blake2s
from typing import Final

from alerting.notification import DeliveryError

FIRST_WAIT_S: Final = 1.0
"""The wait after the first failure, and the least that any answer can make us wait."""
LONGEST_BACKOFF_S: Final = 300.0
"""A sink that was down for a night is noticed within five minutes of its return."""
LONGEST_WAIT_S: Final = 3600.0
"""The most a receiver's Retry-After is believed: an alert that waits longer is of no use."""
GIVE_UP_AFTER_S: Final = 86_400.0
"""Age at which an undelivered notification is history."""
GIVE_UP_ATTEMPTS: Final = 10
"""Attempts without which age alone kills nothing: a clock that jumps, or a daemon that was off for
a day, must not lose what was never really tried. Ten attempts span a quarter of an hour."""
DOUBTFUL_ATTEMPTS: Final = 6
"""Attempts before a refusal that may not be the receiver's own is believed: half a minute, which a
rollout behind an ingress takes."""
_JITTER_RATIO: Final = 0.25
_DOUBLINGS: Final = 16
"""Beyond it every wait is at its cap anyway; keeps the power of two small."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `wait_s`; `hold_channel`: nothing else goes out there before that either."""

    wait_s: float
    hold_channel: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """Give the notification up, because of `reason`."""

    reason: str


def backoff_s(notification_id: str, attempt: int) -> float:
    """Return the wait after failed attempt number `attempt` (from 1), jitter taken off."""
    full_s = min(LONGEST_BACKOFF_S, FIRST_WAIT_S * 2.0 ** min(attempt - 1, _DOUBLINGS))
    digest = blake2s(f"{notification_id} {attempt}".encode(), digest_size=4).digest()
    fraction = int.from_bytes(digest) / 2**32
    return full_s * (1.0 - _JITTER_RATIO * fraction)


def decide(
    error: DeliveryError, *, notification_id: str, attempt: int, age_s: float
) -> Retry | Dead:
    """Say what becomes of a notification whose attempt number `attempt` failed with `error`.

    `age_s` is the time since it was put into the outbox, or offered while that took no rows.
    """
    if not error.retryable:
        if error.doubtful and attempt < DOUBTFUL_ATTEMPTS:
            return Retry(backoff_s(notification_id, attempt))
        return Dead(str(error))
    if age_s >= GIVE_UP_AFTER_S and attempt >= GIVE_UP_ATTEMPTS:
        return Dead(f"given up after {attempt} attempts: {error}")
    if error.retry_after_s is None:
        return Retry(backoff_s(notification_id, attempt), error.throttled)
    return Retry(min(LONGEST_WAIT_S, max(FIRST_WAIT_S, error.retry_after_s)), error.throttled)
