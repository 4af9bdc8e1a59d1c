"""Figures derived in SQL are the ones the result itself derives."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hypothesis import given
from hypothesis import strategies as st

from aggregator.results import RESULTS, insert_result
from aggregator.stores.lines import NUMBER_FIELDS
from aggregator.stores.rows import probe_rows
from probes.result import Fault, ProbeResult, RateLimit, Verdict
from tests.unit.aggregator.samples import result

seconds = st.floats(0, 1e4)
maybe_seconds = st.none() | seconds
maybe_count = st.none() | st.integers(0, 10**9)

results = st.builds(
    result,
    verdict=st.sampled_from(Verdict),
    fault=st.sampled_from(Fault),
    attempt=st.integers(1, 3),
    at=st.floats(0, 4e9),
    status=st.none() | st.integers(100, 599),
    detail=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    total_s=seconds,
    resolve_s=maybe_seconds,
    connect_s=maybe_seconds,
    tls_s=maybe_seconds,
    first_token_s=maybe_seconds,
    last_token_s=maybe_seconds,
    input_tokens=maybe_count,
    output_tokens=maybe_count,
    cached_tokens=maybe_count,
    prompt_chars=st.integers(0, 10**6),
    response_chars=maybe_count,
    cost_usd=maybe_seconds,
    loop_lag_s=seconds,
    latency_tainted=st.booleans(),
    stream_tainted=st.booleans(),
    rate_limits=st.sampled_from([(), (RateLimit("requests", 9, 5, None),)]),
)


@contextmanager
def tables() -> Iterator[sqlite3.Connection]:
    """Open an empty ledger in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(";".join(RESULTS.migrations))
        yield connection


def ms(value: float | None) -> float | None:
    return None if value is None else 1000 * value


@given(results)
def test_a_row_says_what_its_result_says(kept: ProbeResult) -> None:
    """Latency, token times and sums are those of `ProbeResult`, unknown where they are unknown."""
    with tables() as connection:
        insert_result(connection, kept)
        (row,) = probe_rows(connection, 0, 10)
    both = kept.input_tokens is not None and kept.output_tokens is not None
    assert dict(zip(NUMBER_FIELDS, row.numbers, strict=True)) == {
        "connect_ms": ms(kept.connect_s),
        "cost_usd": kept.cost_usd,
        "first_token_ms": None if kept.tainted else ms(kept.first_token_s),
        "inter_token_ms": ms(kept.inter_token_s),
        "latency_ms": ms(kept.latency_s),
        "loop_lag_ms": ms(kept.loop_lag_s),
        "output_tokens_per_s": kept.tokens_per_s,
        "prompt_chars": kept.prompt_chars,
        "resolve_ms": ms(kept.resolve_s),
        "response_chars": kept.response_chars,
        "tls_ms": ms(kept.tls_s),
        "tokens_cached": kept.cached_tokens,
        "tokens_input": kept.input_tokens,
        "tokens_output": kept.output_tokens,
        "tokens_used": (kept.input_tokens or 0) + (kept.output_tokens or 0) if both else None,
    }
    assert (row.at, row.attempt, row.status, row.error) == (
        kept.at,
        kept.attempt,
        kept.status,
        kept.detail,
    )
    assert (row.verdict, row.fault) == (kept.verdict, kept.fault)
    assert bool(row.latency_tainted) == kept.latency_tainted
    assert (row.rate_limits is not None) == bool(kept.rate_limits)
