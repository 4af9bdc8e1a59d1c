"""Incidents: what lies between the first and the last of failures that stand close together.

Only failures are looked at, so an incident says that failures came no further apart than the rule
allows, not that nothing succeeded between them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from typing import Final

from monitor.report.beside import Beside
from probes.result import Fault

BLAMED: Final = (Fault.PROVIDER,)
"""Faults that make an incident. An account without money or our own lateness is none of theirs."""

OURS: Final = (Fault.NETWORK, Fault.MONITOR)
"""Faults of our own side: the way out that nothing could be reached on, and the machine."""

APART_INTERVALS: Final = 2
"""Failures less than this many intervals apart, end to beginning, are one incident."""

EVIDENCE_AT_MOST: Final = 5
"""Answers quoted for an incident, the first of each kind before others: enough for a vendor's
support to find the rest."""

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
    refused: bool = False
    """Whether it is a slot that was not asked."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One failure of an incident, as the vendor can find it."""

    at: float
    verdict: str
    status: int | None
    request_id: str | None
    """None: no answer came that named one."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which our own side was in the way at a location."""

    location: str
    start_at: float
    end_at: float
    results: int
    """Results and slots that failed through it, of all targets."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Failures of one target at one location that stand close together."""

    target: str
    provider: str
    location: str
    start_at: float
    end_at: float
    """When the last failure was known."""
    failures: int
    verdicts: dict[str, int]
    statuses: dict[str, int]
    """By HTTP status; without those that had none."""
    evidence: tuple[Evidence, ...]
    detail: str
    """What the first failure with any said: the provider's words, sanitised, and hostile still."""
    refused: int = 0
    """Of the failures: slots that were not asked, for the breaker was open."""
    may_be_older: bool = False
    """Whether it stands at the report's beginning: what was before that was not looked at."""
    may_go_on: bool = False
    """Whether it stands at the report's end."""
    good_between: int = 0
    """Results without a failure between the beginning and the end."""
    page: Beside | None = None
    """What the provider's status page said meanwhile; None: it was not watched then."""
    troubles: tuple[Stretch, ...] = ()
    """What our own side went through meanwhile."""

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
        return tuple(sorted(kept, key=lambda each: (each.start_at, each.target, each.location)))


def incidents(
    target: str, provider: str, location: str, interval_s: float, failures: Iterable[Failure]
) -> Iterator[Incident]:
    """Put failures of a target at a location, in the order they began, together into incidents."""
    run: _Run | None = None
    for failure in failures:
        if run is not None and failure.began_at - run.ended_at < APART_INTERVALS * interval_s:
            run.add(failure)
            continue
        if run is not None:
            yield run.incident(target, provider, location)
        run = _Run(failure.began_at, failure.ended_at)
        run.add(failure)
    if run is not None:
        yield run.incident(target, provider, location)


def united(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Make one of stretches that overlap at a location; in the order of their beginnings."""
    found: list[Stretch] = []
    for each in sorted(stretches, key=lambda each: (each.location, each.start_at)):
        last = found[-1] if found else None
        if last is None or last.location != each.location or each.start_at > last.end_at:
            found.append(each)
            continue
        end_at = max(last.end_at, each.end_at)
        found[-1] = Stretch(last.location, last.start_at, end_at, last.results + each.results)
    return sorted(found, key=lambda each: (each.start_at, each.location))


def meanwhile(incident: Incident, stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Return the stretches at an incident's location that overlap it."""
    return tuple(
        each
        for each in stretches
        if each.location == incident.location
        and each.start_at <= incident.end_at
        and each.end_at >= incident.start_at
    )


@dataclass(slots=True)
class _Run:
    began_at: float
    ended_at: float
    failures: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    told: list[Evidence] = field(default_factory=list)
    silent: list[Evidence] = field(default_factory=list)
    """Failures without an answer: a vendor finds them by their times alone, if at all."""
    kinds: dict[tuple[str, int | None], Evidence] = field(default_factory=dict)
    """The first answers that were alike in verdict and status."""
    detail: str = ""
    refused: int = 0

    def add(self, failure: Failure) -> None:
        self.ended_at = max(self.ended_at, failure.ended_at)
        self.failures += 1
        self.refused += failure.refused
        self.verdicts[failure.verdict] = self.verdicts.get(failure.verdict, 0) + 1
        if failure.status is not None:
            status = str(failure.status)
            self.statuses[status] = self.statuses.get(status, 0) + 1
        self.detail = self.detail or failure.detail
        if not failure.refused:
            self._keep(failure)

    def _keep(self, failure: Failure) -> None:
        found = Evidence(failure.began_at, failure.verdict, failure.status, failure.request_id)
        answered = failure.request_id is not None or failure.status is not None
        kind = (failure.verdict, failure.status)
        kept = self.told if answered else self.silent
        if answered and kind not in self.kinds and len(self.kinds) < EVIDENCE_AT_MOST:
            self.kinds[kind] = found
        elif len(kept) < EVIDENCE_AT_MOST:
            kept.append(found)

    def incident(self, target: str, provider: str, location: str) -> Incident:
        evidence = [*self.kinds.values(), *self.told, *self.silent][:EVIDENCE_AT_MOST]
        return Incident(
            target,
            provider,
            location,
            self.began_at,
            self.ended_at,
            self.failures,
            self.verdicts,
            self.statuses,
            tuple(sorted(evidence, key=lambda each: each.at)),
            self.detail,
            self.refused,
        )
