"""What became of every slot and every alert, by the ledgers and by whoever was told.

A slot is accounted for when one replica ran it, or somebody skipped it with a reason, or it was
lost with the replica that held it. What a replica only heard of is in its ledger too, and is left
out here: each ledger speaks for what its own replica did.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.schedule import Grid

NOT_CLAIMED = "not_claimed"


@dataclass(frozen=True)
class Slots:
    """What the replicas did with the slots of some targets, by (target, slot number)."""

    due: frozenset[tuple[str, int]]
    """All that fell due while we looked."""
    runs: Mapping[tuple[str, int], Sequence[str]]
    """Who ran it."""
    skips: Mapping[tuple[str, int], Sequence[str]]
    """Why it was skipped, in the words of each that says so."""

    @property
    def doubled(self) -> set[tuple[str, int]]:
        """Run more than once."""
        return {slot for slot in self.due if len(self.runs.get(slot, ())) > 1}

    @property
    def decisions(self) -> set[int]:
        """By how many replicas slots were run or skipped: 1 where they share, else all."""
        return {len(self.runs.get(slot, ())) + len(self.skips.get(slot, ())) for slot in self.due}

    @property
    def lost(self) -> set[tuple[str, int]]:
        """Claimed by a replica from which nothing came, and told so by another."""
        return {
            slot
            for slot in self.due
            if slot not in self.runs and set(self.skips.get(slot, ())) == {NOT_CLAIMED}
        }

    @property
    def skipped(self) -> set[tuple[str, int]]:
        """Not run, for a reason."""
        told = {slot for slot in self.due if slot not in self.runs and slot in self.skips}
        return told - self.lost

    @property
    def reasons(self) -> set[str]:
        """Why slots were skipped."""
        return {reason for slot in self.skipped for reason in self.skips[slot]}

    def skipped_for(self, reason: str) -> set[tuple[str, int]]:
        """Return the slots that were skipped for a reason."""
        return {slot for slot in self.skipped if reason in self.skips[slot]}

    @property
    def missing(self) -> set[tuple[str, int]]:
        """Neither run nor skipped nor told as lost: nobody knows of it."""
        return {slot for slot in self.due if slot not in self.runs and slot not in self.skips}

    @property
    def shares(self) -> Counter[str]:
        """How many slots each replica ran."""
        return Counter(who for slot in self.due for who in self.runs.get(slot, ()))

    def lost_by_target(self) -> Counter[str]:
        """How many slots each target lost."""
        return Counter(target for target, _ in self.lost)


def slots_of(
    ledgers: Mapping[str, Path], intervals_s: Mapping[str, float], since: float, until: float
) -> Slots:
    """Read what became of the slots that fell due between two wall times."""
    due = frozenset(
        (target, number)
        for target, interval_s in intervals_s.items()
        for number in _numbers(Grid.of(target, interval_s), since, until)
    )
    runs: dict[tuple[str, int], list[str]] = defaultdict(list)
    skips: dict[tuple[str, int], list[str]] = defaultdict(list)
    for replica, path in ledgers.items():
        for target, slot in _rows(path, "SELECT target, slot FROM results WHERE attempt = 1"):
            runs[target, slot].append(replica)
        for target, slot, reason in _rows(path, "SELECT target, slot, reason FROM skips WHERE 1"):
            skips[target, slot].append(reason)
    return Slots(due, runs, skips)


def known_to(path: Path, since: float, until: float) -> set[tuple[str, int]]:
    """Return the slots whose own result is in a ledger, whoever found it."""
    sql = f"SELECT target, slot FROM results WHERE attempt = 1 AND slot_at > {since}"
    return set(_select(path, f"{sql} AND slot_at < {until}"))


def _numbers(grid: Grid, since: float, until: float) -> range:
    first = grid.following(since).number
    return range(first, grid.following(until).number)


def _rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    return _select(path, f"{sql} AND heard_from = ''")


def _select(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@dataclass
class Told:
    """What people were told of one alert, in order."""

    words: list[str] = field(default_factory=list)
    """`firing` and `resolved`."""

    @property
    def firing(self) -> int:
        """How often it was told as firing."""
        return self.words.count("firing")

    @property
    def resolved(self) -> int:
        """How often it was told as over."""
        return self.words.count("resolved")


def told_of(deliveries: Iterable[Mapping[str, Any]]) -> Mapping[tuple[str, str], Told]:
    """Return what was told of each alert, by its name and target."""
    found: dict[tuple[str, str], Told] = defaultdict(Told)
    for delivery in deliveries:
        for alert in delivery["alerts"]:
            labels = alert["labels"]
            key = labels["alertname"], labels.get("target", "")
            found[key].words.append(alert["status"])
    return found
