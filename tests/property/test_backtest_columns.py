"""The ledger read as columns is the ledger replayed into windows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.part import COST
from aggregator.results import (
    RESULTS,
    SkippedSlot,
    had_at,
    insert_result,
    insert_skip,
)
from aggregator.results import (
    replay as rows,
)
from aggregator.window import Windows
from alerting.series import View
from alerting.trial.history import look
from monitor.backtest.reading import Range, recorded
from probes.result import Failing, Fault, ProbeResult, SkipReason, Verdict
from probes.target import Slot
from tests.unit.aggregator.samples import result

BEGAN = 1_000_000.0
seconds = st.sampled_from([0.0, 0.2, 1.0, 7.5, 1e13])
maybe_s = st.none() | seconds
results = st.builds(
    lambda **fields: replace(result(), **fields),
    verdict=st.sampled_from(Verdict),
    fault=st.sampled_from(Fault),
    attempt=st.sampled_from([1, 1, 1, 2]),
    waited_s=st.sampled_from([0.0, 3.0]),
    total_s=st.sampled_from([0.0, 0.2, 1.0, 7.5]),
    first_token_s=maybe_s,
    last_token_s=maybe_s,
    output_tokens=st.none() | st.integers(0, 3),
    cost_usd=st.none() | st.sampled_from([0.0, 0.01, 1e13]),
    latency_tainted=st.booleans(),
    stream_tainted=st.booleans(),
)
failing = st.none() | st.builds(Failing, st.sampled_from(Verdict), st.sampled_from(Fault))
skips = st.tuples(st.sampled_from(SkipReason), failing)


@contextmanager
def ledger(
    past: list[ProbeResult | tuple[SkipReason, Failing | None]],
) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join(RESULTS.migrations))
        for number, each in enumerate(past):
            at = BEGAN + 20.0 * number
            if isinstance(each, ProbeResult):
                insert_result(
                    connection, replace(each, slot=number, slot_at=at, at=at, target="chat")
                )
            else:
                reason, counts_as = each
                insert_skip(
                    connection,
                    target="chat",
                    location=result().location,
                    slot=Slot(number, at),
                    reason=reason,
                    at=at,
                    failing=counts_as,
                )
        yield connection


@settings(max_examples=200, deadline=None)
@given(past=st.lists(results | skips, max_size=12), over_s=st.sampled_from([45.0, 3_600.0]))
def test_columns_are_what_windows_count(
    past: list[ProbeResult | tuple[SkipReason, Failing | None]], over_s: float
) -> None:
    """Every figure of a window is the same, whatever the rows hold."""
    end = BEGAN + 300.0
    windows = Windows(longest_s=3_600.0)
    with ledger(past) as connection:
        timed = [
            (had_at(row) if isinstance(row, ProbeResult) else row.at, row)
            for row in rows(connection, BEGAN - 1.0, 1e14)
        ]
        every = Range(BEGAN - 1.0, 1e14, result().location)
        found = recorded(connection, ["chat"], every, frozenset(range(COST + 1)))["chat"]
    for at, row in sorted(timed, key=lambda item: item[0]):
        if isinstance(row, SkippedSlot):
            windows.skipped("chat", row.reason, at, row.failing)
        else:
            windows.ingest(row, at)
    ours = windows.summary(("chat",), over_s, end)
    theirs = look({"chat": found.history}, View(("chat",), over_s), end).summary
    for name in ("n", "missed", "by_fault", "by_verdict", "tainted", "cost_usd", "rate_per_min"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("latency", "first_token", "inter_token", "tokens_per_s"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert sorted(ours.recent_faults) == sorted(theirs.recent_faults)
