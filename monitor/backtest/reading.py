"""The ledger's results as columns: what windows count of them, without an object per row.

What counts where is said in `aggregator.window`; a test holds the two together. Rows are ordered by
the time they were had, as the wall clock had it: where it was set back meanwhile, the daemon went
by the order of commits.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.part import COST, FAULTS, FIRST_TOKEN, INTER_TOKEN, LATENCY, TOKENS_PER_S, VERDICTS
from aggregator.window import HELD_BACK, PLAUSIBLE
from alerting.trial.history import Bytes, Floats, History, history
from monitor.report.incidents import BLAMED, Failure
from probes.result import Fault, SkipReason

TOGETHER: Final = 20_000
"""Rows read in one statement: no snapshot outlives it that would keep the write-ahead log from
being recycled. The table is read from one end to the other and sorted out by target here: one
look-up in an index for each row takes longer than all the rest, and on a disk much longer."""

_ANSWERED: Final = "verdict IN ('ok', 'content_mismatch')"
_LATENCY: Final = (
    f"CASE WHEN {_ANSWERED} AND NOT stream_tainted THEN coalesce(last_token_s, total_s)"
    f" WHEN {_ANSWERED} OR verdict = 'timeout' THEN total_s END"
)
_FIRST_TOKEN: Final = f"CASE WHEN {_ANSWERED} AND NOT stream_tainted THEN first_token_s END"
_MEASURED: Final = {
    LATENCY: f"CASE WHEN NOT latency_tainted THEN {_LATENCY} END",
    FIRST_TOKEN: f"CASE WHEN NOT latency_tainted THEN {_FIRST_TOKEN} END",
    COST: "cost_usd",
}
_SPEEDS: Final = frozenset({INTER_TOKEN, TOKENS_PER_S})
_OURS: Final = FAULTS.index(Fault.MONITOR)


def _places(column: str, words: Iterable[str]) -> str:
    whens = " ".join(f"WHEN '{word}' THEN {place}" for place, word in enumerate(words))
    return f"CASE {column} {whens} END"


_KINDS: Final = f"64 * {_places('verdict', VERDICTS)} + 2 * {_places('fault', FAULTS)}"
"""Verdict, fault and taint as one number. NULL: a word of a newer version, left out as it is when
windows are filled at a start."""
_MISSED: Final = tuple(str(reason) for reason in SkipReason if reason not in HELD_BACK)
_TARGET, _HAD_AT, _BEGAN, _KIND, _FIGURES = range(5)


@dataclass(frozen=True, slots=True)
class Range:
    """Which results: wall times, `until` not within."""

    since: float
    until: float
    location: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds of one target, in the order it was had."""

    history: History
    began: Floats
    """When each result's probe began."""

    @property
    def rows(self) -> int:
        """How many results there are, refused slots among them."""
        return len(self.began)

    def failures(self) -> Iterator[Failure]:
        """Yield the failures that make an incident, in the order they began."""
        of = self.history
        blamed = np.isin(of.faults, [FAULTS.index(fault) for fault in BLAMED])
        order = np.argsort(self.began[blamed], kind="stable")
        columns = (self.began, of.times, of.verdicts, of.faults)
        for began_at, ended_at, verdict, fault in zip(
            *(column[blamed][order].tolist() for column in columns), strict=True
        ):
            yield Failure(began_at, ended_at, str(VERDICTS[verdict]), FAULTS[fault])


def recorded(
    connection: sqlite3.Connection,
    targets: Sequence[str],
    of: Range,
    columns: frozenset[int],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> dict[str, Recorded]:
    """Read these targets' results; `columns`: the figures wanted, by `aggregator.part`'s numbers.

    `progress` hears how many rows of how many it has passed.
    """
    wanted = sorted(_MEASURED if _SPEEDS & columns else columns & _MEASURED.keys())
    figures = [_MEASURED[each] for each in wanted]
    if _SPEEDS & columns:
        figures.append("output_tokens")
    where = "attempt = 1"
    kind = f"{_KINDS} + (latency_tainted OR stream_tainted)"
    select = ", ".join(("at + waited_s + total_s", "at", kind, *figures))
    width = _FIGURES + len(figures)
    refused, missing = "verdict NOTNULL", f"verdict ISNULL AND reason IN {_MISSED}"
    results = _by_target(_pages(connection, "results", select, where, of, targets, progress))
    counted = _by_target(_pages(connection, "skips", f"at, at, {_KINDS}", refused, of, targets))
    missed = _by_target(_pages(connection, "skips", "at, at, 0", missing, of, targets))
    return {
        name: _put_together(
            _whole(results.pop(place, []), width),
            _whole(counted.pop(place, []), _FIGURES),
            _whole(missed.pop(place, []), _FIGURES)[:, _HAD_AT],
            wanted,
            columns,
        )
        for place, name in enumerate(targets)
    }


def _pages(
    connection: sqlite3.Connection,
    table: str,
    select: str,
    where: str,
    of: Range,
    targets: Sequence[str],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Iterator[NDArray[np.float64]]:
    """Go through a table; yield its rows, the target's place first, NaN for NULL."""
    within = "at >= ? AND at < ?"
    bounds = f"SELECT min(id), max(id) FROM {table} WHERE {within}"  # noqa: S608 - our own words
    first, last = connection.execute(bounds, (of.since, of.until)).fetchone()
    if first is None:
        return
    places = {name: place for place, name in enumerate(targets)}
    # Without the index over time it is read as it lies in the file.
    page = (
        f"SELECT target, {select} FROM {table} NOT INDEXED"  # noqa: S608 - our own words
        f" WHERE id BETWEEN ? AND ? AND {within} AND location = ? AND {where}"
    )
    for start in range(first, last + 1, TOGETHER):
        key = (start, start + TOGETHER - 1, of.since, of.until, of.location)
        rows = connection.execute(page, key).fetchall()
        found = [(places[row[0]], *row[1:]) for row in rows if row[0] in places]
        if found:
            yield np.array(found, np.float64)
        progress(min(start + TOGETHER, last + 1) - first, last + 1 - first)


def _by_target(pages: Iterable[NDArray[np.float64]]) -> dict[int, list[NDArray[np.float64]]]:
    """Sort rows out by target; those of unknown words are left out."""
    found: dict[int, list[NDArray[np.float64]]] = {}
    for page in pages:
        known = page[~np.isnan(page[:, _KIND])]
        known = known[np.argsort(known[:, _TARGET], kind="stable")]
        names, starts = np.unique(known[:, _TARGET], return_index=True)
        for place, rows in zip(names.tolist(), np.split(known, starts[1:]), strict=False):
            found.setdefault(int(place), []).append(rows)
    return found


def _whole(pieces: Sequence[NDArray[np.float64]], width: int) -> NDArray[np.float64]:
    return np.concatenate([np.empty((0, width)), *pieces])


def _put_together(
    results: NDArray[np.float64],
    counted: NDArray[np.float64],
    missed: Floats,
    wanted: Sequence[int],
    columns: frozenset[int],
) -> Recorded:
    """Make one target's history of its results, slots that count as failed, and missed slots."""
    ours = (results[:, _KIND].astype(np.int64) >> 1) % 32 == _OURS
    missed = np.sort(np.concatenate((results[ours, _HAD_AT], missed)))
    bare = np.full((len(counted), results.shape[1] - _FIGURES), np.nan)
    every = np.concatenate((results[~ours], np.column_stack((counted, bare))))
    every = every[np.argsort(every[:, _HAD_AT], kind="stable")]
    kinds = every[:, _KIND].astype(np.int64)
    codes: tuple[Bytes, ...] = tuple(
        part.astype(np.uint8) for part in (kinds >> 6, (kinds >> 1) % 32, kinds % 2)
    )
    figures = {column: every[:, _FIGURES + place] for place, column in enumerate(wanted)}
    if _SPEEDS & columns:
        figures |= _speeds(figures, every[:, -1], tainted=codes[2] > 0)
    shown = [_plausible(figures[each]) if each in figures else None for each in range(COST + 1)]
    return Recorded(history(every[:, _HAD_AT], codes, shown, missed), every[:, _BEGAN].copy())


def _plausible(figures: Floats) -> Floats:
    """Leave out what windows refuse."""
    return np.where((figures >= 0.0) & (figures <= PLAUSIBLE), figures, np.nan)


def _speeds(
    figures: Mapping[int, Floats], tokens: Floats, *, tainted: NDArray[np.bool_]
) -> dict[int, Floats]:
    """Work out the two figures that take three others (see `ProbeResult`)."""
    span_s = figures[LATENCY] - figures[FIRST_TOKEN]
    streamed = (tokens >= 2) & ~tainted
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(streamed, span_s / (tokens - 1), np.nan)
        speed = np.where(streamed & (span_s > 0), tokens / span_s, np.nan)
    return {INTER_TOKEN: between, TOKENS_PER_S: speed}
