"""The daemon as a process, against providers and a Prometheus written by others."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import KEY, DaemonProcess, wait_until
from tests.servers.aimock import Aimock
from tests.servers.llm_katan import MODEL, LlmKatan
from tests.servers.llmock import Llmock
from tests.servers.prometheus import Prometheus, check_config, check_metrics
from tests.standins.webhook_receiver import Receiver

SIGNING = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

TARGETS = (
    "name: aim-stream, provider: aimock, model: good, operation: chat, stream: true",
    "name: aim-whole, provider: aimock, model: good, operation: chat",
    "name: aim-embed, provider: aimock, model: vectors, operation: embeddings, "
    "dimensions: 4, expect: {dimensions: 4}",
    "name: aim-throttled, provider: aimock, model: busy, operation: chat",
    "name: aim-broken, provider: aimock, model: broken, operation: chat",
    "name: aim-cut, provider: aimock, model: cut, operation: chat, stream: true",
    "name: aim-unknown, provider: aimock, model: nowhere, operation: chat",
    "name: aim-mismatch, provider: aimock, model: good, operation: chat, expect: {contains: never}",
    "name: llm-stream, provider: llmock, model: any, operation: chat, stream: true",
    "name: llm-whole, provider: llmock, model: any, operation: chat",
    "name: llm-embed, provider: llmock, model: any, operation: embeddings, "
    "expect: {dimensions: 1536}",
    "name: llm-limited, provider: limited, model: any, operation: chat",
    "name: aim-response, provider: aimock, model: good, operation: responses",
    "name: aim-events, provider: aimock, model: good, operation: responses, stream: true",
    "name: aim-listed, provider: aimock, model: good, operation: models",
    "name: llm-response, provider: llmock, model: any, operation: responses",
    "name: llm-events, provider: llmock, model: any, operation: responses, stream: true",
    "name: llm-listed, provider: llmock, model: gpt-4o, operation: models",
    "name: llm-unlisted, provider: llmock, model: gpt-none, operation: models",
    f"name: katan-whole, provider: katan, model: {MODEL}, operation: chat",
    f"name: katan-stream, provider: katan, model: {MODEL}, operation: chat, stream: true",
    f"name: katan-listed, provider: katan, model: {MODEL}, operation: models",
    "name: katan-gone, provider: katan, model: gone, operation: models",
    f"name: katan-events, provider: katan, model: {MODEL}, operation: responses, stream: true",
)
EXPECTED = {
    "aim-stream": "ok",
    "aim-whole": "ok",
    "aim-embed": "ok",
    "aim-throttled": "throttled",
    "aim-broken": "server_error",
    "aim-cut": "truncated",
    "aim-unknown": "invalid_request",
    "aim-mismatch": "content_mismatch",
    "llm-stream": "ok",
    "llm-whole": "ok",
    "llm-embed": "ok",
    "llm-limited": "ok",
    "aim-response": "ok",
    "aim-events": "ok",
    "aim-listed": "ok",
    "llm-response": "ok",
    "llm-events": "ok",
    "llm-listed": "ok",
    "llm-unlisted": "model_not_found",
    "katan-whole": "ok",
    "katan-stream": "ok",
    "katan-listed": "ok",
    "katan-gone": "model_not_found",
    "katan-events": "invalid_request",
}


def script(aimock: Aimock) -> None:
    """Teach aimock one model for each behaviour."""
    aimock.chat("good", "ok, all is well", first_token_ms=30, tokens_per_s=200)
    aimock.embedding("vectors", [0.5, 0.5, 0.5, 0.5])
    aimock.throttled("busy", retry_after_s=7)
    aimock.failing("broken")
    aimock.dropped("cut")


async def test_every_verdict_and_a_real_scrape(
    tmp_path: Path,
    aimock: Aimock,
    llmock: Llmock,
    limited_llmock: Callable[[int], Llmock],
    llm_katan: LlmKatan,
    prometheus: Callable[[str], Prometheus],
) -> None:
    """Three foreign servers are judged right in all they serve; Prometheus likes what we expose."""
    script(aimock)
    limited = limited_llmock(2)
    urls = {
        "aimock": aimock.base_url,
        "llmock": llmock.base_url,
        "limited": limited.base_url,
    }
    katan = f'  katan: {{preset: compatible, base_url: "{llm_katan.base_url}", '
    keyed = configs.providers(urls) + katan + 'api_key: "${KATAN_KEY}"}\n'
    config = configs.head("1s", "1s") + keyed + configs.targets(TARGETS) + configs.QUICK_RULES
    async with DaemonProcess(tmp_path, config, {"KATAN_KEY": llm_katan.key}) as daemon:
        for target, verdict in EXPECTED.items():
            await wait_until(
                lambda target=target, verdict=verdict: verdict in daemon.verdicts(target),
                f"{target} to be {verdict}; it was {daemon.verdicts(target)}",
            )
        llmock.stream_fault("truncate")
        await wait_until(
            lambda: "truncated" in {*daemon.verdicts("llm-stream"), *daemon.verdicts("llm-events")},
            "a polite cut to be seen by whichever stream comes next",
        )
        await the_limit_is_kept(daemon, limited)
        await the_exchange_is_described(daemon)
        scraper = prometheus(daemon.url + "metrics")
        await prometheus_reads_it(daemon, scraper)
        page = daemon.get("/api/v1/overview")
        assert page.status_code == 200
        assert all(target in page.text for target in EXPECTED)
        assert daemon.get("/readyz").status_code == 200
        assert daemon.get("/livez").text == daemon.get("/health").text == "ok\n"
        everything = page.text + daemon.get("/metrics").text + daemon.log.read_text()
        assert not [key for key in (KEY, llm_katan.key) if key in everything]
        assert await daemon.stop() == 0
    assert KEY.encode() not in (tmp_path / "sonde.db").read_bytes()


async def the_limit_is_kept(daemon: DaemonProcess, limited: Llmock) -> None:
    """A server that grants two a minute, and says so, is asked no third time by a target of 1 s."""

    def held_back() -> bool:
        skips = daemon.events("slot.skipped")
        return ("llm-limited", "throttled_by_us") in {(s["target"], s["reason"]) for s in skips}

    await wait_until(held_back, "slots of llm-limited to be given up")
    assert {entry["status"] for entry in limited.requests()} == {200}


async def the_exchange_is_described(daemon: DaemonProcess) -> None:
    """Tokens, timings, limits and cost are what the server said."""
    results = daemon.events("probe.result")
    stream = next(r for r in results if r["target"] == "aim-stream" and r["verdict"] == "ok")
    assert (stream["input_tokens"], stream["output_tokens"]) == (9, 5)
    assert stream["stamps"] == "kernel"
    assert 0 < stream["first_byte_s"] <= stream["first_token_s"] <= stream["last_token_s"]
    assert stream["last_token_s"] <= stream["total_s"] < 1.0
    assert stream["cost_usd"] == (9 * 1 + 5 * 2) / 1e6
    throttled = next(r for r in results if r["target"] == "aim-throttled")
    assert throttled["retry_after_s"] == 7
    assert throttled["fault"] == "account"  # its headers say that our bucket is empty
    assert throttled["rate_limits"]["requests"] == 0
    limited = next(r for r in results if r["target"] == "llm-limited" and r["verdict"] == "ok")
    assert limited["rate_limits"]["requests"] in (0, 1)


async def prometheus_reads_it(daemon: DaemonProcess, prometheus: Prometheus) -> None:
    """The scrape succeeds, promtool has nothing to say, and a query gives our own numbers."""
    await wait_until(lambda: prometheus.target()["health"] == "up", "a good scrape")
    assert check_metrics(daemon.get("/metrics").text) == (0, "")
    assert check_config(Path(__file__).parents[2] / "deploy" / "prometheus.yml")[0] == 0
    by_target = await wait_until(
        lambda: prometheus.query('sonde_probe_results_total{verdict="ok"} > 1'), "counters"
    )
    names = {row["metric"]["target"] for row in by_target}  # type: ignore[index] # JSON
    assert {"aim-stream", "aim-whole", "aim-embed", "llm-whole"} <= names
    quantiles = prometheus.query("sonde_window_latency_seconds")
    assert {row["metric"]["quantile"] for row in quantiles} >= {"0.5", "0.95"}  # type: ignore[index]


async def test_outage_alert_recovery(tmp_path: Path, aimock: Aimock) -> None:
    """A provider that fails and recovers: firing and resolved arrive signed, each exactly once."""
    aimock.chat("m", "ok")
    async with Receiver(SIGNING, time.time) as receiver:
        hook = (
            f'ops: {{type: webhook, url: "{receiver.url}", secret: "${{SIGNING}}", '
            "allow_http: true, allow_private: true}"
        )
        config = (
            configs.head()
            + configs.providers({"aimock": aimock.base_url})
            + configs.targets(["name: chat, provider: aimock, model: m, operation: chat"])
            + configs.QUICK_RULES
            + configs.channels(hook.replace(f'"{receiver.url}"', '"${HOOK}"'))
        )
        environ = {"SIGNING": SIGNING, "HOOK": receiver.url}
        async with DaemonProcess(tmp_path, config, environ) as daemon:
            await wait_until(lambda: "ok" in daemon.verdicts("chat"), "a good answer")
            aimock.reset()
            aimock.failing("m")
            await wait_until(lambda: receiver.deliveries, "the alert")
            aimock.reset()
            aimock.chat("m", "ok")
            await wait_until(lambda: len(receiver.deliveries) > 1, "the end of the alert")
            before = len(daemon.events("probe.result"))
            await wait_until(
                lambda: len(daemon.events("probe.result")) > before + 4, "some quiet time"
            )
            assert await daemon.stop() == 0
        states = [(d["status"], d["alerts"][0]["labels"]["alertname"]) for d in receiver.deliveries]
        assert states == [("firing", "Down"), ("resolved", "Down")]
        assert len(receiver.ids) == len(set(receiver.ids))
        firing, resolved = (d["alerts"][0] for d in receiver.deliveries)
        assert firing["fingerprint"] == resolved["fingerprint"]
        assert re.match(r"\d{4}-\d\d-\d\dT", firing["startsAt"])
        assert firing["endsAt"].startswith("0001-")
        assert resolved["endsAt"] > resolved["startsAt"]
