"""Who should claim a slot first: a preference, never a right. Decides only.

Every replica ranks the live ones of its location for each target by a hash of both names, so that
all agree without asking, and one that comes or goes moves only its own share of the targets
(rendezvous hashing: https://www.eecs.umich.edu/techreports/cse/96/CSE-TR-316-96.pdf).
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

RANK_S: Final = 0.03
"""How long each rank leaves to the one before it: several round trips within a data centre."""
BUSY_S: Final = 0.1
"""How long one that is at its limit leaves to all others: more than three ranks."""
HINDERED_S: Final = 0.3
"""How long one whose own way out fails leaves to all others."""
EASY_RATIO: Final = 0.25
"""Up to this load nobody leaves anything to others: each has some, and a slot is not to be late."""
AHEAD_S: Final = 2.0
NOISE_S: Final = 0.005
"""Clocks nearer than this cannot be told apart over a network."""
SLOT_LIFE_S: Final = 120.0
"""A slot is remembered this long, or two intervals: clocks may be apart, and one replica slow."""
SPREAD_S: Final = 0.2
"""How far apart replicas probe that cannot ask each other: a provider need not see them at once."""


@lru_cache(maxsize=65_536)
def rank(target: str, replica: str, others: frozenset[str]) -> int:
    """Return how many of the others come before this replica for a target."""
    own = _weight(target, replica)
    return sum(_weight(target, other) > own for other in others if other != replica)


def _weight(target: str, replica: str) -> tuple[bytes, str]:
    return blake2b(f"{target}\0{replica}".encode(), digest_size=8).digest(), replica


def head_start_s(place: int, load_ratio: float, most_s: float, *, hindered: bool = False) -> float:
    """Return how long to leave a slot to others, at most `most_s`.

    `place` is the rank. `load_ratio` is how busy we are, 1.0 at the limit. `hindered`: what we find
    would say nothing about anybody but us.
    """
    return min(place * RANK_S + _busy_s(load_ratio) + hindered * HINDERED_S, most_s)


def early_s(ahead_s: float, interval_s: float) -> float:
    """Return how long to wait until it is time for the slowest clock of a location as well.

    `ahead_s` is how far ours is ahead of it. A clock that is further off than AHEAD_S, or a quarter
    of the interval, is not waited for: it finds its slots taken.
    """
    return min(ahead_s, AHEAD_S, interval_s / 4) if ahead_s > NOISE_S else 0.0


def slot_life_s(interval_s: float) -> float:
    """Return how long the slots of a target are remembered."""
    return max(SLOT_LIFE_S, 2 * interval_s)


def _busy_s(load_ratio: float) -> float:
    return BUSY_S * min(max(load_ratio - EASY_RATIO, 0.0) / (1.0 - EASY_RATIO), 1.0)


def patience_s(loads: Iterable[float]) -> float:
    """Return after how long every replica that would probe a slot has asked for it.

    `loads`: the load ratio of each replica of the location.
    """
    known = tuple(loads)
    return len(known) * RANK_S + max(map(_busy_s, known), default=0.0)
