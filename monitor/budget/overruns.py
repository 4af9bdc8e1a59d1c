"""Providers that bill more than a request of ours can have used. Pure.

The reservation of an attempt is an upper bound by the provider's own prices and limits. Usage
beyond it means that one of these is not what we think, and with it the whole budget.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

OVERRUNS_TO_STOP: Final = 2
"""One may be a slip of the provider's counting, two are a rule we do not know."""


@dataclass(slots=True)
class Overruns:
    """How often that was so, by provider, each on its newest day."""

    _newest: dict[str, tuple[date, int]] = field(default_factory=dict)

    def restore(self, provider: str, day: date, attempts: int) -> None:
        """Take over what a process before us counted."""
        self._newest[provider] = day, attempts

    def add(self, provider: str, day: date) -> None:
        """Count one more."""
        self._newest[provider] = day, self.of(provider, day) + 1

    def of(self, provider: str, day: date) -> int:
        """Return how many there were on that day."""
        on, attempts = self._newest.get(provider, (day, 0))
        return attempts if on == day else 0

    def stopped(self, provider: str, day: date) -> bool:
        """Say whether the provider is not to be paid any more on that day."""
        return self.of(provider, day) >= OVERRUNS_TO_STOP
