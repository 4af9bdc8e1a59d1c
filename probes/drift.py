"""Drift: what answers say of themselves, and when that changes.

A target's answers name the model that gave them and sometimes a fingerprint of the system behind
it, and an embedding can be compared with its reference. Each of the three is a series of values. A
value that was not there before is an event; one that was seen already is none, for a provider with
several back ends alternates between theirs. The first value of a series is where it begins.

Nothing here knows a clock or a store: values go in, sightings come out, and those can be kept and
given back after a restart.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from probes.result import ProbeResult

SAME_COSINE: Final = 0.9999
"""Above it an embedding counts as the same: honest ones vary in the sixth decimal place."""
SAME: Final = f">= {SAME_COSINE}"
FORGET_S: Final = 7 * 86_400.0
"""A value that was not seen for so long is news again."""
KNOWN_LIMIT: Final = 32
"""Values of a series that are remembered. One that takes more within a week (a fingerprint of its
own for each answer) names nothing, and is not listened to until some are forgotten."""


class DriftKind(StrEnum):
    """What changed."""

    MODEL = "model"
    FINGERPRINT = "fingerprint"
    VECTOR = "vector"
    """The cosine to the reference, in steps of a thousandth."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A value that was not there before."""

    target: str
    model: str
    """The model that was asked: under another one a series begins anew."""
    kind: DriftKind
    before: str | None
    """The value until now; None when the series begins, which is no event."""
    after: str
    at: float
    """Wall time of the probe."""


@dataclass(slots=True)
class _Series:
    model: str
    newest: str
    seen_at: dict[str, float] = field(default_factory=dict)


class Drift:
    """The series of all targets."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, DriftKind], _Series] = {}

    def restore(self, sightings: Iterable[Sighting], now: float) -> None:
        """Take up known values, the oldest first; they count as seen at the wall time `now`."""
        for each in sightings:
            self._take(each.target, each.model, each.kind, each.after, now)

    def learn(self, result: ProbeResult) -> tuple[Sighting, ...]:
        """Take in a result; return what it had that was not there before.

        Only complete answers speak for their model.
        """
        if not result.answered:
            return ()
        target, model, at = result.target, result.model, result.at
        found = (self._take(target, model, kind, value, at) for kind, value in _values(result))
        return tuple(sighting for sighting in found if sighting is not None)

    def _take(
        self, target: str, model: str, kind: DriftKind, value: str, at: float
    ) -> Sighting | None:
        series = self._series.get((target, kind))
        if series is None or series.model != model:
            return self._begin(target, model, kind, value, at)
        before, series.newest = series.newest, value
        known = value in series.seen_at and at - series.seen_at[value] <= FORGET_S
        if not known:
            series.seen_at = {v: s for v, s in series.seen_at.items() if at - s <= FORGET_S}
            if len(series.seen_at) >= KNOWN_LIMIT:
                return None
        series.seen_at[value] = at
        return None if known else Sighting(target, model, kind, before, value, at)

    def _begin(
        self, target: str, model: str, kind: DriftKind, value: str, at: float
    ) -> Sighting | None:
        # A reference is there before anything is compared with it.
        first = SAME if kind is DriftKind.VECTOR else value
        self._series[target, kind] = _Series(model, first, {first: at})
        if first != value:
            return self._take(target, model, kind, value, at)
        return Sighting(target, model, kind, None, value, at)


def _values(result: ProbeResult) -> Iterator[tuple[DriftKind, str]]:
    if result.returned_model is not None:
        yield DriftKind.MODEL, result.returned_model
    if result.fingerprint is not None:
        yield DriftKind.FINGERPRINT, result.fingerprint
    if result.cosine is not None:
        same = result.cosine >= SAME_COSINE
        yield DriftKind.VECTOR, SAME if same else f"{math.floor(result.cosine * 1e3) / 1e3:.3f}"
