"""How replicas divide slots among themselves, in virtual time. Pure.

Each replica is one queue: a slot that is due is asked for when everything before it is done, and
what it costs depends on how fast the replica is. Ranks, head starts and the average that says how
busy it is are the daemon's own; Redis is a set that answers at once, so that a slot is never
claimed twice here. What else replicas do (hearing, evaluating) is left out.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from monitor.cluster.claims import LATE_S, SMOOTHING_RATIO
from monitor.cluster.rank import head_start_s, rank
from monitor.schedule import Grid
from monitor.scheduler import GRACE_RATIO, GRACE_S

Key = tuple[str, int]


@dataclass(slots=True)
class Replica:
    """One of a group."""

    name: str
    speed: float = 1.0
    """Of an ordinary one's: what it can spend on a slot."""
    free_at: float = -inf
    lateness_s: float = 0.0

    @property
    def load_ratio(self) -> float:
        """How busy it is, 1.0 at its limit."""
        return self.lateness_s / LATE_S

    def work(self, at: float, seconds: float) -> float:
        """Spend time from `at` on, when it is free; return when that begins."""
        begins = max(at, self.free_at)
        self.free_at = begins + seconds / self.speed
        return begins


@dataclass(slots=True)
class Share:
    """Who claimed what."""

    slots: int
    seconds: float
    most_in_a_second: int
    """Of slots that fall due."""
    claims: Counter[str] = field(default_factory=Counter)
    """By replica."""
    late_s: list[float] = field(default_factory=list)
    """From each slot to the claim that won it."""
    claimed: set[Key] = field(default_factory=set)


def divide(
    targets: Sequence[str],
    interval_s: float,
    replicas: Sequence[Replica],
    *,
    claim_s: float,
    probe_s: float,
    rounds: int = 1,
) -> Share:
    """Have the slots of some rounds claimed. `claim_s`, `probe_s`: what an ordinary one spends."""
    due = sorted(_due(targets, interval_s, rounds))
    crowd = Counter(int(at) for at, *_ in due)
    found = Share(len(due), rounds * interval_s, max(crowd.values()))
    others = frozenset(each.name for each in replicas)
    most_s = min(GRACE_S, interval_s * GRACE_RATIO) / 2
    asks: list[tuple[float, int, float, Key]] = []
    """When, who, when the slot was due, and which."""
    for at, target, number in (*due, (inf, "", 0)):
        while asks and asks[0][0] <= at:
            _ask(heapq.heappop(asks), replicas, found, probe_s)
        if not target:
            break
        for who, one in enumerate(replicas):
            begins = one.work(at, claim_s)
            late_s = min(begins - at, 2 * LATE_S)
            one.lateness_s += SMOOTHING_RATIO * (late_s - one.lateness_s)
            place = rank(target, one.name, others)
            asked_at = begins + head_start_s(place, one.load_ratio, most_s)
            heapq.heappush(asks, (asked_at, who, at, (target, number)))
    return found


def _due(
    targets: Sequence[str], interval_s: float, rounds: int
) -> Iterator[tuple[float, str, int]]:
    for target in targets:
        grid = Grid.of(target, interval_s)
        for number in range(rounds):
            yield grid.slot(number).at, target, number


def _ask(
    ask: tuple[float, int, float, Key], replicas: Sequence[Replica], found: Share, probe_s: float
) -> None:
    at, who, due_at, key = ask
    if key in found.claimed:
        return
    found.claimed.add(key)
    found.claims[replicas[who].name] += 1
    found.late_s.append(at - due_at)
    replicas[who].work(at, probe_s)
