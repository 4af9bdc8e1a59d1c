"""One rule on one subject through its whole past: every transition at the beat it happens at.

A window says the same until a sample comes or goes. So a series is evaluated at the first beat
behind such a change, at the end of a hold, and once more after each transition; and while its alert
is inactive only where `alerting.trial.witness` finds that its condition may be true at all. The
transitions are those of an evaluation at every beat; a property test says so.

Series do not know of each other, so each goes its way alone. What holds news back looks at all of
them: `alerting.trial.telling`.
"""

import math
from collections.abc import Iterator, Mapping

from aggregator.summary import Summary
from alerting.alert import Transition
from alerting.evaluate import Seen
from alerting.metric import Metric, Plain
from alerting.series import Series, View
from alerting.state import Firing, Inactive, Pending
from alerting.trial.beats import Beats
from alerting.trial.history import History, Look, look
from alerting.trial.witness import Spans, possible

_MOVING: frozenset[Metric] = frozenset({Plain.RATE, Plain.COST})
"""Figures that move with time alone, while a window is not yet full."""


def transitions(
    series: Series, histories: Mapping[str, History], beats: Beats
) -> Iterator[Transition]:
    """Yield what becomes of a series. Facts are unknown to it: one that has no window is nothing.

    Nor are other locations known: a rule that several must agree on is nothing either.

    The series must be fresh; it is left in the state it ends in.
    """
    if not series.sources.windowed or series.ballot is not None:
        return
    own = [histories[name] for name in series.view.targets if name in histories]
    spans = possible(series.rule, own)
    beat, place = 0, 0
    while True:
        if isinstance(series.state, Inactive):
            place, beat = _within(spans, place, beat, beats)
        if beat >= beats.count:
            return
        now = beats.at(beat)
        looks = _looks(series, histories, now)
        transition = series.judge(_seen(series, looks), now)
        if transition is not None:
            yield transition
            beat += 1  # what fires is judged otherwise than what does not
        else:
            beat = max(beat + 1, beats.first_from(_next(series, looks, now)))


def _within(spans: Spans, place: int, beat: int, beats: Beats) -> tuple[int, int]:
    """Return the first beat from this one on that lies in a span, and which span that is."""
    # A span's ends are rounded: a beat more does no harm.
    while place < len(spans) and spans[place, 1] < beats.at(beat - 1):
        place += 1
    if place == len(spans):
        return place, beats.count
    return place, max(beat, beats.first_from(float(spans[place, 0])))


def _looks(series: Series, histories: Mapping[str, History], now: float) -> dict[View, Look]:
    views = (series.view, *series.others.values())
    return {view: look(histories, view, now) for view in views}


def _seen(series: Series, looks: Mapping[View, Look]) -> Summary | Seen:
    if series.sources.single:
        return looks[series.view].summary
    others = {of: looks[view].summary for of, view in series.others.items()}
    return Seen(looks[series.view].summary, others)


def _next(series: Series, looks: Mapping[View, Look], now: float) -> float:
    """Return the next moment at which the series may say something else."""
    if _MOVING & series.sources.metrics and any(
        0.0 <= now - each.first_at < view.over_s for view, each in looks.items()
    ):
        return now
    return min([_deadline(series, now), *(each.changes_at for each in looks.values())])


def _deadline(series: Series, now: float) -> float:
    """Return when a wait is over that goes on now; inf without one."""
    state, policy = series.state, series.policy
    ends_at = math.inf
    if isinstance(state, Pending):
        ends_at = state.since + policy.hold_s
    elif isinstance(state, Firing) and state.clear_since is not None:
        ends_at = state.clear_since + policy.keep_firing_for_s
    return ends_at if ends_at > now else math.inf
