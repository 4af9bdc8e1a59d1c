"""The trace of one probe."""

import pytest
from opentelemetry.semconv._incubating.attributes import (
    error_attributes,
    gen_ai_attributes,
    http_attributes,
    openai_attributes,
)

from monitor.otlp.spans import trace_of
from probes.result import Fault, Verdict
from tests.unit.monitor.otlp.telling_values import answered, subject

KNOWN = {
    value
    for module in (error_attributes, gen_ai_attributes, http_attributes, openai_attributes)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}
S = 1_000_000_000


def test_the_call_lasts_as_long_as_the_probe() -> None:
    """From when it left its place in the queue to when the outcome was known."""
    call = trace_of(answered(waited_s=2.0), subject(), "i").call
    assert (call.start_ns, call.end_ns) == (1_002 * S, 1_002 * S + 9 * S // 10)


def test_stages_follow_each_other_without_gaps() -> None:
    """Name, connection, TLS, the wait, the answer: in order, and within the call."""
    trace = trace_of(answered(), subject(), "i")
    assert [each.name for each in trace.stages] == [
        *("resolve", "connect", "tls"),
        *("wait for response", "wait for first token", "stream", "end of answer"),
    ]
    ends = [trace.call.start_ns, *(each.end_ns for each in trace.stages)]
    assert [each.start_ns for each in trace.stages] == pytest.approx(ends[:-1], abs=2)
    assert trace.stages[-1].end_ns == trace.call.end_ns
    assert all(each.ended for each in trace.stages)


@pytest.mark.parametrize(
    ("verdict", "said", "last"),
    [
        (Verdict.DNS_ERROR, {"resolve_s": None}, ["resolve"]),
        (Verdict.CONNECT_ERROR, {}, ["resolve", "connect"]),
        (Verdict.TLS_ERROR, {"connect_s": 0.02}, ["resolve", "connect", "tls"]),
        (
            Verdict.TIMEOUT,
            {"connect_s": 0.02, "sent_s": 0.03},
            ["resolve", "connect", "wait for response"],
        ),
        (Verdict.MONITOR_ERROR, {"resolve_s": None}, []),
    ],
)
def test_a_probe_that_failed_shows_where(
    verdict: Verdict, said: dict[str, float | None], last: list[str]
) -> None:
    """The stage it ended in goes to the end, and is marked; what is not known is not drawn."""
    nothing = dict.fromkeys(
        ("connect_s", "tls_s", "sent_s", "first_byte_s", "first_token_s", "last_token_s")
    )
    found = answered(
        **{**nothing, "first_visible_token_s": None, **said},
        verdict=verdict,
        fault=Fault.PROVIDER,
        detail="why",
    )
    trace = trace_of(found, subject(), "i")
    assert [each.name for each in trace.stages] == last
    assert all(each.ended for each in trace.stages[:-1])
    if last:
        assert not trace.stages[-1].ended
        assert trace.stages[-1].end_ns == trace.call.end_ns
    assert trace.why == "why"
    assert dict(trace.call.attributes)["error.type"] == verdict.value


def test_a_stage_never_reaches_beyond_the_call() -> None:
    """A connection that took longer than the deadline ends with the probe."""
    found = answered(
        connect_s=5.0, sent_s=None, first_byte_s=None, total_s=1.0, verdict=Verdict.TLS_ERROR
    )
    trace = trace_of(found, subject(), "i")
    assert max(each.end_ns for each in trace.stages) == trace.call.end_ns


def test_what_was_not_observed_is_no_attribute() -> None:
    """And what was goes by the conventions' names, or under our own."""
    bare = dict(trace_of(answered(finish_reason=None, status=None), subject(), "i").call.attributes)
    assert "http.response.status_code" not in bare
    assert "error.type" not in bare
    full = trace_of(
        answered(
            returned_model="m",
            cached_tokens=1,
            reasoning_tokens=2,
            fingerprint="fp",
            request_id="r",
            cost_usd=0.1,
            reused=True,
            hint="do this",
            verdict=Verdict.REFUSED,
            fault=Fault.REQUEST,
        ),
        subject(),
        "i",
    )
    told = dict(full.call.attributes)
    assert {name for name in told if not name.startswith("sonde.")} <= KNOWN
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert (told["sonde.hint"], told["sonde.fault"], full.why) == ("do this", "request", "refused")


def test_ids_tell_attempts_apart_and_stay_the_same() -> None:
    """A batch that is sent twice makes no second trace; an attempt, a slot or a replica does."""
    one = trace_of(answered(), subject(), "i")
    assert one.trace_id == trace_of(answered(), subject(), "i").trace_id
    others = [
        trace_of(answered(attempt=2), subject(), "i"),
        trace_of(answered(at=1_060.0), subject(), "i"),
        trace_of(answered(), subject(), "another"),
        trace_of(answered(location="ams"), subject(), "i"),
        trace_of(answered(target="other"), subject(), "i"),
    ]
    assert len({one.trace_id, *(each.trace_id for each in others)}) == 6
    assert len({one.span_id(index) for index in range(8)}) == 8
