"""When one provider key must wait, because it was told to or is about to be.

After a 429 we wait for as long as Retry-After says; without one, two minutes from the second 429 in
a row. The whole key waits, or, where the error's text names the model, that model alone.

Before the first 429 we stretch: when less than a tenth of a bucket is left, and that would not last
the whole key until it is full again, the model's targets get their intervals stretched by the same
factor, so that the rest is spread evenly until then. The whole key, for models may share a bucket
and no header says so: each then takes its share of what is left, and no more.

Slots given up for that are neither failures nor missing, but for one kind: a 429 that asks for a
wait of more than OUTAGE_S is an outage to whoever uses the key, and its slots read as failing like
it. All times are steady ones, passed in.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from aggregator.rate_limits import LimitType, kind_of
from probes.result import Failing, ProbeResult, RateLimit, Verdict
from probes.target import Target

LONGEST_S: Final = 3600.0
"""Whatever a provider asks for, it is looked at again within an hour: a wrong unit, or an hour of
somebody's clock, must not make us blind."""
OUTAGE_S: Final = 300.0
"""Up to such a wait there are results enough for the rules, which look at a quarter of an hour."""
BARE_WAIT_S: Final = 120.0
"""Practitioners: what the text of a 429 says to wait is usually wrong, two minutes are safe."""
BARE_FROM: Final = 2
"""429s in a row without Retry-After from which we wait: one may be another user's burst."""
NEAR_RATIO: Final = 0.1
"""Below this part of a bucket we look whether the rest lasts."""
SLACK_RATIO: Final = 0.01
"""A slot may come this part of its interval too soon: clocks are not that exact."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a 429 asked for."""

    until: float
    failing: Failing | None
    """What slots count as meanwhile; None: nothing, the wait is short."""


_NO_WAIT: Final = Wait(-math.inf, None)


@dataclass(slots=True)
class Stretch:
    """How much longer the intervals of one model's targets are for now."""

    factor: float
    since: float
    until: float
    asked: dict[str, float] = field(default_factory=dict)
    """When each target was last let through, or ought to have been: slots lie on a grid."""


class Patience:
    """What one provider key waits for."""

    def __init__(self, targets: Iterable[Target]) -> None:
        """Take the key's targets, for the rate at which they ask."""
        self._per_s = sum(1.0 / target.interval_s for target in targets)
        self._all = _NO_WAIT
        self._waits: dict[str, Wait] = {}
        """Of models that wait alone."""
        self._stretches: dict[str, Stretch] = {}
        self._bare = 0

    def take_over(self, before: "Patience") -> None:
        """Go on waiting as another one does, of the same key with other targets."""
        self._all, self._waits = before._all, before._waits
        self._stretches, self._bare = before._stretches, before._bare

    def refuses(self, target: Target, now: float) -> bool:
        """Say whether the target's slot must be given up; if not, it counts as asked."""
        if now < self._all.until or (self._waits and now < self._wait_of(target).until):
            return True
        stretch = self._stretches.get(target.model) if self._stretches else None
        if stretch is None:
            return False
        if now >= stretch.until:
            del self._stretches[target.model]
            return False
        interval_s = target.interval_s
        asked_at = stretch.asked.get(target.name, stretch.since)
        due_at = asked_at + min(stretch.factor * interval_s, LONGEST_S)
        if now < due_at - SLACK_RATIO * interval_s:
            return True
        stretch.asked[target.name] = max(due_at, now - interval_s)
        return False

    def failing(self, target: Target, now: float) -> Failing | None:
        """Say what a slot counts as that is given up now; None: nothing."""
        waits = (self._all, self._wait_of(target))
        return next((wait.failing for wait in waits if now < wait.until and wait.failing), None)

    def _wait_of(self, target: Target) -> Wait:
        return self._waits.get(target.model, _NO_WAIT)

    def learn(self, target: Target, result: ProbeResult, now: float) -> None:
        """Take note of an attempt that ended at `now`."""
        if result.verdict is Verdict.THROTTLED:
            self._wait(target, result, now)
        elif self._bare and result.status is not None:
            self._bare = 0
        if result.rate_limits:
            self._look_ahead(target, result, now)

    def _wait(self, target: Target, result: ProbeResult, now: float) -> None:
        wait_s = result.retry_after_s
        if wait_s is None:
            self._bare += 1
            wait_s = BARE_WAIT_S if self._bare >= BARE_FROM else 0.0
        failing = Failing(result.verdict, result.fault) if wait_s > OUTAGE_S else None
        wait = Wait(now + min(wait_s, LONGEST_S), failing)
        if target.model in result.detail:
            self._waits[target.model] = _longer(wait, self._wait_of(target))
        else:
            self._all = _longer(wait, self._all)

    def _look_ahead(self, target: Target, result: ProbeResult, now: float) -> None:
        model = target.model
        near = [limit for limit in result.rate_limits if _near(limit)]
        if not near and model not in self._stretches:
            return
        before = self._stretches.pop(model, None)
        factor, reset_s = max([self._needed(limit, target) for limit in near], default=(1.0, 0.0))
        if factor > 1.0:
            asked = {target.name: now - result.total_s} if before is None else before.asked
            since = now if before is None else before.since
            self._stretches[model] = Stretch(factor, since, now + reset_s, asked)

    def _needed(self, limit: RateLimit, target: Target) -> tuple[float, float]:
        """Return by how much to stretch for the rest of a bucket to last, and for how long that is.

        Infinitely, when nothing is left.
        """
        reset_s, left = limit.reset_s or 0.0, limit.remaining or 0
        if kind_of(limit.bucket) is LimitType.TOKENS:
            left //= tokens_at_most(target)
        return (self._per_s * reset_s / left if left else math.inf), reset_s


def _longer(one: Wait, other: Wait) -> Wait:
    return one if one.until >= other.until else other


def _near(limit: RateLimit) -> bool:
    """Say whether a bucket is nearly empty and known to fill again."""
    if limit.remaining is None or not limit.reset_s:
        return False
    return limit.limit is None or limit.remaining < NEAR_RATIO * limit.limit


def tokens_at_most(target: Target) -> int:
    """Return what a probe may take out of a bucket of tokens: a byte is a token at most.

    OpenAI reserves `max_tokens` in advance: https://platform.openai.com/docs/guides/rate-limits
    """
    return len(target.prompt.encode()) + target.max_output_tokens
