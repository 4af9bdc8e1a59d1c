"""A daemon that tells an OpenTelemetry receiver what it measures, and one that does not."""

import json
import subprocess
import sys
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.standins.answers import hang
from tests.standins.otlp import OtlpReceiver, attributes

SECRET = "an-ingest-key-0123456789"
MODULES = "google.protobuf", "opentelemetry.proto", "monitor.otlp.exporter"


def config(url: str, otlp: str) -> str:
    rows = (
        "name: chat, provider: p, model: gpt-4o-mini, stream: true",
        "name: vector, provider: p, model: text-embedding-3-small, operation: embeddings",
    )
    return configs.head() + configs.providers({"p": url}) + configs.targets(rows) + otlp


def encodes(daemon: DaemonProcess) -> bool:
    """Say whether protobuf's library is in the daemon's memory."""
    return "/google/_upb/" in Path(f"/proc/{daemon.process.pid}/maps").read_text()


async def test_what_is_measured_is_told(tmp_path: Path) -> None:
    """Each result of the ledger has a trace of its own, and each is counted, by GenAI names."""
    async with simulated("answer") as api, OtlpReceiver({"api-key": SECRET}) as receiver:
        headers = 'headers: {api-key: "${OTLP}"}'
        otlp = f'otlp: {{endpoint: "{receiver.origin}", every: 1s, {headers}}}\n'
        text = config(api.base_url, otlp)
        async with DaemonProcess(tmp_path, text, {"OTLP": SECRET}) as daemon:
            await wait_until(lambda: len(receiver.roots) >= 6, "traces")
            await wait_until(lambda: receiver.points("gen_ai.client.token.usage"), "metrics")
            assert await daemon.stop() == 0
        ((results, good),) = daemon.query("SELECT count(*), sum(latency_tainted = 0) FROM results")
        assert SECRET not in daemon.log.read_text()
    assert receiver.wrong == []
    assert len(receiver.roots) == results
    assert {root.name for root in receiver.roots} == {
        "chat gpt-4o-mini",
        "embeddings text-embedding-3-small",
    }
    newest: dict[str, int] = {}
    for point in receiver.points("gen_ai.client.operation.duration"):
        newest[str(sorted(attributes(point.attributes).items()))] = point.count
    assert sum(newest.values()) == good
    assert [each["service.name"] for each in receiver.resources] == ["sonde"]


async def test_a_receiver_that_hangs_delays_no_probe_and_no_stop(tmp_path: Path) -> None:
    """Probes go on and the daemon ends within its promise, though nothing was ever answered."""
    async with simulated("answer") as api, OtlpReceiver() as receiver:
        receiver.script.extend([hang] * 50)
        text = config(api.base_url, f'otlp: {{endpoint: "{receiver.origin}", every: 1s}}\n')
        async with DaemonProcess(tmp_path, text) as daemon:
            await wait_until(lambda: receiver.requests, "a request")
            before = daemon.query("SELECT count(*) FROM results")[0][0]
            await wait_until(
                lambda: daemon.query("SELECT count(*) FROM results")[0][0] > before + 4, "probes"
            )
            assert await daemon.stop() == 0


async def test_an_endpoint_is_taken_up_while_the_daemon_runs(tmp_path: Path) -> None:
    """Another endpoint hears what comes from then on; the one before hears what was left.

    Until there is one, protobuf is not even in memory.
    """
    async with simulated("answer") as api, OtlpReceiver() as old, OtlpReceiver() as new:
        otlp = 'otlp: {{endpoint: "{}", every: 1s, temporality: delta}}\n'
        async with DaemonProcess(tmp_path, config(api.base_url, "")) as daemon:
            assert not encodes(daemon)
            daemon.config.write_text(config(api.base_url, otlp.format(old.origin)))
            await wait_until(lambda: old.roots, "traces of the first")
            assert encodes(daemon)
            daemon.config.write_text(config(api.base_url, otlp.format(new.origin)))
            await wait_until(lambda: new.roots, "traces of the second")
            assert await daemon.stop() == 0
    ids = [root.trace_id for each in (old, new) for root in each.roots]
    assert len(ids) == len(set(ids))
    assert old.wrong == new.wrong == []


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    """`sonde run` imports neither protobuf nor the protocol nor our exporter."""
    code = (
        "import json, sys, monitor.cli.run, monitor.daemon, monitor.config.load;"
        f"print(json.dumps([m for m in sys.modules if m.startswith({MODULES!r})]))"
    )
    told = subprocess.run((sys.executable, "-c", code), check=True, capture_output=True, timeout=60)
    assert json.loads(told.stdout) == []
