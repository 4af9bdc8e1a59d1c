"""What replicas at other locations find: windows of their own, by location.

A location of which nothing was heard for longer than its most frequent target takes to be missed
twice does not report: what its windows still hold says nothing of now.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, Protocol

from aggregator.window import Windows
from probes.result import Failing, ProbeResult, SkipReason
from probes.target import Target

MOST: Final = 64
"""Locations kept apart; a further one is not counted. Nobody has as many regions."""
ON_THE_WAY_S: Final = 10.0
"""More than a slot takes to be told of when its result is had, and than a slot waits to be claimed.
"""


class Skipped(Protocol):
    """A slot that got no probe, as `aggregator.results.SkippedSlot` has it."""

    @property
    def location(self) -> str:
        """Where it is."""

    @property
    def target(self) -> str:
        """The target's name."""

    @property
    def reason(self) -> SkipReason:
        """Why it has none."""

    @property
    def failing(self) -> Failing | None:
        """What a refused one counts as; None: no failure."""


class Elsewhere:
    """The windows of all locations but our own."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._windows: dict[str, Windows] = {}
        self._heard_at: dict[str, float] = {}

    @property
    def windows(self) -> Mapping[str, Windows]:
        """By location: those that were heard of."""
        return self._windows

    def reporting(self, location: str, since: float) -> Windows | None:
        """Return the windows of a location; None: nothing was heard of it from `since` on."""
        return self._windows.get(location) if self._heard_at.get(location, -1.0) >= since else None

    def take(self, news: ProbeResult | Skipped, at: float) -> bool:
        """Count what was heard, and was had at steady time `at`; False: it comes too late for it.

        In windows it would stand for now.
        """
        windows = self._heard(news.location, at)
        if windows is None:
            return True
        if windows.outdated(news.target, at):
            return False
        if isinstance(news, ProbeResult):
            windows.ingest(news, at)
        else:
            windows.skipped(news.target, news.reason, at, news.failing)
        return True

    def missed(self, location: str, target: str, at: float) -> None:
        """Count a slot of another location that should have had a result and has none."""
        windows = self._heard(location, at)
        if windows is not None:
            windows.missed(target, at)

    def _heard(self, location: str, at: float) -> Windows | None:
        """Return the windows of a location that is heard of; None: there are too many."""
        windows = self._windows.get(location)
        if windows is None:
            if len(self._windows) >= MOST:
                return None
            windows = self._windows[location] = Windows(self._longest_s)
        self._heard_at[location] = max(at, self._heard_at.get(location, at))
        return windows

    def reach_back(self, past: "Elsewhere", before: float) -> None:
        """Keep samples for as long as `past` does; those up to `before` are those it has."""
        self._longest_s = past._longest_s  # noqa: SLF001 - another of our own class
        for location in self._windows.keys() | past.windows.keys():
            windows = self._windows.setdefault(location, Windows(self._longest_s))
            windows.reach_back(past.windows.get(location, Windows(self._longest_s)), before)

    def keep_only(self, targets: AbstractSet[str]) -> None:
        """Forget all other targets."""
        for windows in self._windows.values():
            windows.keep_only(targets)


def patience_s(targets: Iterable[Target]) -> float:
    """Return after how long a silence a location does not report that probes these targets."""
    each_s = (2 * target.interval_s + target.deadline_s for target in targets)
    return min(each_s, default=0.0) + ON_THE_WAY_S
