"""Results go out of a ledger and into another as they were, whatever they say."""

import sqlite3
import string
import tempfile
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.results import LARGEST, RESULTS, insert_results, latest
from aggregator.rollup.table import ROLLUPS
from aggregator.stores.spool import SPOOL
from aggregator.transfer.columns import NAMES, RowError
from aggregator.transfer.exporting import export
from aggregator.transfer.formats import Format, decoded, encoder
from aggregator.transfer.importing import import_rows
from aggregator.transfer.part import Note, Part
from aggregator.transfer.table import Selection, extent
from probes.result import Fault, Operation, ProbeResult, RateLimit, StampQuality, Verdict

NOW = 4e9
text = st.text(
    st.sampled_from("\"',;=+-@\n\r\t\0 \\ä€😀{}") | st.characters(codec="utf-8"), max_size=12
)
whole = st.integers(-LARGEST, LARGEST)
real = st.floats(allow_nan=False, allow_infinity=False)
limits = st.builds(
    RateLimit,
    bucket=st.text(string.ascii_letters + "_ä\"'", max_size=9),
    limit=st.none() | st.integers(),
    remaining=st.none() | st.integers(),
    reset_s=st.none() | real,
)
CHOSEN: dict[str, st.SearchStrategy[Any]] = {
    "at": st.floats(0.0, NOW),
    "operation": st.sampled_from(Operation),
    "verdict": st.sampled_from(Verdict),
    "fault": st.sampled_from(Fault),
    "stamps": st.sampled_from(StampQuality),
    "rate_limits": st.lists(limits, max_size=3).map(tuple),
}
BY_TYPE: dict[type, st.SearchStrategy[Any]] = {
    str: text,
    int: whole,
    float: real,
    bool: st.booleans(),
}


def values(name: str, hint: Any) -> st.SearchStrategy[Any]:  # Any: of all fields' types
    """Return what may stand in a field."""
    if name in CHOSEN:
        return CHOSEN[name]
    kinds = get_args(hint) or (hint,)
    return st.one_of(*(st.none() if kind is type(None) else BY_TYPE[kind] for kind in kinds))


results = st.builds(
    ProbeResult, **{field.name: values(field.name, field.type) for field in fields(ProbeResult)}
)

take = partial(import_rows, on_batch=lambda _: None, kept_since=lambda: 0.0, max_size_bytes=LARGEST)


def ledger(found: list[ProbeResult]) -> sqlite3.Connection:
    """Return a ledger's tables with results in them."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript("".join((*RESULTS.migrations, *ROLLUPS.migrations, *SPOOL.migrations)))
    insert_results(connection, found)
    return connection


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return every field of every result."""
    names = ", ".join(NAMES)
    return sorted(connection.execute(f"SELECT {names} FROM results"), key=repr)


def export_all(connection: sqlite3.Connection, kind: Format, output: Path) -> None:
    """Write all results to a file, two to a page."""
    how = encoder(kind)
    selection = Selection(0.0, NOW + 1.0)
    lies = extent(connection, selection)
    with Part(output) as part:
        note = part.begin(Note("", kind, selection, lies.after, lies.last), how.head)
        export(connection, note, how, part, lambda _: None, page_rows=2)
        part.finish(how.end, how.finish)


@pytest.mark.parametrize("kind", [Format.CSV, Format.PARQUET])
@settings(max_examples=40, deadline=None)
@given(found=st.lists(results, max_size=5))
def test_out_in_and_out_again(kind: Format, found: list[ProbeResult]) -> None:
    """Export, import into an empty ledger: equal rows; and again: nothing is new."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(ledger(found)) as source,
        closing(ledger([])) as other,
    ):
        path = Path(folder) / "file"
        export_all(source, kind, path)
        tally = take(other, decoded(path, kind, NOW))
        assert (tally.bad, tally.new) == (0, len(rows(source)))
        assert rows(other) == rows(source)
        export_all(other, kind, path)
        again = take(source, decoded(path, kind, NOW))
        assert (again.new, again.known) == (0, tally.rows)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200), seed=results)
def test_any_bytes_are_rows_or_bad_rows(content: bytes, seed: ProbeResult) -> None:
    """Whatever stands behind the names of columns: only results enter, and the rest is counted."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(ledger([replace(seed, target="t")])) as source,
    ):
        path = Path(folder) / "file"
        export_all(source, Format.CSV, path)
        path.write_bytes(path.read_bytes() + content)
        found = [row for _, row in decoded(path, Format.CSV, NOW)]
        good = [row for row in found if not isinstance(row, RowError)]
        with closing(ledger([])) as other:
            take(other, decoded(path, Format.CSV, NOW))
            assert len(rows(other)) <= len(good)
            assert latest(other, "t", 1)[0].target == "t"
