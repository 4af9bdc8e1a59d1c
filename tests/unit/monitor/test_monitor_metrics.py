"""What the metrics say of results, windows and alerts."""

from dataclasses import replace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.summary import Distribution, Summary
from alerting.defaults import default_rules
from alerting.engine import Alert, Identity, Phase
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

TARGET = Target(
    name="chat", provider="openai", preset="openai", model="m", operation=Operation.CHAT, prompt=""
)
RESULT = ProbeResult(
    target="chat",
    provider="openai",
    model="m",
    operation=Operation.CHAT,
    location="fra1",
    slot=1,
    slot_at=60.0,
    at=60.0,
    verdict=Verdict.OK,
    fault=Fault.NONE,
    status=200,
    resolve_s=0.01,
    connect_s=0.02,
    tls_s=0.03,
    sent_s=0.06,
    first_byte_s=0.5,
    first_token_s=0.6,
    last_token_s=1.0,
    total_s=1.1,
    input_tokens=7,
    output_tokens=5,
    cost_usd=0.002,
    rate_limits=(RateLimit("requests", 100, 7, 1.0), RateLimit("tokens", None, None, None)),
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("fra1", "1.0")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return the one sample with this name and these labels, None if there is none."""
    text = "".join(metrics.written()) + generate_latest(metrics.registry).decode()
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_good_probe(metrics: Metrics) -> None:
    """Success, latency, first token, phases, tokens, cost, limits: each where it belongs."""
    metrics.observe(TARGET, RESULT)
    assert value(metrics, "sonde_probe_success") == 1
    assert value(metrics, "sonde_probe_duration_seconds_sum") == pytest.approx(1.0)
    assert value(metrics, "sonde_probe_time_to_first_token_seconds_sum") == pytest.approx(0.6)
    assert value(metrics, "sonde_probe_inter_token_seconds_sum") == pytest.approx(0.1)
    assert value(metrics, "sonde_probe_output_tokens_per_second") == pytest.approx(12.5)
    assert value(metrics, "sonde_probe_phase_seconds", phase="processing") == pytest.approx(0.44)
    assert value(metrics, "sonde_probe_phase_seconds", phase="transfer") == pytest.approx(0.6)
    assert value(metrics, "sonde_probe_tokens_total", type="input") == 7
    assert value(metrics, "sonde_provider_tokens_total", type="output") == 5
    assert value(metrics, "sonde_probe_cost_usd_total") == pytest.approx(0.002)
    assert value(metrics, "sonde_response_status_total", code="200") == 1
    assert value(metrics, "sonde_ratelimit_remaining", limit_type="requests") == 7
    assert value(metrics, "sonde_ratelimit_limit", limit_type="requests") == 100


def test_an_unknown_limit_is_absent_not_zero(metrics: Metrics) -> None:
    """A bucket whose numbers the provider did not state has no sample."""
    metrics.observe(TARGET, RESULT)
    assert value(metrics, "sonde_ratelimit_remaining", limit_type="tokens") is None


def test_a_failure_is_counted_and_lends_no_latency(metrics: Metrics) -> None:
    """A refusal in ten milliseconds is a result and a status, and no duration."""
    refused = replace(
        RESULT, verdict=Verdict.AUTH, fault=Fault.ACCOUNT, status=401, total_s=0.01, cost_usd=None
    )
    metrics.observe(TARGET, refused)
    assert value(metrics, "sonde_probe_success") == 0
    assert value(metrics, "sonde_probe_results_total", verdict="auth", fault="account") == 1
    assert value(metrics, "sonde_probe_duration_seconds_count") is None
    assert value(metrics, "sonde_probe_cost_usd_total") is None


def test_a_timeout_counts_at_its_deadline(metrics: Metrics) -> None:
    """Timeouts are in the histogram: leaving them out would improve it as the provider dies."""
    late = replace(RESULT, verdict=Verdict.TIMEOUT, fault=Fault.PROVIDER, status=None, total_s=30.0)
    metrics.observe(TARGET, late)
    assert value(metrics, "sonde_probe_duration_seconds_sum") == 30.0


def test_a_tainted_stream_has_a_latency_and_no_token_times(metrics: Metrics) -> None:
    """Token times our own loop spoiled are left out; the whole latency is the kernel's."""
    metrics.observe(TARGET, replace(RESULT, stream_tainted=True))
    assert value(metrics, "sonde_probe_duration_seconds_count") == 1
    assert value(metrics, "sonde_probe_time_to_first_token_seconds_count") is None


def test_a_reused_connection_spent_nothing_on_connecting(metrics: Metrics) -> None:
    """The phases of the last fresh connection do not linger."""
    metrics.observe(TARGET, RESULT)
    reused = replace(RESULT, resolve_s=None, connect_s=None, tls_s=None, sent_s=0.0, reused=True)
    metrics.observe(TARGET, reused)
    assert value(metrics, "sonde_probe_phase_seconds", phase="connect") == 0
    assert value(metrics, "sonde_probe_phase_seconds", phase="processing") == 0.5
    assert value(metrics, "sonde_probe_phase_seconds", phase="transfer") == pytest.approx(0.6)


def test_windows_show_what_is_known(metrics: Metrics) -> None:
    """A quantile with enough samples is there, one without is absent."""
    latency = Distribution(n=6, mean=1, std=0, max=2, quantiles={0.5: 1.0, 0.95: 2.0})
    summary = Summary(
        over_s=900.0, n=6, missed=2, by_fault={Fault.NONE: 3, Fault.PROVIDER: 3}, latency=latency
    )
    reading = WindowReading(TARGET, summary)
    metrics.newest.evaluated = Evaluated(
        (reading,), (), (KeyReading(provider="openai", requests_per_min=4),)
    )
    name = "sonde_window_latency_seconds"
    assert value(metrics, name, window="15m", quantile="0.95") == 2.0
    assert value(metrics, name, quantile="0.99") is None
    assert value(metrics, "sonde_window_error_ratio") == 0.5
    assert value(metrics, "sonde_window_coverage_ratio") == 0.75
    assert value(metrics, "sonde_window_samples", window="15m") == 6
    assert value(metrics, "sonde_provider_requests_per_minute", provider="openai") == 4.0


def test_an_empty_window_has_no_ratio(metrics: Metrics) -> None:
    """Nothing measured is not an error ratio of 0."""
    metrics.newest.evaluated = Evaluated((WindowReading(TARGET, Summary(over_s=60.0)),))
    assert value(metrics, "sonde_window_samples", window="1m") == 0
    assert value(metrics, "sonde_window_error_ratio") is None
    assert value(metrics, "sonde_window_coverage_ratio") is None


def test_slots_and_deliveries_are_counted(metrics: Metrics) -> None:
    """Lateness, skips by reason, crashes, transitions and deliveries each have their counter."""
    metrics.slot_started(TARGET, Slot(1, 60.0), 0.002)
    metrics.slot_skipped(TARGET, SkipReason.IN_FLIGHT)
    metrics.target_crashed(TARGET)
    metrics.transition("Down", "fired")
    metrics.notified("team", "sent")
    assert value(metrics, "sonde_slot_lateness_seconds_count") == 1
    assert value(metrics, "sonde_last_slot_timestamp_seconds") == 60.0
    assert value(metrics, "sonde_probe_skipped_total", reason="in_flight") == 1
    assert value(metrics, "sonde_target_crashes_total", target="chat") == 1
    assert value(metrics, "sonde_alert_transitions_total", reason="fired") == 1
    assert value(metrics, "sonde_notifications_total", channel="team", outcome="sent") == 1
    assert value(metrics, "sonde_build_info", version="1.0") == 1


def test_a_phase_never_reached_is_absent(metrics: Metrics) -> None:
    """A refused connection has no processing time; least of all that of the probe before."""
    metrics.observe(TARGET, RESULT)
    refused = replace(
        RESULT,
        verdict=Verdict.CONNECT_ERROR,
        fault=Fault.NETWORK,
        connect_s=None,
        tls_s=None,
        sent_s=None,
        first_byte_s=None,
    )
    metrics.observe(TARGET, refused)
    metrics.observe(TARGET, refused)
    assert value(metrics, "sonde_probe_phase_seconds", phase="processing") is None
    assert value(metrics, "sonde_probe_phase_seconds", phase="resolve") == 0.01


def test_counts_kept_elsewhere_are_read_when_asked(metrics: Metrics) -> None:
    """A total is a counter, anything else a gauge; the figure is the one of the moment."""
    counts = {"lost": 3}
    metrics.read({"sonde_x_total": ("X.", lambda: counts["lost"]), "sonde_y": ("Y.", lambda: 7)})
    counts["lost"] = 4
    assert value(metrics, "sonde_x_total") == 4
    assert value(metrics, "sonde_y") == 7


def test_what_our_lateness_spoiled_is_counted_and_in_no_latency(metrics: Metrics) -> None:
    """Figures our own lateness may have spoiled are counted, and in no histogram."""
    metrics.observe(TARGET, replace(RESULT, latency_tainted=True, stamps=StampQuality.USER))
    metrics.observe(TARGET, replace(RESULT, stream_tainted=True, stamps=StampQuality.KERNEL))
    assert value(metrics, "sonde_probe_tainted_total", what="latency") == 1
    assert value(metrics, "sonde_probe_tainted_total", what="stream") == 1
    assert value(metrics, "sonde_probe_duration_seconds_count") == 1
    assert value(metrics, "sonde_probe_time_to_first_token_seconds_count") is None
    assert value(metrics, "sonde_probe_stamps_total", quality="user", provider="openai") == 1
    assert value(metrics, "sonde_probe_stamps_total", quality="kernel", provider="openai") == 1


def test_pauses_of_the_collector_are_a_histogram(metrics: Metrics) -> None:
    """Each pause is one sample."""
    metrics.gc_paused(0.056)
    assert value(metrics, "sonde_gc_pause_seconds_count") == 1
    assert value(metrics, "sonde_gc_pause_seconds_sum") == 0.056


def test_alerts_are_counted_by_name_severity_and_state(metrics: Metrics) -> None:
    """Two targets' alerts of one rule in one state are one sample of 2."""

    def alert(name: str, target: str, state: Phase) -> Alert:
        labels = (("alertname", name), ("severity", "critical"), ("target", target))
        return Alert(
            identity=Identity(name, labels),
            rule=default_rules()[0],
            state=state,
            started_at=0.0,
            fired_at=None,
            value="",
            lower_bound=False,
            reason=None,
            targets=(target,),
        )

    found = (
        alert("Down", "a", Phase.FIRING),
        alert("Down", "b", Phase.FIRING),
        alert("Down", "c", Phase.PENDING),
    )
    metrics.newest.evaluated = Evaluated(alerts=found)
    assert value(metrics, "sonde_alerts", alertname="Down", state="firing") == 2
    assert value(metrics, "sonde_alerts", severity="critical", state="pending") == 1


def test_no_name_is_shown_twice(metrics: Metrics) -> None:
    """The two halves share no family: a scraper refuses a text that has one twice."""
    text = "".join(metrics.written()) + generate_latest(metrics.registry).decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names))
    assert {"process_cpu_seconds_total", "python_info", "sonde_probe_success"} <= set(names)


def test_a_scrape_under_way_stays_with_its_evaluation(metrics: Metrics) -> None:
    """An evaluation that ends between two pieces is the next scrape's."""

    def readings(n: int) -> Evaluated:
        windows = (60.0, 900.0)
        return Evaluated(tuple(WindowReading(TARGET, Summary(over_s=s, n=n)) for s in windows))

    metrics.newest.evaluated = readings(1)
    pieces = metrics.written()
    begun = next(pieces)
    metrics.newest.evaluated = readings(2)
    lines = (begun + "".join(pieces)).splitlines()
    shown = [line for line in lines if line.startswith("sonde_window_samples{")]
    assert [line.rpartition(" ")[2] for line in shown] == ["1", "1"]


def test_a_target_that_comes_in_between_does_not_disturb(metrics: Metrics) -> None:
    """A scrape shows the targets there were when it came to them, each family the same ones."""
    metrics.observe(TARGET, RESULT)
    pieces = metrics.written()
    begun = ""
    while "sonde_probe_success{" not in begun:
        begun += next(pieces)
    metrics.observe(replace(TARGET, name="late"), replace(RESULT, target="late"))
    assert 'target="late"' not in begun + "".join(pieces)
    assert 'target="late"' in "".join(metrics.written())
