"""A channel's pace: when nothing may go out, because its receiver limits it or we do."""

import asyncio
from collections import deque
from typing import Final

import structlog

HOUR_S: Final = 3_600.0

log = structlog.get_logger("sonde.deliver")


class Pace:
    """What one channel was tried with lately, and until when it is left alone. Loop time."""

    def __init__(self, channel: str, most_per_hour: int | None) -> None:
        """`most_per_hour`: attempts the channel allows in any hour; None: as many as there are."""
        self._channel = channel
        self._most_per_hour = most_per_hour
        self._attempted: deque[float] = deque(maxlen=most_per_hour or 1)
        """When the newest attempts were made: as many as an hour may have."""
        self._held_until = 0.0
        """Until when the receiver wants to be left alone."""

    @property
    def held_s(self) -> float:
        """For how long nothing may go out; 0: it may."""
        return max(0.0, self._held_until - _loop_time(), self._full_s)

    @property
    def _full_s(self) -> float:
        """For how long the hour has had what it may have; not above 0: it has room."""
        if len(self._attempted) != self._most_per_hour:
            return 0.0
        return self._attempted[0] + HOUR_S - _loop_time()

    def allow(self, most_per_hour: int | None) -> None:
        """Make at most so many attempts in any hour from now on, those made lately among them."""
        if most_per_hour != self._most_per_hour:
            self._most_per_hour = most_per_hour
            self._attempted = deque(self._attempted, maxlen=most_per_hour or 1)
            self._tell_when_full()

    def follow(self, before: "Pace") -> None:
        """Go on with what the hour has seen; not with a limit of a receiver, who may be another."""
        self._attempted.extend(before._attempted)  # noqa: SLF001 - of its class
        self._tell_when_full()

    def attempt(self) -> None:
        """Count an attempt; the last that an hour allows holds the channel."""
        self._attempted.append(_loop_time())
        self._tell_when_full()

    def hold(self, wait_s: float) -> None:
        """Let nothing go out for so long: the receiver limits the whole channel."""
        self._held_until = _loop_time() + wait_s

    def _tell_when_full(self) -> None:
        if self._full_s > 0:
            log.warning("notification.limited", channel=self._channel, wait_s=round(self.held_s))


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
