"""Whom a report is about: configured targets, and those that only the ledger still knows."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.config.durations import format_duration
from probes.target import Target

USUAL_INTERVAL_S: Final = 60.0
"""Of a target that left no two slots to tell it by."""
_LOOKED_AT: Final = 50
"""Newest results among which two slots are looked for: more are of one slot at several places."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A target to be reported on."""

    name: str
    provider: str
    """"" when nothing says it, as the model."""
    model: str
    interval_s: float
    asked: str
    """How it is asked, for people; "" when it is not configured any more."""

    @property
    def configured(self) -> bool:
        """Whether it is one of the configuration's."""
        return bool(self.asked)


def places(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the locations that the ledger holds anything from, by target."""
    found: dict[str, set[str]] = {}
    for target, location in connection.execute("SELECT target, location FROM rollup_series"):
        found.setdefault(target, set()).add(location)
    # From one to the next in the index: what is in no roll-up, without reading every result.
    next_target = "SELECT min(target) FROM results WHERE target > ?"
    next_location = "SELECT min(location) FROM results WHERE target = ? AND location > ?"
    target = ""
    while (target := connection.execute(next_target, (target,)).fetchone()[0]) is not None:
        location = ""
        while location is not None:
            (location,) = connection.execute(next_location, (target, location)).fetchone()
            found.setdefault(target, set()).update(() if location is None else (location,))
    return found


def subjects(
    connection: sqlite3.Connection,
    targets: Sequence[Target],
    known: Mapping[str, set[str]],
    wanted: Callable[[str, str], bool],
) -> Iterator[Subject]:
    """Go through the targets whose name and provider are wanted.

    Configured ones first, then those that are known to the ledger alone.
    """
    configured = {target.name for target in targets}
    for target in targets:
        if wanted(target.name, target.provider):
            yield Subject(
                target.name, target.provider, target.model, target.interval_s, _asked(target)
            )
    for name in sorted(known.keys() - configured):
        subject = _remembered(connection, name)
        if wanted(name, subject.provider):
            yield subject


def _asked(target: Target) -> str:
    streamed = ", streamed" if target.stream else ""
    first = (
        f", its first token within {format_duration(target.first_token_deadline_s)}"
        if target.stream
        else ""
    )
    return (
        f"{target.operation}{streamed}, every {format_duration(target.interval_s)},"
        f" within {format_duration(target.deadline_s)}{first}"
    )


def _remembered(connection: sqlite3.Connection, name: str) -> Subject:
    rows = connection.execute(
        "SELECT provider, model, slot, slot_at FROM results WHERE target = ?"
        " ORDER BY at DESC LIMIT ?",
        (name, _LOOKED_AT),
    ).fetchall()
    if not rows:
        return Subject(name, "", "", USUAL_INTERVAL_S, "")
    provider, model, slot, slot_at = rows[0]
    apart = next((row for row in rows if row[2] != slot), None)
    interval_s = 0.0 if apart is None else (slot_at - apart[3]) / (slot - apart[2])
    return Subject(name, provider, model, interval_s if interval_s > 0 else USUAL_INTERVAL_S, "")
