"""Regions apart that write to one real InfluxDB: each is told from the others by its location."""

import json
import os
import subprocess
import sys
from pathlib import Path

from monitor.api.models.targets import Series
from monitor.config.load import load
from probes.result import Fault, Verdict
from tests.integration.targets_api import CHAT, FRAME, NOW, life, minutely, path
from tests.integration.test_rebuild_influxdb import written
from tests.integration.test_targets_api_influxdb import STORE
from tests.servers.influxdb import Influxdb

BAD = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}


async def test_one_region_is_shown_what_the_others_wrote(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """Over the API of `here`, which never heard of `iad1`; its own past has none of it."""
    file = tmp_path / "sonde.yaml"
    file.write_text(FRAME.replace("@@", CHAT).replace("!!", STORE))
    environ = {"URL": influxdb.url, "TOKEN": influxdb.token, "BUCKET": influxdb.bucket}
    found = load(file, environ, cwd=tmp_path, strict=False).config
    here, there = tmp_path / "here", tmp_path / "iad1"
    here.mkdir()
    there.mkdir()
    await written(here, influxdb, minutely(NOW - 600, NOW))
    await written(there, influxdb, minutely(NOW - 300, NOW, location="iad1", **BAD))
    async with life(found) as now:
        own, other = [
            Series.model_validate(
                await now.get(path("chat", "/series"), step_s=3_600, location=location)
            )
            for location in ("", "iad1")
        ]
    assert (own.n, own.verdicts) == ([10], {})
    assert (other.n, other.verdicts) == ([5], {"server_error": [5]})
    shown = {location: _history(file, environ, location) for location in ("here", "iad1")}
    assert shown == {"here": (10, 0), "iad1": (5, 5)}


def _history(file: Path, environ: dict[str, str], location: str) -> tuple[int, int]:
    """Ask the command for everything there is; return results and errors."""
    asked = ["history", "chat", "--config", str(file), "--location", location, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "monitor.cli", *asked, "--since", "3650d"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    lines = json.loads(done.stdout)
    return sum(each["n"] for each in lines), sum(each["errors"] for each in lines)
