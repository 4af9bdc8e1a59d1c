"""One probe at a time: `sonde probe`, and a real Prometheus that drives /probe."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.e2e import configs
from tests.e2e.daemon_process import KEY, DaemonProcess, wait_until
from tests.e2e.simulated import Simulated, simulated
from tests.servers.prometheus import check_config, check_metrics, prometheus_with

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus-probe.yml"
SCRAPE_S = 2.0
TARGETS = (
    "name: good, provider: answer, model: gpt-4o-mini, stream: true",
    "name: stuck, provider: hang, model: gpt-4o-mini",
)


def config(urls: dict[str, str]) -> str:
    """Targets whose own slots are an hour apart: whatever is sent, somebody asked for."""
    return configs.head("1h", "5s") + configs.providers(urls) + configs.targets(TARGETS)


def shipped_job(daemon_url: str) -> dict[str, object]:
    """Our own scrape configuration, with this daemon's address and targets, and a quick pace."""
    (job,) = yaml.safe_load(DEPLOY.read_text())["scrape_configs"]
    job["static_configs"] = [{"targets": ["good", "stuck"]}]
    job["relabel_configs"][-1]["replacement"] = httpx2.URL(daemon_url).netloc.decode()
    return job | {"scrape_interval": f"{SCRAPE_S:g}s", "scrape_timeout": f"{SCRAPE_S:g}s"}


async def test_prometheus_drives_the_probes(tmp_path: Path) -> None:
    """Scraped by name through relabelling: each scrape one request, a hang a timeout, no slot."""
    async with simulated("answer") as good, simulated("hang") as stuck:
        urls = {"answer": good.base_url, "hang": stuck.base_url}
        async with DaemonProcess(tmp_path, config(urls)) as daemon:
            (tmp_path / "prometheus").mkdir()
            with prometheus_with([shipped_job(daemon.url)], tmp_path / "prometheus") as prometheus:
                await wait_until(lambda: len(daemon.events("probe.on_demand")) > 3, "four probes")

                def by_instance(expression: str) -> dict[str, float]:
                    rows = prometheus.query(expression)
                    return {row["metric"]["instance"]: float(row["value"][1]) for row in rows}  # type: ignore[index]

                await wait_until(lambda: len(by_instance("sonde_probe_success")) == 2, "both")
                assert by_instance("sonde_probe_success") == {"good": 1, "stuck": 0}
                assert by_instance("up") == {"good": 1, "stuck": 1}
                assert by_instance('sonde_probe_result{verdict="timeout",fault="provider"}') == {
                    "stuck": 1
                }
                waited_s = by_instance("sonde_probe_duration_seconds")["stuck"]
                assert waited_s == pytest.approx(SCRAPE_S - 0.5, abs=0.01)
                labels = prometheus.query('sonde_probe_success{instance="good"}')[0]["metric"]
                assert labels["target"] == "good"  # type: ignore[index]
                assert labels["provider"] == "answer"  # type: ignore[index]
            await it_was_no_slot(daemon)
            requests = [each for each in await good.log() if each.get("path", "").startswith("/v1")]
            asked = [each for each in daemon.events("probe.on_demand") if each["target"] == "good"]
            assert len(requests) == len(asked) >= 2
            assert await daemon.stop() == 0


async def test_a_spent_budget_is_no_failure(tmp_path: Path) -> None:
    """Whoever asks on a budget too small for one probe is told so, and nothing is sent."""
    async with simulated("answer") as good:
        text = config({"answer": good.base_url, "hang": good.base_url})
        text = text.replace("answer: {", "answer: {budget: {daily: 0.01 USD}, ")
        text = text.replace("input: 1,", "input: 100000,", 1)  # dollars for a million tokens
        async with DaemonProcess(tmp_path, text) as daemon:
            answer = await asyncio.to_thread(daemon.get, "/probe?target=good")
            assert answer.status_code == 200
            assert 'reason="budget"} 1' in answer.text
            assert "sonde_probe_success" not in answer.text
            other = await asyncio.to_thread(daemon.get, "/probe?target=stuck")
            assert "sonde_probe_success" in other.text
            asked = [each for each in await good.log() if each.get("path", "").startswith("/v1")]
            assert len(asked) == 1
            assert await daemon.stop() == 0


async def it_was_no_slot(daemon: DaemonProcess) -> None:
    """Nothing in the ledger, no result counted; what it cost is."""
    text = (await asyncio.to_thread(daemon.get, "/probe?target=good")).text
    assert check_metrics(text) == (0, "")
    metrics = daemon.get("/metrics").text
    assert "sonde_probe_results_total{" not in metrics
    assert "sonde_probe_cost_usd_total{" in metrics
    assert 'sonde_provider_tokens_total{provider="answer",type="output"}' in metrics
    assert daemon.query("SELECT count(*) FROM results") == [(0,)]
    drawn = daemon.get("/probe?target=good&debug=true").text
    assert "wait for head" in drawn
    assert KEY not in drawn + text + daemon.log.read_text()


def test_the_shipped_job_is_valid() -> None:
    """deploy/prometheus-probe.yml passes promtool, and docs/probe.md shows the same job."""
    code, words = check_config(DEPLOY)
    assert code == 0, words
    page = (DEPLOY.parents[1] / "docs" / "probe.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    assert shown == yaml.safe_load(DEPLOY.read_text())


def sonde_probe(folder: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start `sonde probe` as its users do, its output going to pipes."""
    command = [sys.executable, "-m", "monitor.cli", "probe", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KEY": KEY, **environ}
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def said(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = await asyncio.to_thread(process.communicate, timeout=30)
    return process.returncode, out, err


async def second_request(provider: Simulated) -> None:
    """Wait until the provider has been asked twice."""
    while len(await provider.log()) < 2:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.05)


async def test_the_command_line(tmp_path: Path) -> None:
    """0 and a waterfall, 1 and why, JSON that is JSON, an interrupt that leaves cleanly."""
    async with simulated("answer") as good, simulated("hang") as stuck:
        text = config({"answer": good.base_url, "hang": stuck.base_url})
        file = tmp_path / "c.yaml"
        file.write_text(text, encoding="utf-8")
        given = ("--config", str(file))
        code, out, err = await said(sonde_probe(tmp_path, "good", *given))
        assert (code, err) == (0, "")
        assert out.startswith("✓ ok  good")
        assert "\x1b" not in out
        assert max(map(len, out.splitlines())) <= 80
        code, out, err = await said(sonde_probe(tmp_path, "stuck", *given, "--timeout", "300ms"))
        assert (code, err) == (1, "")
        assert "deadline of 0.3 s passed while waiting for the response head" in out
        code, out, err = await said(sonde_probe(tmp_path, "good", *given, "--json"))
        found = json.loads(out)
        assert (code, found["verdict"], found["headers"]["openai-version"]) == (
            *(0, "ok"),
            "2020-10-01",
        )
        waiting = sonde_probe(tmp_path, "stuck", *given)
        await asyncio.wait_for(second_request(stuck), 20)
        waiting.send_signal(signal.SIGINT)
        assert await said(waiting) == (130, "", "")
        assert not (tmp_path / "sonde.db").exists()


async def test_default_targets_without_a_file(tmp_path: Path) -> None:
    """With nothing but a key and a base URL the environment's own targets can be probed."""
    async with simulated("answer") as good:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": good.base_url}
        code, out, err = await said(sonde_probe(tmp_path, "?", **environ))
        assert (code, out) == (2, "")
        name = err.rpartition("there are: ")[2].split(",")[0].strip()
        code, out, _ = await said(sonde_probe(tmp_path, name, **environ))
    assert (code, out.split()[:3]) == (0, ["✓", "ok", name])
