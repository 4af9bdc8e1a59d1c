"""Any result comes back from the ledger's tables as it went in."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from aggregator.results import LARGEST, RESULTS, insert_result, latest
from probes.result import (
    Fault,
    Operation,
    ProbeResult,
    RateLimit,
    StampQuality,
    Verdict,
)

text = st.text(max_size=20)
whole = st.integers(-LARGEST, LARGEST)
real = st.floats(allow_nan=False)
maybe_real = st.none() | real
maybe_whole = st.none() | whole
maybe_text = st.none() | text
limits = st.builds(
    RateLimit,
    bucket=text,
    limit=st.none() | st.integers(),
    remaining=st.none() | st.integers(),
    reset_s=maybe_real,
)

results = st.builds(
    ProbeResult,
    target=text,
    provider=text,
    model=text,
    operation=st.sampled_from(Operation),
    location=text,
    slot=whole,
    slot_at=real,
    attempt=whole,
    at=real,
    verdict=st.sampled_from(Verdict),
    fault=st.sampled_from(Fault),
    detail=text,
    status=maybe_whole,
    finish_reason=maybe_text,
    waited_s=real,
    resolve_s=maybe_real,
    connect_s=maybe_real,
    tls_s=maybe_real,
    sent_s=maybe_real,
    first_byte_s=maybe_real,
    first_token_s=maybe_real,
    first_visible_token_s=maybe_real,
    last_token_s=maybe_real,
    total_s=real,
    reused=st.none() | st.booleans(),
    input_tokens=maybe_whole,
    output_tokens=maybe_whole,
    cached_tokens=maybe_whole,
    reasoning_tokens=maybe_whole,
    prompt_chars=whole,
    response_chars=maybe_whole,
    cost_usd=maybe_real,
    rate_limits=st.lists(limits, max_size=3).map(tuple),
    retry_after_s=maybe_real,
    request_id=maybe_text,
    returned_model=maybe_text,
    fingerprint=maybe_text,
    server_ms=maybe_real,
    stamps=st.sampled_from(StampQuality),
    loop_lag_s=real,
    gc_s=real,
    latency_tainted=st.booleans(),
    stream_tainted=st.booleans(),
)


@given(results)
def test_round_trip_is_exact(result: ProbeResult) -> None:
    """Every field, and every field's type, survives; unknown stays unknown, never 0."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript("".join(RESULTS.migrations))
        assert insert_result(connection, result)
        (found,) = latest(connection, result.target, 1)
    finally:
        connection.close()
    assert found == result
    for name in ProbeResult.__slots__:
        assert type(getattr(found, name)) is type(getattr(result, name)), name
