"""Incidents: what lies between the first and the last of failures that stand close together.

Only failures are looked at, so an incident says that failures came no further apart than the rule
allows, not that nothing succeeded between them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from typing import Final

from probes.result import Fault

BLAMED: Final = (Fault.PROVIDER, Fault.NETWORK)
"""Faults that make an incident. An account without money or our own lateness is none of theirs."""

APART_INTERVALS: Final = 2
"""Failures less than this many intervals apart, end to beginning, are one incident."""

EVIDENCE_AT_MOST: Final = 5
"""Answers quoted for an incident: enough for a vendor's support to find the others."""

LISTED_AT_MOST: Final = 200
"""Incidents a report lists, the longest ones: more is no reading matter, and memory is bounded."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A slot's own failed attempt, or a slot that was refused because of such."""

    began_at: float
    """Wall time, seconds since the epoch, as every time here."""
    ended_at: float
    verdict: str
    """As it was written: it may be a word of a newer version."""
    fault: Fault
    status: int | None = None
    """HTTP status; None when no response head arrived, and for a refused slot."""
    request_id: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer of an incident, as the vendor can find it."""

    at: float
    status: int | None
    request_id: str | None
    """None: no answer came that named one."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Failures of one target that stand close together."""

    target: str
    provider: str
    start_at: float
    end_at: float
    """When the last failure was known."""
    failures: int
    verdicts: dict[str, int]
    faults: dict[str, int]
    evidence: tuple[Evidence, ...]
    detail: str
    """What the first failure with any said: the provider's words, sanitised, and hostile still."""

    @property
    def duration_s(self) -> float:
        """Seconds from the beginning of the first failure to the end of the last."""
        return self.end_at - self.start_at


@dataclass(slots=True)
class Worst:
    """The longest incidents so far, at most LISTED_AT_MOST."""

    left_out: int = 0
    """How many there were beside them."""
    _heap: list[tuple[float, int, int, Incident]] = field(default_factory=list)
    _seen: int = 0

    def add(self, incident: Incident) -> None:
        """Keep an incident, or the longer ones and count it."""
        self._seen += 1  # makes each entry's place unique: incidents have no order
        entry = (incident.duration_s, incident.failures, -self._seen, incident)
        if len(self._heap) < LISTED_AT_MOST:
            heappush(self._heap, entry)
        else:
            heappushpop(self._heap, entry)
            self.left_out += 1

    @property
    def listed(self) -> tuple[Incident, ...]:
        """Those kept, in the order of their beginnings."""
        kept = (incident for *_, incident in self._heap)
        return tuple(sorted(kept, key=lambda each: (each.start_at, each.target)))


def incidents(
    target: str, provider: str, interval_s: float, failures: Iterable[Failure]
) -> Iterator[Incident]:
    """Put a target's failures, in the order they began, together into incidents."""
    run: _Run | None = None
    for failure in failures:
        if run is not None and failure.began_at - run.ended_at < APART_INTERVALS * interval_s:
            run.add(failure)
            continue
        if run is not None:
            yield run.incident(target, provider)
        run = _Run(failure.began_at, failure.ended_at)
        run.add(failure)
    if run is not None:
        yield run.incident(target, provider)


@dataclass(slots=True)
class _Run:
    began_at: float
    ended_at: float
    failures: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    detail: str = ""

    def add(self, failure: Failure) -> None:
        self.ended_at = max(self.ended_at, failure.ended_at)
        self.failures += 1
        self.verdicts[failure.verdict] = self.verdicts.get(failure.verdict, 0) + 1
        self.faults[str(failure.fault)] = self.faults.get(failure.fault, 0) + 1
        self.detail = self.detail or failure.detail
        told = failure.request_id is not None or failure.status is not None
        if told and len(self.evidence) < EVIDENCE_AT_MOST:
            self.evidence.append(Evidence(failure.began_at, failure.status, failure.request_id))

    def incident(self, target: str, provider: str) -> Incident:
        return Incident(
            target,
            provider,
            self.began_at,
            self.ended_at,
            self.failures,
            self.verdicts,
            self.faults,
            tuple(self.evidence),
            self.detail,
        )
