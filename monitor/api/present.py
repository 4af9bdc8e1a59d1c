"""Targets as they are now, each made anew only when something about it changed."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aggregator.part import alike
from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.rule import Severity
from monitor.api.board import Board
from monitor.api.figures import figures_of, last_of, quantile
from monitor.api.levels import Seen, badness, level_of
from monitor.api.models.alerts import AlertRow
from monitor.api.models.targets import TargetNow
from monitor.api.turns import Turns
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.elsewhere import Elsewhere, patience_s
from monitor.pipeline import Pipeline
from monitor.road import shown_window
from probes.result import Fault, ProbeResult, SkipReason
from probes.target import Target

STALE_INTERVALS: Final = 3
"""A newest result older than so many intervals, and than the window, tells nothing of now."""
_LATE: Final = frozenset({SkipReason.IN_FLIGHT, SkipReason.LATE})
"""Slots that got no probe through lateness: the target is probed, and nothing holds it back."""
_LOUD: Final = tuple(Severity)


@dataclass(frozen=True, slots=True)
class _About:
    """What is said beside the figures."""

    paused: str
    failing_at: tuple[str, ...]
    """Other locations."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A row, and what it was made of."""

    row: TargetNow
    summary: Summary
    last: ProbeResult | None
    seen: Seen
    about: _About

    def still(self, summary: Summary, last: ProbeResult | None, seen: Seen, about: _About) -> bool:
        same = alike(self.summary, summary) and self.last is last
        return same and self.seen == seen and self.about == about


class Present:
    """What `TargetNow` says of every target; used in the daemon's loop alone."""

    def __init__(
        self,
        config: Config,
        windows: Windows,
        elsewhere: Elsewhere,
        pipeline: Pipeline,
        board: Board,
        clock: Clock,
    ) -> None:
        self._targets = config.targets
        self._providers = {target.name: target.provider for target in config.targets}
        self._over_s = shown_window(config.windows_s)
        self._windows = windows
        self._elsewhere = elsewhere
        self._others = tuple(each for each in config.locations if each != config.location)
        self._silent_s = patience_s(config.targets)
        self._pipeline = pipeline
        self._board = board
        self._clock = clock
        self._making = asyncio.Lock()
        self._made: dict[str, _Made] = {}
        self._alerts: tuple[AlertRow, ...] | None = None
        self._loudest: Mapping[str, Severity] = {}

    async def rows(self) -> tuple[TargetNow, ...]:
        """Return every target as it is now, the worst first.

        One about which nothing changed is the very same object as the last time. Gives way to
        others between some targets and the next.
        """
        async with self._making:
            alerts = await self._board.rows()
            if alerts is not self._alerts:
                self._alerts, self._loudest = alerts, loudest(alerts, self._providers)
            turns = Turns()
            for target in self._targets:
                self._made[target.name] = self._look(target)
                await turns.give_way()
            await asyncio.sleep(0)
            return self._ranked()

    def _look(self, target: Target) -> _Made:
        summary = self._windows.summary((target.name,), self._over_s, self._clock.steady())
        last = self._pipeline.last_result.get(target.name)
        reason = self._pipeline.last_skip.get(target.name)
        paused = "" if reason is None or reason in _LATE else reason.value
        about = _About(paused, tuple(self._failing_at(target.name)))
        seen = Seen(
            self._ok(target, last),
            self._loudest.get(target.name),
            summary.error_rate,
            quantile(summary.latency, 0.95),
        )
        before = self._made.get(target.name)
        if before is not None and before.still(summary, last, seen, about):
            return before
        rank = 0 if before is None else before.row.rank
        row = _row(target, summary, last, seen, about, rank)
        if before is not None and row == before.row:
            row = before.row
        return _Made(row, summary, last, seen, about)

    def _failing_at(self, target: str) -> Iterator[str]:
        """Yield the other locations that report, and whose newest probe of a target failed."""
        now = self._clock.steady()
        for location in self._others:
            windows = self._elsewhere.reporting(location, now - self._silent_s)
            if windows is not None:
                newest = windows.summary((target,), self._over_s, now).recent_faults[-1:]
                if newest and newest[0] not in (Fault.NONE, Fault.MONITOR):
                    yield location

    def _ok(self, target: Target, last: ProbeResult | None) -> bool | None:
        if last is None:
            return None
        told_s = max(self._over_s, STALE_INTERVALS * target.interval_s)
        return last.ok if self._clock.wall() - last.at <= told_s else None

    def _ranked(self) -> tuple[TargetNow, ...]:
        made = self._made
        names = sorted(made, key=lambda name: (badness(made[name].seen), name))
        rows = []
        for rank, name in enumerate(names):
            each = made[name]
            if each.row.rank != rank:
                row = each.row.model_copy(update={"rank": rank})
                each = made[name] = replace(each, row=row)
            rows.append(each.row)
        return tuple(rows)


def loudest(alerts: Sequence[AlertRow], providers: Mapping[str, str]) -> dict[str, Severity]:
    """Return how loud the loudest alert is that fires about each target, or about its provider.

    `providers` are those of the targets, by name. An alert that blames nobody (money, a model that
    is to be retired) says nothing of how a target does; nor does one about this instance.
    """
    found: dict[str, Severity] = {}
    for alert in alerts:
        if alert.state == "pending" or not alert.fault:
            continue
        severity = Severity(alert.severity)
        for name in alert.targets:
            if alert.subject in (name, providers.get(name)):
                found[name] = max(severity, found.get(name, severity), key=_LOUD.index)
    return found


def _row(
    target: Target,
    summary: Summary,
    last: ProbeResult | None,
    seen: Seen,
    about: _About,
    rank: int,
) -> TargetNow:
    return TargetNow(
        name=target.name,
        provider=target.provider,
        model=target.model,
        operation=target.operation.value,
        stream=target.stream,
        interval_s=target.interval_s,
        labels=dict(target.labels),
        rank=rank,
        level=level_of(seen),
        last=None if last is None else last_of(last),
        figures=figures_of(summary),
        paused=about.paused,
        failing_at=list(about.failing_at),
    )
