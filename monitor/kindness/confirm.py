"""When a failed attempt is followed by a confirming one. Decides only.

A confirming attempt says whether a failure was a blip or goes on. It stands beside its slot and
changes nothing about it: the failure counts. It is not made where it could say nothing new (what is
wrong with our account or our request stays wrong), and not where it might run into the target's
next slot: it must be able to end before that, deadline and all.
"""

from enum import StrEnum
from typing import Final

from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot, Target

JITTER_RATIO: Final = 0.5
"""A wait is lengthened by up to this part of it: what failed together must not come back so."""


class Outcome(StrEnum):
    """What became of a confirming attempt: a metric label."""

    RECOVERED = "recovered"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    """It was due, and the next slot, the breaker, a limit or the budget came first."""


def wait_s(target: Target, result: ProbeResult, luck: float) -> float | None:
    """Return how long to wait before the attempt after `result`; None: it needs none.

    `luck` is a random number from 0 to 1. After a 429 we wait for as long as it asked, and at
    least `throttled`; after other failures of the provider or the network by `backoff`, whose last
    step holds for all further attempts.
    """
    confirm = target.confirm
    if result.attempt > confirm.attempts:
        return None
    if result.verdict is Verdict.THROTTLED:
        least_s = max(confirm.throttled_s, result.retry_after_s or 0.0)
    elif result.fault in (Fault.PROVIDER, Fault.NETWORK):
        least_s = confirm.backoff_s[min(result.attempt, len(confirm.backoff_s)) - 1]
    else:
        return None
    return least_s * (1.0 + JITTER_RATIO * luck)


def fits(target: Target, slot: Slot, begins_at: float) -> bool:
    """Say whether an attempt that begins at this wall time must have ended before the next slot."""
    return begins_at + target.deadline_s <= slot.at + target.interval_s
