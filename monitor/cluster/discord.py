"""What is not as it should be among replicas, in words for people. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from monitor.cluster.protocol import Member

APART_S: Final = 1.0
"""Clocks that differ by more name the same slot at different times: one replica is always first,
and what was found is dated by whose clock it was found with."""
NAMED: Final = 5
"""Replicas that a line names."""


def discord(members: Sequence[Member], *, connected: bool) -> Iterator[str]:
    """Yield a line for each thing that somebody should look at; none in health."""
    if not connected:
        yield "Redis is not reached: this replica works as if it were alone"
    yield from _configurations(members)
    if len(members) > 1:
        yield from _clocks(members)
    versions = sorted({member.version for member in members})
    if len(versions) > 1:
        yield f"replicas run different versions: {', '.join(versions)}"


def _configurations(members: Sequence[Member]) -> Iterator[str]:
    """Those of one location should be alike: else it depends on who is first what is asked."""
    by_location: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for member in members:
        by_location[member.location][member.config].append(member.name)
    for location, groups in sorted(by_location.items()):
        if len(groups) > 1:
            sides = " | ".join(_names(names) for names in sorted(groups.values()))
            yield f"replicas in {location} run different configurations: {sides}"


def _clocks(members: Sequence[Member]) -> Iterator[str]:
    first = min(members, key=lambda member: member.ahead_s)
    last = max(members, key=lambda member: member.ahead_s)
    apart_s = last.ahead_s - first.ahead_s
    if apart_s > APART_S:
        yield f"the clock of {last.name} is {apart_s:.0f} s ahead of that of {first.name}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(sorted(names)[:NAMED]) + more
