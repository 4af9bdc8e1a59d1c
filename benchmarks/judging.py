"""Holds what clients reported against what the truth server knows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from benchmarks.cells import Cell, Findings, Sample
from benchmarks.truth_log import Row

WRONG_MS: Final = 0.5
"""A figure further off than this, and not marked as tainted, is silently wrong."""
UNSURE_S: Final = 0.0001
"""A row whose own moments may be off by more than this judges nobody."""
TRUSTED_MS: Final = 1.0
"""A run in which the truth server was later than this (p99) says nothing about anybody."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far off a figure was: absolute errors in ms."""

    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, errors_ms: Iterable[float]) -> "Spread | None":
        """Return the spread of some errors by nearest rank; None of none."""
        ordered = sorted(abs(each) for each in errors_ms)
        if not ordered:
            return None
        return cls(_rank(ordered, 0.5), _rank(ordered, 0.99), ordered[-1])


def _rank(ordered: Sequence[float], quantile: float) -> float:
    return ordered[max(0, ceil(quantile * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One client in one cell."""

    samples: int
    failed: int
    """Probes without a good answer, or lost altogether."""
    whole: Spread | None
    answer: Spread | None
    first_token: Spread | None
    inter_token: Spread | None
    tainted: int
    silently_wrong: int
    not_kernel: int
    """Sonde's samples whose receive times do not come from the kernel."""
    unsure: int
    """Samples for which the truth is not known well enough: in no figure above but `samples`."""
    cpu_ms: float | None
    """CPU time of one probe; None where nothing was done."""


def judge(findings: Findings, rows: Mapping[int, Row]) -> Judgement:
    """Say how far off a client was. `rows` is the log by id; samples it lacks count as failed."""
    told = [each for each in findings.samples if each.ok and each.id in rows]
    pairs = [(each, rows[each.id]) for each in told if each.id is not None]
    errors = [_errors(each, row) for each, row in pairs if row.unsure_s <= UNSURE_S]
    spreads = {
        name: Spread.of(each[name] for each in errors if name in each)
        for name in ("whole", "answer", "first_token", "inter_token")
    }
    return Judgement(
        samples=len(told),
        failed=len(findings.samples) - len(told) + findings.lost,
        **spreads,
        tainted=sum(each.tainted or each.stream_tainted for each in told),
        silently_wrong=sum(any(abs(ms) > WRONG_MS for ms in _claims(each)) for each in errors),
        unsure=len(pairs) - len(errors),
        not_kernel=sum(each.stamps not in ("", "kernel") for each in told),
        cpu_ms=findings.cpu_s / findings.probes * 1e3 if findings.probes else None,
    )


def _errors(sample: Sample, row: Row) -> dict[str, float]:
    """Return the error of each figure the client stands by, in ms."""
    pairs: dict[str, tuple[float | None, float | None]] = {}
    if not sample.tainted:
        pairs |= {"whole": (sample.whole_s, row.took_s), "answer": (sample.answer_s, row.took_s)}
    if not sample.stream_tainted:
        pairs |= {
            "first_token": (sample.first_token_s, row.first_s),
            "inter_token": (sample.inter_token_s, row.gap_s),
        }
    return {
        name: (told_s - true_s) * 1e3
        for name, (told_s, true_s) in pairs.items()
        if told_s is not None and true_s is not None
    }


def _claims(errors: Mapping[str, float]) -> list[float]:
    # Opening a connection is a true part of the whole that the server cannot know of; what follows
    # the departure is compared where the client can tell.
    return [ms for name, ms in errors.items() if name != "whole" or "answer" not in errors]


def limit_ms(cell: Cell) -> float:
    """Return how far off Sonde's p99 may be in a cell: docs/performance.md's targets."""
    if cell.chunks:
        return 0.5
    transport = (1.2 if cell.fresh else 0.6) if cell.tls else 0.3
    return max(transport, 0.5) if cell.blocked else transport
