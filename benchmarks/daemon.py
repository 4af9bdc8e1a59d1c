"""The whole daemon as a process on the client's core, probing the truth server."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from benchmarks.cells import KEY
from benchmarks.cores import CLIENT_CORE, pinned
from benchmarks.seats import ROOT
from benchmarks.slots import target_name
from tests.servers.running import free_port, running

STOP_S: Final = 25.0
"""A stop takes 20 s at most; one that takes longer is an error here too."""
MODELS_PER_ENTRY: Final = 1_000
"""As many as a target of the configuration may name."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How many of ten targets do what; the others ask for a whole chat answer."""

    streamed: int = 0
    embeddings: int = 0

    def of(self, number: int) -> str:
        """Return the operation of a target as the configuration says it."""
        place = number % 10
        if place < self.streamed:
            return "operation: chat, stream: true"
        if place < self.streamed + self.embeddings:
            return "operation: embeddings"
        return "operation: chat"


def configuration(url: str, targets: int, interval_s: float, mix: Mix) -> str:
    """Return the configuration of many targets of one provider, shipped defaults otherwise.

    Target N is called `target_name(N)` and asks for the model `truth-N`.
    """
    by_kind: dict[str, list[str]] = {}
    for number in range(targets):
        by_kind.setdefault(mix.of(number), []).append(f"truth-{number}")
    name = target_name(0).replace("truth-0", "{model}")
    entries = [
        f'  - {{name: "{name}", provider: truth, {kind}, models: {json.dumps(part)}}}'
        for kind, models in by_kind.items()
        for part in (
            models[at : at + MODELS_PER_ENTRY] for at in range(0, len(models), MODELS_PER_ENTRY)
        )
    ]
    deadline = f"{min(interval_s, 5.0):g}s"
    lines = [
        "location: bench",
        "defaults:",
        f"  interval: {interval_s:g}s",
        f"  deadline: {deadline}",
        f"  first_token_deadline: {deadline}",
        f"  idle_deadline: {deadline}",
        "providers:",
        "  truth:",
        "    preset: compatible",
        f'    base_url: "{url}"',
        '    api_key: "${KEY}"',
        "    prices: {default: {input: 1, output: 2}}",
        "targets:",
        *entries,
    ]
    return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running one."""

    pid: int
    url: str
    folder: Path
    began: float
    """When its process was started, on the monotonic clock."""

    def scrape(self, http: httpx2.Client) -> httpx2.Response:
        """Return /metrics as a Prometheus gets it."""
        answer = http.get(f"{self.url}/metrics", timeout=15.0)
        answer.raise_for_status()
        return answer


@contextmanager
def daemon(
    config: str,
    folder: Path,
    *,
    influxdb: Mapping[str, str] | None = None,
    log_level: str = "INFO",
    within: Sequence[str] = (),
    core: int | None = CLIENT_CORE,
) -> Iterator[Daemon]:
    """Run `sonde run` with a configuration in a folder of its own, until the block ends.

    It is stopped as its users stop it, so that what is in flight ends and is kept.
    `influxdb`: url, token, org, bucket. `within`: words in front of its command. `core`: the one it
    is kept on; None: any.
    """
    url = f"http://127.0.0.1:{free_port()}"
    environ = {"KEY": KEY, "PYTHONPATH": str(ROOT)}
    store = "path: sonde.db"
    if influxdb is not None:
        environ["INFLUX_TOKEN"] = influxdb["token"]
        where = ", ".join(f'{key}: "{influxdb[key]}"' for key in ("url", "org", "bucket"))
        store += f', influxdb: {{{where}, token: "${{INFLUX_TOKEN}}"}}'
    file = folder / "sonde.yaml"
    listen = url.removeprefix("http://")
    file.write_text(f'{config}store: {{{store}}}\nhttp: {{listen: "{listen}"}}\n')
    sonde = [sys.executable, "-m", "monitor.cli", "run", str(file), "--log-level", log_level]
    began = time.monotonic()
    with running(
        [*within, *(() if core is None else pinned(core)), *sonde],
        ready=f"{url}/livez",
        scratch=folder,
        environ=environ,
    ) as process:
        yield Daemon(process.pid, url, folder, began)
        process.terminate()
        process.wait(STOP_S)
