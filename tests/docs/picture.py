"""Take the README's picture of the dashboard: `python -m tests.docs.picture [FILE]`.

A month of made-up history is written into a ledger, simulated providers answer well, fail and
throttle, and the real daemon watches them. What Chromium shows of it is the picture. The history is
the same each time; the moment is not.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
from playwright.sync_api import ViewportSize

from aggregator.ledger import Ledger
from aggregator.results import had_at, insert_results
from monitor.daemon import SCHEMAS
from probes.result import Fault, Operation, ProbeResult, StampQuality, Verdict
from tests.docs.blocks import ROOT
from tests.docs.running import Reader
from tests.servers.chromium import chromium

PICTURE: Final = ROOT / "docs" / "images" / "dashboard.png"
SIZE: Final[ViewportSize] = {"width": 1280, "height": 860}
"""Pixels: what a README shows without making words small."""
INTERVAL_S: Final = 5.0
DAY_S: Final = 86_400.0
READY_S: Final = 90.0
SETTLED_MS: Final = 15_000
"""For ticks, and for as many answers as percentiles need."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A target of the picture, and how it did."""

    name: str
    provider: str
    model: str
    median_s: float
    bad_days: tuple[int, ...] = ()
    """Days ago on which a tenth of the answers were errors."""
    operation: Operation = Operation.CHAT

    @property
    def streams(self) -> bool:
        return self.operation is Operation.CHAT


TARGETS: Final = (
    Shown("gpt-4o-mini", "openai", "gpt-4o-mini", 0.7, (3, 17)),
    Shown("gpt-4o", "openai", "gpt-4o", 1.3, (3,)),
    Shown("embed-small", "openai", "text-embedding-3-small", 0.12, (), Operation.EMBEDDINGS),
    Shown("eu-chat", "azure-eu", "chat-prod", 0.9, (9, 10, 22)),
    Shown("eu-embed", "azure-eu", "embed-prod", 0.15, (9,), Operation.EMBEDDINGS),
    Shown("grok", "xai", "grok-4.3", 2.8, (1, 12)),
    Shown("llama", "house", "llama-3.1-8b", 0.4, (26,)),
    Shown("qwen", "house", "qwen3-30b", 0.6),
)
ANSWERS: Final = {
    "openai": ("answer", "9001"),
    "azure-eu": ("server_error", "9002"),
    "xai": ("throttled", "9003"),
    "house": ("answer", "9001"),
}
"""By provider: what the simulator does, and on which port a page would name it."""


def history(shown: Shown, now: float) -> Iterator[ProbeResult]:
    """Yield a month of results, the nearer the denser: half hours, five minutes, minutes."""
    chance = random.Random(shown.name)
    at = now - 30 * DAY_S
    while at < now - 60:
        days_ago = int((now - at) // DAY_S)
        failed = chance.random() < (0.1 if days_ago in shown.bad_days else 0.001)
        yield _result(shown, at, chance, failed=failed)
        at += 60 if now - at < 3600 else 300 if days_ago == 0 else 1800


def _result(shown: Shown, at: float, chance: random.Random, *, failed: bool) -> ProbeResult:
    total_s = shown.median_s * chance.lognormvariate(0.0, 0.25)
    streamed = shown.streams and not failed
    return ProbeResult(
        target=shown.name,
        provider=shown.provider,
        model=shown.model,
        operation=shown.operation,
        location="demo",
        slot=int(at // INTERVAL_S),
        slot_at=at,
        at=at,
        verdict=Verdict.SERVER_ERROR if failed else Verdict.OK,
        fault=Fault.PROVIDER if failed else Fault.NONE,
        status=503 if failed else 200,
        stamps=StampQuality.KERNEL,
        total_s=total_s,
        first_token_s=total_s * 0.4 if streamed else None,
        last_token_s=total_s if streamed else None,
        input_tokens=None if failed else 21,
        output_tokens=5 if streamed else None,
        cost_usd=None if failed else 21 * 0.15e-6 + 5 * 0.6e-6,
    )


async def remember(path: Path, targets: Iterable[Shown], now: float) -> None:
    """Write a month of these targets into a new ledger."""
    ledger = Ledger.open(path, SCHEMAS, inline=True)
    # In the order of time: one that goes back would read as a clock that was set.
    told = sorted((each for shown in targets for each in history(shown, now)), key=had_at)
    await ledger.write(partial(insert_results, results=told))
    await ledger.close()


def configuration() -> str:
    """Return the daemon's configuration."""
    prices = "prices: {default: {input: 0.15, output: 0.60}}"
    providers = "".join(
        f'  {name}: {{preset: compatible, base_url: "http://127.0.0.1:{port}/v1", {prices}}}\n'
        for name, (_, port) in ANSWERS.items()
    )
    targets = "".join(
        f"  - {{name: {each.name}, provider: {each.provider}, model: {each.model},"
        f" operation: {each.operation}{', stream: true' if each.streams else ''}}}\n"
        for each in TARGETS
    )
    return (
        "location: demo\n"
        "store: {path: sonde.db, retention: {results: 40d}}\n"
        "budget: {daily: 5 USD}\n"
        f"defaults: {{interval: {INTERVAL_S:g}s, deadline: {INTERVAL_S:g}s}}\n"
        "notify: {group_wait: 0s}\n"
        f"providers:\n{providers}targets:\n{targets}"
    )


def main() -> None:
    """Start everything, wait for the alerts, take the picture."""
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sonde-picture-")))
        asyncio.run(remember(folder / "sonde.db", TARGETS, time.time()))
        reader = stack.enter_context(Reader(folder))
        models = " ".join(f"--model {each.model}" for each in TARGETS)
        for script, port in sorted(set(ANSWERS.values())):
            reader.start(f"python -m monitor.simulator --script {script} --port {port} {models}")
        reader.write("sonde.yaml", configuration())
        reader.start("sonde run sonde.yaml")
        url = f"http://{reader.environ['SONDE_LISTEN']}"
        _await_alerts(url, reader.log)
        _photograph(url, picture)


def _await_alerts(url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            alerts = httpx2.get(f"{url}/api/v1/alerts", timeout=5, trust_env=False).json()
        except httpx2.HTTPError:
            alerts = []
        if sum(alert["state"] == "firing" for alert in alerts) > 1:
            return
        time.sleep(0.5)
    raise TimeoutError(f"no two alerts fire after {READY_S:g} s: {log.read_text()[-3000:]}")


def _photograph(url: str, picture: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
        page.goto(url)
        page.get_by_text("eu-chat").first.wait_for()
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=picture)


if __name__ == "__main__":
    main()
