"""`sonde status-page`: the files it writes, out of a ledger that a daemon may have open."""

import argparse
import asyncio
import json
import time
from pathlib import Path

import pytest

from aggregator.drift import DRIFT
from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.rollup.table import ROLLUPS
from aggregator.stores.rebuild import REBUILD
from aggregator.stores.spool import SPOOL
from alerting.alert import Identity
from alerting.state import Firing
from alerting.store import ALERTING, save_states
from monitor.cli.status_page import add_arguments, run
from probes.result import Fault, ProbeResult, Verdict
from tests.unit.aggregator.samples import result

CONFIG = """\
location: here
providers: {secretive: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets:
  - {name: inner-a, provider: secretive, model: private-model}
  - {name: inner-b, provider: secretive, model: private-model}
  - {name: inner-c, provider: secretive, model: private-model}
  - {name: inner-d, provider: secretive, model: private-model}
store: {path: sonde.db}
public_page:
  title: Acme
  components: {Chat: [inner-a], Search: [inner-b], Voice: [inner-c], Vision: [inner-d]}
"""
SCHEMAS = (RESULTS, SPOOL, ROLLUPS, ALERTING, DRIFT, REBUILD)


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG)
    return str(path)


def failed(name: str, slot: int, at: float, fault: Fault) -> ProbeResult:
    return result(
        target=name,
        slot=slot,
        at=at,
        verdict=Verdict.SERVER_ERROR,
        fault=fault,
        detail="inner word",
    )


def remember(folder: Path) -> None:
    """Keep minutes in which b fails, a and c are well, d only blames us.

    Alerts: a is another model than it was, which is no trouble of its users'; c is slow.
    """
    now = time.time()
    found = []
    for n in range(5):
        at = now - 300 + 60 * n
        found += [result(target=name, slot=n, at=at) for name in ("inner-a", "inner-c")]
        found.append(failed("inner-b", n, at, Fault.PROVIDER))
        found.append(failed("inner-d", n, at, Fault.NETWORK))
    labels = (("alertname", "HighLatency"), ("severity", "warning"), ("target", "inner-c"))
    drifted = (("alertname", "Drift"), ("severity", "info"), ("target", "inner-a"))
    firing = {
        Identity("HighLatency", labels): Firing(now - 200, now - 100, None),
        Identity("Drift", drifted): Firing(now - 200, now - 100, None),
    }

    async def fill() -> None:
        ledger = Ledger.open(folder / "sonde.db", SCHEMAS)
        await ledger.write(lambda c: insert_results(c, found))
        await ledger.write(lambda c: save_states(c, firing, now))
        await ledger.close()

    asyncio.run(fill())


def test_the_page_is_written_as_files(tmp_path: Path, config: str) -> None:
    """Each component is as its target is, and nothing of ours stands in any file."""
    remember(tmp_path)
    out = tmp_path / "public"
    assert run(arguments("--output", str(out), "--config", config)) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "index.html",
        "status.css",
        "status.json",
    ]
    said = json.loads((out / "status.json").read_text())
    assert {each["name"]: each["state"] for each in said["components"]} == {
        "Chat": "operational",
        "Search": "outage",
        "Voice": "degraded",
        "Vision": "unknown",
    }
    assert [each["component"] for each in said["incidents"]] == ["Search"]
    text = "".join(path.read_text() for path in out.iterdir())
    for inner in ("inner", "secretive", "private-model", "HighLatency", "server_error"):
        assert inner not in text


@pytest.mark.parametrize(
    ("more", "hours"),
    [("", 7 * 24), ("defaults: {interval: 1s, deadline: 1s}\n", 13), ("KEPT", 24)],
)
def test_it_says_how_far_back_it_looked(tmp_path: Path, config: str, more: str, hours: int) -> None:
    """A week; less where results are many, or are not kept that long."""
    remember(tmp_path)
    path = Path(config)
    if more == "KEPT":
        kept = CONFIG.replace("path: sonde.db", "path: sonde.db, retention: {results: 1d}")
        path.write_text(kept)
    else:
        path.write_text(CONFIG + more)
    out = tmp_path / "public"
    assert run(arguments("--output", str(out), "--config", config)) == 0
    said = json.loads((out / "status.json").read_text())
    assert (said["at"] - said["incidents_since"]) // 3600 == hours


def test_it_can_be_printed(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON, without a file being written."""
    remember(tmp_path)
    assert run(arguments("--json", "--config", config)) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Acme"
    assert list(tmp_path.rglob("*.html")) == []


def test_mistakes_are_told_in_a_line(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No page configured, no folder, no configuration: 2; no ledger, no room for files: 1."""
    assert run(arguments("--output", str(tmp_path / "x"), "--config", config)) == 1
    assert "no ledger" in capsys.readouterr().err
    assert run(arguments("--config", config)) == 2
    assert "--output" in capsys.readouterr().err
    bare = tmp_path / "bare.yaml"
    bare.write_text(CONFIG.partition("public_page")[0])
    assert run(arguments("--output", "x", "--config", str(bare))) == 2
    assert "public_page: not configured" in capsys.readouterr().err
    assert run(arguments("--output", "x", "--config", str(tmp_path / "no.yaml"))) == 2
    remember(tmp_path)
    assert run(arguments("--output", config, "--config", config)) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
