"""A target's past step by step, for its charts."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from aggregator.rollup.bucket import Point
from aggregator.rollup.table import Level
from aggregator.stores.history import STEPS_S, whole_steps
from aggregator.summary import Distribution
from monitor.api.asking import deadline, history_of
from monitor.api.figures import quantile
from monitor.api.models.targets import Series
from monitor.api.problems import RefusedError
from monitor.api.sources import Sources
from monitor.api.turns import Turns
from probes.result import Fault, Verdict

MOST_STEPS: Final = 2_000
CHOSEN_STEPS: Final = 750
"""Steps at most when nobody says how long one is: about as many as a chart has places for."""
TELLING: Final = 5
"""Results in a step: a percentile of fewer is not known."""
FEWEST_STEPS: Final = 10
"""Fewer are no chart, whatever is in them."""
BUCKETS_A_READ: Final = 750
"""Hours, say, that are read at once: some 60 ms of the reader's thread, for which others wait."""
LIMITS_READ: Final = 100_000
"""Results whose rate limits are looked at, the newest: two weeks of one every 12 s."""

_HEADROOM: Final = """
SELECT CAST(at AS INTEGER) / :step_s * :step_s AS step,
       min(max(1.0 * json_extract(value, '$[2]') / json_extract(value, '$[1]'), 0.0))
  FROM (SELECT at, rate_limits FROM results
         WHERE target = :target AND at >= :since AND at < :until AND location = :location
           AND rate_limits IS NOT NULL
         ORDER BY at DESC LIMIT :limit), json_each(rate_limits)
 WHERE json_extract(value, '$[1]') > 0 AND json_extract(value, '$[2]') IS NOT NULL
 GROUP BY step
"""


def step_of(since: float, until: float, step_s: int | None, interval_s: float = 0.0) -> int:
    """Return how long a step is: as asked for, or as suits that stretch of time and the interval.

    Raises RefusedError for a stretch that is none, and for more steps than MOST_STEPS.
    """
    if since >= until:
        raise RefusedError(422, "since: expected a time before until")
    if step_s is None:
        step_s = _chosen(until - since, interval_s)
    if step_s % Level.MINUTE:
        raise RefusedError(422, "step_s: expected whole minutes")
    if until - since > MOST_STEPS * step_s:
        raise RefusedError(422, f"more than {MOST_STEPS} steps: ask for longer ones, or less time")
    return step_s


def _chosen(length_s: float, interval_s: float) -> int:
    """Return the finest step that a chart has places for and that has percentiles, if there is."""
    fitting = [each for each in STEPS_S if length_s <= CHOSEN_STEPS * each] or [STEPS_S[-1]]
    full = (each for each in fitting if each >= TELLING * interval_s)
    return next((each for each in full if length_s >= FEWEST_STEPS * each), fitting[0])


async def series_of(
    sources: Sources, target: str, since: float, until: float, step_s: int, location: str = ""
) -> Series:
    """Return a target's past, widened to whole steps, from the configured history.

    `location`: as seen from there; empty: from here.
    """
    first, behind = whole_steps(int(since), -int(-until // 1), step_s)
    columns = _Columns()
    async with history_of(sources, location) as history:
        for start, end in _pieces(first, behind, step_s):
            found = await history.range(target, start, end, step_s)
            await columns.take(found, missed=history.knows_skips)
    async with deadline():
        limits = partial(
            _headroom,
            asked={
                "target": target,
                "location": location or sources.config.location,
                "since": first,
                "until": behind,
                "step_s": step_s,
                "limit": LIMITS_READ,
            },
        )
        headroom = await sources.ledger.read(limits)
    return columns.series(target, first, behind, step_s, headroom)


def _pieces(first: int, behind: int, step_s: int) -> Iterator[tuple[int, int]]:
    """Go through a stretch of time in pieces of whole steps that are read in one go each."""
    level = max(level for level in Level if step_s % level == 0)
    piece_s = max(BUCKETS_A_READ * level // step_s, 1) * step_s
    for start in range(first, behind, piece_s):
        yield start, min(start + piece_s, behind)


def _headroom(
    connection: sqlite3.Connection, asked: Mapping[str, int | str]
) -> Mapping[int, float]:
    """Return the least part of a rate limit that was left in each step; in the reader's thread."""
    found = connection.execute(_HEADROOM, asked)
    return {step: min(ratio, 1.0) for step, ratio in found}


def _bounded(latency: Distribution | None) -> bool:
    """Say whether the p95 or the p99 is only a lower bound."""
    if latency is None:
        return False
    found = (latency.quantile(q) for q in (0.95, 0.99))
    return any(value is not None and latency.lower_bound(value) for value in found)


class _Columns:
    """The lists of a Series while they are filled."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.n: list[int] = []
        self.missed: list[int | None] = []
        self.p50_s: list[float | None] = []
        self.p95_s: list[float | None] = []
        self.p99_s: list[float | None] = []
        self.lower_bound: list[bool] = []
        self.first_token_p50_s: list[float | None] = []
        self.first_token_p95_s: list[float | None] = []
        self.tokens_per_s_p50: list[float | None] = []
        self.cost_usd: list[float | None] = []
        self._verdicts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._faults: defaultdict[str, dict[int, int]] = defaultdict(dict)

    async def take(self, points: Iterable[Point], *, missed: bool) -> None:
        """Describe points, giving way to others between some and the next."""
        turns = Turns()
        for point in points:
            self._add(point, missed=missed)
            await turns.give_way()

    def _add(self, point: Point, *, missed: bool) -> None:
        summary, place = point.summary, len(self.at)
        self.at.append(float(point.at))
        self.n.append(summary.n)
        self.missed.append(summary.missed if missed else None)
        self.p50_s.append(quantile(summary.latency, 0.5))
        self.p95_s.append(quantile(summary.latency, 0.95))
        self.p99_s.append(quantile(summary.latency, 0.99))
        self.lower_bound.append(_bounded(summary.latency))
        self.first_token_p50_s.append(quantile(summary.first_token, 0.5))
        self.first_token_p95_s.append(quantile(summary.first_token, 0.95))
        self.tokens_per_s_p50.append(quantile(summary.tokens_per_s, 0.5))
        self.cost_usd.append(summary.cost_usd)
        for verdict, number in summary.by_verdict.items():
            if verdict is not Verdict.OK:
                self._verdicts[verdict.value][place] = number
        for fault, number in summary.by_fault.items():
            if fault is not Fault.NONE:
                self._faults[fault.value][place] = number

    def series(
        self, target: str, first: int, behind: int, step_s: int, headroom: Mapping[int, float]
    ) -> Series:
        """Return what was filled in."""
        return Series(
            target=target,
            since=first,
            until=behind,
            step_s=step_s,
            at=self.at,
            n=self.n,
            missed=self.missed,
            p50_s=self.p50_s,
            p95_s=self.p95_s,
            p99_s=self.p99_s,
            lower_bound=self.lower_bound,
            first_token_p50_s=self.first_token_p50_s,
            first_token_p95_s=self.first_token_p95_s,
            tokens_per_s_p50=self.tokens_per_s_p50,
            verdicts=self._dense(self._verdicts),
            faults=self._dense(self._faults),
            cost_usd=self.cost_usd,
            headroom=[headroom.get(int(at)) for at in self.at],
        )

    def _dense(self, sparse: Mapping[str, Mapping[int, int]]) -> dict[str, list[int]]:
        return {
            word: [places.get(place, 0) for place in range(len(self.at))]
            for word, places in sorted(sparse.items())
        }
