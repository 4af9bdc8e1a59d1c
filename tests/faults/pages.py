"""docs/faults.md and docs/verdicts.md, written from the tables and from a run."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from probes.hints import Hint
from probes.result import Verdict
from probes.verdicts import BY_STATUS, BY_WORD, FAILURES, GENERIC, VERDICTS
from tests.faults.matrix import MATRIX, Row
from tests.faults.run import Met

DOCS: Final = Path(__file__).parents[2] / "docs"
FAULTS: Final = DOCS / "faults.md"
VERDICTS_PAGE: Final = DOCS / "verdicts.md"

MIB: Final = 1024 * 1024
MEMORY_MIB: Final = (1, 2, 4, 8, 16)
"""Classes of memory, so that the page changes only when something has."""
OVER_S: Final = (0.5, 1.0, 5.0)

_FAULTS_HEAD: Final = """\
# Every fault, and what comes of it

Each fault below is met by the real prober over real sockets, once for every way of asking that is
named. In each case there is exactly one result, the server sees one request at most, no connection
and no task is left behind, and no secret is in the result. What the verdicts mean, and what else
they can be blamed on: [verdicts.md](verdicts.md).

*Over the deadline* is how much longer than its deadline a probe took at most; a dash: it ended
before, by itself. *Peak memory* is the most that Python objects took meanwhile, the misbehaving
server's included, which runs in the same process.

This page is written by `python -m tests.faults --write`; a test compares it with the table.
"""
_VERDICTS_HEAD: Final = """\
# Verdicts, faults and hints

What a probe's result says, and when. A verdict says what happened, a fault whose it is, a hint what
a person can do about it. The tables are those of `probes/verdicts.py` and `probes/hints.py`; this
page is written from them by `python -m tests.faults --write`, and a test compares it.

Only `ok` is good. `error_rate` counts every result that is not `ok`, except those with the fault
`monitor`; `availability` counts the fault `provider` alone.
"""


def faults_page(met: Mapping[str, Iterable[Met]]) -> str:
    """Write docs/faults.md from what was met, by the names of the rows."""
    parts = [_FAULTS_HEAD]
    for heading, rows in MATRIX.items():
        lines = [_fault_line(row, list(met[row.name])) for row in rows]
        parts.append(f"## {heading}\n\n{_table(FAULT_COLUMNS, lines)}")
    return "\n".join(parts)


FAULT_COLUMNS: Final = (
    "fault", "asked as", "verdict", "whose fault", "over the deadline", "peak memory",
)  # fmt: skip


def _fault_line(row: Row, met: list[Met]) -> tuple[str, ...]:
    over_s = max(each.took_s - each.deadline_s for each in met)
    peak_mib = max(each.peak_bytes for each in met) / MIB
    return (
        *told(row),
        f"< {_least(OVER_S, over_s):g} s" if over_s > 0 else "–",
        f"< {_least(MEMORY_MIB, peak_mib):g} MiB",
    )


def told(row: Row) -> tuple[str, ...]:
    """Return what a row says without having been met."""
    return row.name, ", ".join(row.asked), f"`{row.verdict}`", row.fault.value


def _least(classes: tuple[float, ...], value: float) -> float:
    return next(limit for limit in classes if value < limit)


def verdicts_page() -> str:
    """Write docs/verdicts.md."""
    return "\n".join(
        (
            _VERDICTS_HEAD,
            _table(("verdict", "what happened", "whose fault, and when"), _verdict_lines()),
            "## By the failure of the wire\n",
            _table(
                ("failure", "verdict", "fault"),
                ((f"`{kind}`", f"`{found}`", fault) for kind, (found, fault) in FAILURES.items()),
            ),
            "## By the error's code, else its type\n",
            _table(("code or type", "verdict"), _word_lines(BY_WORD)),
            "These types come with statuses that say more, and count without one (an error inside"
            " an answer that began with 200):\n",
            _table(("type", "verdict"), _word_lines(GENERIC)),
            "## By the HTTP status\n\nWhere neither code, type nor message says more.\n",
            _table(("status", "verdict"), _status_lines()),
            "## Hints\n\nAll that a probe can find by itself; a check of our own network may know"
            " better. What a server says selects one; it never stands in one.\n",
            "\n".join(f"- {hint}" for hint in Hint),
            "",
        )
    )


def _verdict_lines() -> Iterable[tuple[str, ...]]:
    for verdict, meaning in VERDICTS.items():
        blames = (f"**{fault}**: {blame.when}" for fault, blame in meaning.faults.items())
        yield f"`{verdict}`", meaning.text, "; ".join(blames)


def _word_lines(words: Mapping[str, Verdict]) -> Iterable[tuple[str, ...]]:
    for verdict in dict.fromkeys(words.values()):
        same = [f"`{word}`" for word, meant in words.items() if meant is verdict]
        yield ", ".join(same), f"`{verdict}`"


def _status_lines() -> Iterable[tuple[str, ...]]:
    yield from ((str(status), f"`{verdict}`") for status, verdict in BY_STATUS.items())
    yield "404", f"`{Verdict.MODEL_NOT_FOUND}` if it speaks of a model, else `invalid_request`"
    yield "3xx", f"`{Verdict.REDIRECTED}`"
    yield "other 4xx", f"`{Verdict.INVALID_REQUEST}`"
    yield "other 5xx", f"`{Verdict.SERVER_ERROR}`"
    yield "2xx that is not what was asked for, and any other", f"`{Verdict.PROTOCOL_ERROR}`"


def _table(columns: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    names = list(columns)
    rows = [names, ["---"] * len(names), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
