"""One incident, told by the daemon and by Prometheus with the exported rules: the same story."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.e2e import configs
from tests.e2e.daemon_process import KEY, DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.servers.alertmanager import alertmanager_server
from tests.servers.prometheus import prometheus_with
from tests.servers.running import free_port
from tests.standins.webhook_receiver import Receiver

SIGNING: Final = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
EVALUATE_S: Final = 0.2
SCRAPE_S: Final = 1.0
HOLD_S: Final = {"Down": 0.0, "ErrorRate": 3.0}
"""The daemon says since when the condition is true, Prometheus since when the alert fires."""
BOUND_S: Final = 2 * (SCRAPE_S + EVALUATE_S)
"""What one says is known to the other after a scrape and an evaluation of each; as much again for
the beats of both, which are not in step, and for a scrape that takes as long as it may."""
TARGETS: Final = (
    "name: chat, provider: sim, model: gpt-4o-mini, operation: chat, stream: true",
    "name: embed, provider: sim, model: text-embedding-3-small, operation: embeddings",
)
RULES: Final = configs.QUICK_RULES.replace(
    "{name: ErrorRate, enabled: false}",
    "{name: ErrorRate, when: error_rate(provider) > 20%, over: 10s, for: 3s}",
)

Told = tuple[str, str, str]
"""Target, alert, and `firing` or `resolved`."""
Labels = Mapping[str, str]


class Account:
    """What one receiver was told: when each alert began and ended, by its own times."""

    def __init__(self, deliveries: Sequence[dict[str, Any]]) -> None:  # Any: JSON
        self.at: dict[Told, float] = {}
        self.labels: dict[tuple[str, str], Labels] = {}
        for delivery in deliveries:
            for alert in delivery["alerts"]:
                labels = alert["labels"]
                key = (labels["target"], labels["alertname"])
                self.labels[key] = labels
                self.at.setdefault((*key, "firing"), seconds(alert["startsAt"]))
                if alert["status"] == "resolved":
                    self.at.setdefault((*key, "resolved"), seconds(alert["endsAt"]))

    def order(self, target: str) -> list[Told]:
        """Return what was told of a target in the order in which it happened."""
        own = [told for told in self.at if told[0] == target]
        return sorted(own, key=lambda told: self.at[told])


def seconds(stamp: str) -> float:
    """Read a time of a message."""
    return datetime.fromisoformat(stamp).timestamp()


def exported(folder: Path, config: str) -> Path:
    """Run `sonde rules export` as people do."""
    source, target = folder / "export.yaml", folder / "rules.yml"
    source.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "monitor.cli", "rules", "export", "--prometheus"]
    environ = {**os.environ, "KEY": KEY, "SIGNING": SIGNING, "HOOK": "http://127.0.0.1:9/hook"}
    done = subprocess.run(
        [*command, str(source), "--output", str(target)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


def watching(port: int) -> list[dict[str, object]]:
    """Scrape the daemon each second."""
    pace = {"scrape_interval": f"{SCRAPE_S:g}s", "scrape_timeout": f"{SCRAPE_S:g}s"}
    return [{"job_name": "sonde", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}], **pace}]


async def test_prometheus_tells_the_same_story(tmp_path: Path) -> None:
    """The same alerts with the same labels fire and resolve, in the same order, at the same time.

    As near as a scrape and an evaluation allow: what each of them says is compared, not how long
    we waited.
    """
    port = free_port()
    async with (
        Receiver(SIGNING, time.time) as ours,
        Receiver(None, time.time) as theirs,
        simulated("outage", 45.0) as provider,
    ):
        config = (
            configs.head().replace("127.0.0.1:0", f"127.0.0.1:{port}")
            + configs.providers({"sim": provider.base_url})
            + configs.targets(TARGETS)
            + RULES
            + configs.channels(
                'ops: {type: webhook, url: "${HOOK}", secret: "${SIGNING}",'
                " allow_http: true, allow_private: true}"
            )
        )
        rules = await asyncio.to_thread(exported, tmp_path, config)
        with alertmanager_server(theirs.url, scratch(tmp_path, "alertmanager")) as alertmanager:
            where = {"static_configs": [{"targets": [alertmanager.url.removeprefix("http://")]}]}
            more = {"rule_files": [str(rules)], "alerting": {"alertmanagers": [where]}}
            with prometheus_with(watching(port), scratch(tmp_path, "prometheus"), more):
                environ = {"SIGNING": SIGNING, "HOOK": ours.url}
                async with DaemonProcess(tmp_path, config, environ) as daemon:
                    for receiver in (ours, theirs):
                        await wait_until(partial(over, receiver), "everything to be over", 90.0)
                    assert await daemon.stop() == 0
    compared(Account(ours.deliveries), Account(theirs.deliveries))


def compared(ours: Account, theirs: Account) -> None:
    """Compare what the daemon told with what Alertmanager told."""
    assert ours.labels == theirs.labels
    for target in ("chat", "embed"):
        assert [told[1:] for told in ours.order(target)] == [
            ("Down", "firing"),
            ("ErrorRate", "firing"),
            ("Down", "resolved"),
            ("ErrorRate", "resolved"),
        ]
        assert ours.order(target) == theirs.order(target)
    assert ours.at.keys() == theirs.at.keys()
    for told, at in ours.at.items():
        _, alert, what = told
        fired_at = at + HOLD_S[alert] if what == "firing" else at
        assert abs(theirs.at[told] - fired_at) <= BOUND_S, (told, theirs.at[told] - fired_at)


def scratch(folder: Path, name: str) -> Path:
    """Make a folder."""
    made = folder / name
    made.mkdir()
    return made


def over(receiver: Receiver) -> bool:
    """Say whether both alerts of both targets are told to be over."""
    ended = [told for told in Account(receiver.deliveries).at if told[2] == "resolved"]
    return len(ended) == 4
