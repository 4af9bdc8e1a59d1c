"""Silences: alerts that somebody wants to hear nothing of for a while, and says why. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerting.match import Match


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence. Times in seconds since the epoch, on people's clocks."""

    id: str
    match: Match
    """Never everything: it names at least one label."""
    starts_at: float
    ends_at: float
    author: str
    comment: str
    until_resolved: bool = False
    """An acknowledgement: it ends with the alert it speaks of, at `ends_at` at the latest."""

    def active(self, now: float) -> bool:
        """Say whether it is in force at `now`: from its start until before its end."""
        return self.starts_at <= now < self.ends_at

    def holds(self, labels: Mapping[str, str], now: float) -> bool:
        """Say whether it keeps an alert with these labels quiet at `now`."""
        return self.active(now) and self.match.matches(labels)
