"""The seam between roll-ups and results, wherever it is."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from aggregator.rollup.folding import fold
from aggregator.rollup.table import Level, compact
from aggregator.stores.ledger_history import LedgerHistory
from tests.unit.aggregator.rollup.buckets import commit, tables, take
from tests.unit.aggregator.samples import result

T = TypeVar("T")
AHEAD_S = 3 * 86_400


@given(
    ats=st.lists(st.integers(0, AHEAD_S - 1), unique=True, max_size=30),
    rolled_up=st.integers(0, 30),
    over=st.integers(0, AHEAD_S),
    step_s=st.sampled_from([60, 300, 3_600, 21_600, 86_400]),
    since=st.integers(0, AHEAD_S),
    imported=st.integers(0, 30),
)
def test_no_question_sees_what_is_rolled_up(
    ats: list[int], rolled_up: int, over: int, step_s: int, since: int, imported: int
) -> None:
    """To the last bit: in any order, imported or not, whatever is rolled up and compacted."""
    with tables() as connection:
        made = [result(slot=n, at=float(at), total_s=n) for n, at in enumerate(ats)]
        take(connection, *made[:imported])
        commit(connection, *made[imported:])

        async def read(work: Callable[[sqlite3.Connection], T]) -> T:
            return work(connection)

        history = LedgerHistory(read, "here")
        span = ("chat", since, AHEAD_S, step_s)
        before = asyncio.run(history.range(*span))
        fold(connection, rolled_up)
        for level in (Level.MINUTE, Level.HOUR):
            compact(connection, level, over, 0, 100)
        assert asyncio.run(history.range(*span)) == before
        widened = since // step_s * step_s
        assert sum(point.summary.n for point in before) == sum(at >= widened for at in ats)
