"""A model that changes behind its name: seen, told once, and forgiven on command."""

import os
import subprocess
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import KEY, DaemonProcess, wait_until
from tests.servers.aimock import Aimock

TARGETS = (
    "name: embed, provider: aimock, model: vectors, operation: embeddings, "
    'expect: {normalised: true, cosine_to_reference: ">= 0.999"}',
    "name: answer, provider: aimock, model: says, operation: responses, stream: true, "
    "expect: {json_schema: {required: [ok]}}",
    "name: canary, provider: aimock, model: vectors, operation: models",
    "name: gone, provider: aimock, model: retired, operation: models",
)


async def test_a_vector_drifts_and_its_reference_is_taken_anew(
    tmp_path: Path, aimock: Aimock
) -> None:
    """The first vector is the reference, through a restart too, until a command resets it."""
    said = {"content": '```json\n{"ok": true}\n```'}
    aimock.add({"match": {"model": "says"}, "response": said})
    aimock.embedding("vectors", [0.6, 0.8])
    config = (
        configs.head()
        + configs.providers({"aimock": aimock.base_url})
        + configs.targets(TARGETS)
        + configs.QUICK_RULES
    )
    async with DaemonProcess(tmp_path, config) as daemon:
        for target, verdict in (
            ("embed", "ok"),
            ("answer", "ok"),
            ("canary", "ok"),
            ("gone", "model_not_found"),
        ):
            await wait_until(
                lambda target=target, verdict=verdict: verdict in daemon.verdicts(target),
                f"{target} to be {verdict}; it was {daemon.verdicts(target)}",
            )
        await wait_until(lambda: daemon.query("SELECT * FROM reference_vectors"), "a saved one")
        assert await daemon.stop() == 0
        await daemon.start()
        aimock.reset()
        aimock.embedding("vectors", [0.8, 0.6])
        (event,) = await wait_until(lambda: daemon.events("drift.detected"), "the drift")
        assert (event["target"], event["kind"], event["after"]) == ("embed", "vector", "0.960")
        await wait_until(lambda: "content_mismatch" in daemon.verdicts("embed"), "the mismatch")
        counted = 'sonde_drift_events_total{kind="vector",target="embed"} 1.0'
        assert counted in daemon.get("/metrics").text
        reset = daemon.command("reference", "reset", "embed", str(daemon.config))
        environ = {**os.environ, "KEY": KEY}
        subprocess.run(reset, check=True, timeout=30, cwd=tmp_path, env=environ)
        await wait_until(lambda: daemon.events("reference.reset"), "the reset to be noticed")
        newest = "SELECT verdict FROM results WHERE target = 'embed' ORDER BY id DESC LIMIT 1"
        await wait_until(lambda: daemon.query(newest) == [("ok",)], "peace")
        assert len(daemon.events("drift.detected")) == 1
        events = daemon.query("SELECT target, kind, before, after FROM drift_events")
        assert events == [("embed", "vector", ">= 0.9999", "0.960")]
        assert await daemon.stop() == 0
