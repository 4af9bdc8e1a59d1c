"""Whatever a result holds, it can be drawn: within its width, to scale, in printable text."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.stages import stages
from monitor.waterfall import LABEL_CHARS, TIME_CHARS, plain, waterfall
from probes.result import Fault, Operation, ProbeResult, RateLimit, StampQuality, Verdict
from probes.sanitise import sanitise
from probes.target import Target
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result

TARGET = Target(
    name="chat",
    provider="openai",
    preset="openai",
    model="m",
    operation=Operation.CHAT,
    prompt="ok?",
    stream=True,
)
times = st.floats(min_value=0.0, max_value=400.0)
maybe = st.none() | times
words = st.text(max_size=300).map(sanitise)
counts = st.none() | st.integers(min_value=0, max_value=10**9)


@st.composite
def results(draw: st.DrawFn) -> ProbeResult:
    """Any result, its times in no order at all."""
    named = (
        *("resolve_s", "connect_s", "tls_s", "sent_s", "first_byte_s", "first_token_s"),
        *("first_visible_token_s", "last_token_s", "retry_after_s", "server_ms", "cost_usd"),
    )
    counted = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "status")
    limits = st.builds(RateLimit, st.just("requests"), counts, counts, maybe)
    return result(
        **{name: draw(maybe) for name in named},
        **{name: draw(counts) for name in counted},
        total_s=draw(times),
        waited_s=draw(times),
        verdict=draw(st.sampled_from(Verdict)),
        fault=draw(st.sampled_from(Fault)),
        stamps=draw(st.sampled_from(StampQuality)),
        detail=draw(words),
        hint=draw(words),
        request_id=draw(st.none() | words),
        returned_model=draw(st.none() | words),
        reused=draw(st.none() | st.booleans()),
        rate_limits=tuple(draw(st.lists(limits, max_size=3))),
        deprecated_at=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    )


traces = st.builds(
    Trace,
    request=words,
    sent_bytes=st.integers(0, 10**7),
    received_bytes=st.integers(0, 10**7),
    idle_s=maybe,
    reached=st.sampled_from(Phase),
    headers=st.lists(st.tuples(st.sampled_from(["via", "x-request-id"]), words), max_size=4).map(
        tuple
    ),
    hidden_headers=st.integers(0, 128),
)


@given(found=results(), trace=traces, width=st.integers(80, 120))
def test_everything_can_be_drawn(found: ProbeResult, trace: Trace, width: int) -> None:
    """No result breaks the drawing, no line is wider than asked, no character moves the cursor."""
    lines = plain(waterfall(found, TARGET, trace, width)).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line.isprintable() for line in lines)


@given(found=results(), reached=st.sampled_from(Phase))
def test_stages_follow_each_other(found: ProbeResult, reached: Phase) -> None:
    """From zero on, without a gap or a step back, and only the last one may be unfinished."""
    parts = stages(found, reached)
    assert all(part.start_s <= part.end_s for part in parts)
    assert all(one.end_s == other.start_s for one, other in pairwise(parts))
    assert all(part.ended for part in parts[:-1])
    assert not parts or parts[0].start_s == 0.0


@given(found=results(), trace=traces)
def test_bars_do_not_overlap_by_more_than_a_cell(found: ProbeResult, trace: Trace) -> None:
    """Each bar begins in the cell the one before ends in, or behind it; each can be seen."""
    parts = stages(found, trace.reached)
    lines = plain(waterfall(found, TARGET, trace, 100)).splitlines()[3 : 3 + len(parts)]
    bars = [line[LABEL_CHARS : 100 - TIME_CHARS].rstrip() for line in lines]
    assert all(bar.strip() for bar in bars)
    starts = [len(bar) - len(bar.lstrip()) for bar in bars]
    assert all(start >= len(before) - 2 for before, start in zip(bars, starts[1:], strict=False))
