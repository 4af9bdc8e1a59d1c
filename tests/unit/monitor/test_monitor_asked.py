"""The text of /probe: what is known of one probe, and nothing else."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from monitor.asked import FAMILIES, Asked, exposition
from monitor.exposition import label_text
from monitor.metrics import SERIES
from probes.result import Fault, ProbeResult, RateLimit, SkipReason, Verdict
from tests.unit.aggregator.samples import result, stream, timeout

LABELS = label_text(SERIES, ("openai", "m", "chat", "chat", "here"))
PAGE = (Path(__file__).parents[3] / "docs" / "probe.md").read_text(encoding="utf-8")
EVERYTHING = stream(
    0.5,
    1.5,
    11,
    at=1_700_000_000.5,
    status=200,
    input_tokens=20,
    cost_usd=0.5,
    resolve_s=0.1,
    sent_s=0.1,
    first_byte_s=0.4,
    rate_limits=(RateLimit("requests", 100, 99, 1.0),),
)


def samples(found: ProbeResult | SkipReason) -> dict[tuple[str, ...], float]:
    """Return values by name and the labels that are not the series' own."""
    return {
        (sample.name, *(v for k, v in sample.labels.items() if k not in SERIES)): sample.value
        for family in text_string_to_metric_families(exposition(Asked(LABELS, found)))
        for sample in family.samples
    }


def test_everything_there_can_be() -> None:
    """Every figure of a good stream, as a gauge of this probe alone."""
    assert samples(EVERYTHING) == {
        ("sonde_probe_success",): 1,
        ("sonde_probe_result", "ok", "none"): 1,
        ("sonde_probe_timestamp_seconds",): 1_700_000_000.5,
        ("sonde_probe_duration_seconds",): 1.5,
        ("sonde_probe_phase_seconds", "resolve"): 0.1,
        ("sonde_probe_phase_seconds", "processing"): 0.4 - 0.1,
        ("sonde_probe_phase_seconds", "transfer"): 1.6,
        ("sonde_probe_time_to_first_token_seconds",): 0.5,
        ("sonde_probe_inter_token_seconds",): 0.1,
        ("sonde_probe_output_tokens_per_second",): 11.0,
        ("sonde_probe_tokens", "input"): 20,
        ("sonde_probe_tokens", "output"): 11,
        ("sonde_probe_cost_usd",): 0.5,
        ("sonde_probe_http_status_code",): 200,
        ("sonde_ratelimit_remaining", "requests"): 99,
        ("sonde_ratelimit_limit", "requests"): 100,
    }


def test_a_failure_has_its_reason() -> None:
    """A timeout: not ok, whose fault, and the deadline as its duration."""
    assert samples(timeout(9.5)) == {
        ("sonde_probe_success",): 0,
        ("sonde_probe_result", "timeout", "provider"): 1,
        ("sonde_probe_timestamp_seconds",): 0.0,
        ("sonde_probe_duration_seconds",): 9.5,
    }


def test_a_figure_our_lateness_spoiled_is_not_told() -> None:
    """The result counts, its times do not."""
    found = samples(stream(0.5, 1.5, 11, latency_tainted=True))
    assert ("sonde_probe_duration_seconds",) not in found
    assert ("sonde_probe_time_to_first_token_seconds",) not in found
    assert found["sonde_probe_success",] == 1


def test_a_refused_probe_has_no_figures() -> None:
    """Money that is spent is no outage: no success and no failure, only the reason."""
    assert samples(SkipReason.BUDGET) == {("sonde_probe_skipped", "budget"): 1}


def test_an_open_breaker_reads_as_failing() -> None:
    """It knows that the provider fails: absent would read as nothing known."""
    assert samples(SkipReason.BREAKER) == {
        ("sonde_probe_success",): 0,
        ("sonde_probe_skipped", "breaker"): 1,
    }


def test_labels_are_those_of_the_series() -> None:
    """The same as on /metrics, so that one query fits both."""
    line = exposition(Asked(LABELS, EVERYTHING)).splitlines()[2]
    assert line == f"sonde_probe_success{{{LABELS}}} 1"


def test_the_page_tells_every_metric() -> None:
    """docs/probe.md has a row for each metric there is, with its labels, and for no other."""
    rows = dict(re.findall(r"^\| `(sonde_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    heads = {family.head.split()[2] for family in FAMILIES}
    assert set(rows) == heads
    seen: dict[str, set[str]] = {}
    for found in (EVERYTHING, SkipReason.BUDGET):
        text = exposition(Asked(LABELS, found))
        for family in text_string_to_metric_families(text):
            labels = {label for sample in family.samples for label in sample.labels}
            seen.setdefault(family.name, set()).update(labels - set(SERIES))
    told = {
        name: set(labels.replace(",", " ").split()) - {"series"} for name, labels in rows.items()
    }
    assert told == seen


def test_every_verdict_and_fault_can_be_shown() -> None:
    """The closed sets are closed here too."""
    for verdict in Verdict:
        found = samples(result(verdict=verdict, fault=Fault.PROVIDER))
        assert found["sonde_probe_result", verdict.value, "provider"] == 1
