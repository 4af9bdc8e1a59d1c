"""What replicas at other locations find: windows of their own, by location."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from aggregator.results import SkippedSlot
from aggregator.window import Windows
from probes.result import ProbeResult

MOST: Final = 64
"""Locations kept apart; a further one is not counted. Nobody has as many regions."""


class Elsewhere:
    """The windows of all locations but our own."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._windows: dict[str, Windows] = {}

    @property
    def windows(self) -> Mapping[str, Windows]:
        """By location: those that were heard of."""
        return self._windows

    def take(self, news: ProbeResult | SkippedSlot, at: float) -> None:
        """Count what was heard at steady time `at`."""
        windows = self._windows.get(news.location)
        if windows is None:
            if len(self._windows) >= MOST:
                return
            windows = self._windows[news.location] = Windows(self._longest_s)
        if isinstance(news, ProbeResult):
            windows.ingest(news, at)
        else:
            windows.skipped(news.target, news.reason, at, news.failing)

    def keep_only(self, targets: AbstractSet[str]) -> None:
        """Forget all other targets."""
        for windows in self._windows.values():
            windows.keep_only(targets)
