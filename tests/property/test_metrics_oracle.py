"""What we write ourselves is what the metrics library would have written."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.rate_limits import LimitType
from aggregator.summary import Distribution, Summary
from monitor.collectors import Evaluated, WindowReading
from monitor.keys import KeyReading
from monitor.metrics import Metrics
from probes.result import (
    Fault,
    Operation,
    ProbeResult,
    RateLimit,
    SkipReason,
    StampQuality,
    Verdict,
)
from probes.target import Slot, Target
from tests.unit.monitor.library_metrics import LibraryMetrics

names = st.text('ab"\\\n{},= %é#\t', min_size=1, max_size=5)
seconds = st.floats(0, 200)
maybe_s = st.none() | seconds
maybe_n = st.none() | st.integers(0, 10_000)
targets = st.lists(
    st.builds(
        Target,
        name=names,
        provider=names,
        preset=st.just("openai"),
        model=names,
        operation=st.sampled_from(Operation),
        prompt=st.just(""),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda target: target.name,
)
outcomes = st.fixed_dictionaries(
    {
        "verdict": st.sampled_from(Verdict),
        "fault": st.sampled_from(Fault),
        "status": st.none() | st.sampled_from((200, 429, 503)),
        "resolve_s": maybe_s,
        "connect_s": maybe_s,
        "tls_s": maybe_s,
        "sent_s": maybe_s,
        "first_byte_s": maybe_s,
        "first_token_s": maybe_s,
        "last_token_s": maybe_s,
        "total_s": seconds,
        "reused": st.none() | st.booleans(),
        "input_tokens": maybe_n,
        "output_tokens": maybe_n,
        "cost_usd": st.none() | st.floats(0, 10),
        "rate_limits": st.lists(
            st.builds(RateLimit, st.sampled_from(("requests", "tokens")), maybe_n, maybe_n, maybe_s)
        ).map(tuple),
        "stamps": st.sampled_from(StampQuality),
        "latency_tainted": st.booleans(),
        "stream_tainted": st.booleans(),
    }
)
HAD = [fault for fault in Fault if fault is not Fault.MONITOR]
distributions = st.builds(
    Distribution,
    n=st.integers(5, 9),
    mean=seconds,
    std=seconds,
    max=seconds,
    quantiles=st.dictionaries(st.sampled_from((0.5, 0.95, 0.99, 0.999)), seconds),
    samples=st.lists(seconds, max_size=5).map(sorted),
)
summaries = st.builds(
    Summary,
    over_s=st.sampled_from((60.0, 900.0, 5_400.0)),
    n=st.integers(0, 9),
    missed=st.integers(0, 9),
    by_fault=st.dictionaries(st.sampled_from(Fault), st.integers(0, 9)),
    by_verdict=st.dictionaries(st.sampled_from(Verdict), st.integers(0, 9)),
    recent_faults=st.lists(st.sampled_from(HAD), max_size=9).map(tuple),
    latency=st.none() | distributions,
)
keys = st.builds(
    KeyReading,
    provider=st.just(""),
    requests_per_min=st.integers(0, 9),
    tokens_per_min=st.integers(0, 9),
    headroom=st.none() | st.floats(0, 1),
    observed=st.dictionaries(st.sampled_from(LimitType), st.integers(0, 9)),
    retry_after_ratio=maybe_s,
    breaker_open=st.booleans(),
)


def result(target: Target, outcome: Mapping[str, object]) -> ProbeResult:
    return ProbeResult(
        target=target.name,
        provider=target.provider,
        model=target.model,
        operation=target.operation,
        location="fra1",
        slot=1,
        slot_at=60.0,
        at=60.0,
        **outcome,  # type: ignore[arg-type] # hypothesis fills the fields
    )


def families(text: str) -> dict[str, object]:
    """Return what a scraper reads: type, help and samples of each family by its name.

    Without the moments at which the library made its objects (`_created`), which we do not write.
    """
    return {
        family.name: (
            family.type,
            family.documentation,
            {(s.name, frozenset(s.labels.items())): s.value for s in family.samples},
        )
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }


def windows(draw: Callable[..., object], target: Target) -> list[WindowReading]:
    found: list[Summary] = draw(  # type: ignore[assignment] # a draw can be anything
        st.lists(summaries, max_size=3, unique_by=lambda summary: summary.over_s)
    )
    return [WindowReading(target, summary) for summary in found]


@given(st.data())
def test_a_scraper_reads_what_the_library_would_have_written(data: st.DataObject) -> None:
    """After any sequence of events every family, label and value is the library's."""
    ours, theirs = Metrics("fra1", "1"), LibraryMetrics("fra1")
    watched = data.draw(targets)
    for _ in range(data.draw(st.integers(0, 6))):
        target = data.draw(st.sampled_from(watched))
        match data.draw(st.sampled_from(("result", "result", "slot", "skip"))):
            case "result":
                observed = result(target, data.draw(outcomes))
                ours.observe(target, observed)
                theirs.observe(target, observed)
            case "slot":
                slot = Slot(1, data.draw(st.floats(0, 2e9)))
                ours.slot_started(target, slot, 0.0)
                theirs.slot_started(target, slot, 0.0)
            case _:
                reason = data.draw(st.sampled_from(SkipReason))
                ours.slot_skipped(target, reason)
                theirs.slot_skipped(target, reason)
    readings = [reading for target in watched for reading in windows(data.draw, target)]
    providers = {target.provider for target in watched}
    drawn = tuple(replace(data.draw(keys), provider=name) for name in sorted(providers))
    ours.newest.evaluated = theirs.evaluated = Evaluated(tuple(readings), (), drawn)
    assert families("".join(ours.written())) == families(generate_latest(theirs.registry).decode())
