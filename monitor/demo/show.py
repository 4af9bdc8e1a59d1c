"""Plays the demo: starts the provider, the receiver and the daemon, and follows the story."""

import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aggregator.ledger import Ledger
from monitor.clock import Clock
from monitor.config.load import load
from monitor.daemon import SCHEMAS, Daemon
from monitor.demo.receiver import Receiver
from monitor.demo.story import Message, Story
from monitor.demo.teller import Frame, Teller
from monitor.road import Observers
from monitor.simulator.script import Script, demo
from probes.lag import LagMeter
from probes.result import ProbeResult

START_LIMIT_S: Final = 30.0
"""How long the provider's process may take to say where it listens."""
FRAME_EVERY_S: Final = 0.25
GRACE_RATIO: Final = 0.25
"""How much longer than its script the demo waits for the last alerts to resolve."""


class ProviderGoneError(Exception):
    """The simulated provider is not running: there is nothing left to watch."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's times, all in proportion to its length."""

    script: Script
    settings: Mapping[str, str]

    @classmethod
    def of(cls, seconds: float) -> "Stage":
        """Return the stage of a demo of this length."""
        script = demo(seconds)
        times = {
            "DEMO_EVALUATE": seconds / 240,
            "DEMO_INTERVAL": seconds / 60,
            "DEMO_WINDOW": seconds / 7.5,
            "DEMO_HOLD": seconds / 120,
            "DEMO_SLOW": 0.5,
        }
        return cls(script, {name: f"{value * 1000:.0f}ms" for name, value in times.items()})

    @property
    def limit_s(self) -> float:
        """Seconds after which a story that is not over has failed."""
        return self.script.seconds * (1 + GRACE_RATIO)


class Show:
    """One run of the demo."""

    def __init__(self, stage: Stage, teller: Teller, lag: LagMeter) -> None:
        """`lag` watches the loop it will run in."""
        self._lag = lag
        self._stage = stage
        self._teller = teller
        self._story = Story.of(stage.script)
        self._clock = Clock()
        self._began: float | None = None
        self._verdicts: Counter[str] = Counter()
        self._url = ""

    async def play(self) -> bool:
        """Run the demo to its end; return whether its promise was kept."""
        key = "sk-demo-" + secrets.token_hex(12)
        signing = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
        receiver = Receiver(signing, self._heard)
        with tempfile.TemporaryDirectory(prefix="sonde-demo-") as folder:
            async with provider(self._stage.script, key) as (process, base_url):
                try:
                    environ = {
                        **self._stage.settings,
                        "DEMO_PROVIDER_URL": base_url,
                        "DEMO_PROVIDER_KEY": key,
                        "DEMO_HOOK_URL": await receiver.start(),
                        "DEMO_HOOK_SECRET": signing,
                        "DEMO_STORE": str(Path(folder) / "demo.db"),
                        "DEMO_LISTEN": "127.0.0.1:0",
                    }
                    gone = await self._watch(process, environ)
                finally:
                    await receiver.stop()
        complaints = (gone,) if gone else self._story.complaints()
        self._teller.end(self._story, dict(self._verdicts), complaints)
        return not complaints

    async def _watch(
        self, process: asyncio.subprocess.Process, environ: Mapping[str, str]
    ) -> str | None:
        """Run the daemon until the story is over; return what ended it early, if anything did."""
        daemon = self._daemon(environ)
        stop = asyncio.Event()
        gone: str | None = None
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.run(stop), name="daemon")
            try:
                async with asyncio.timeout(self._stage.limit_s + START_LIMIT_S):
                    await self._follow(daemon, process)
            except (TimeoutError, ProviderGoneError) as error:
                gone = str(error) or "no probe was made"
            stop.set()
        return gone

    def _daemon(self, environ: Mapping[str, str]) -> Daemon:
        text = files("monitor.demo").joinpath("sonde.yaml")
        path = Path(environ["DEMO_STORE"]).with_name("sonde.yaml")
        path.write_text(text.read_text(encoding="utf-8"), encoding="utf-8")
        config = load(path, environ, cwd=path.parent, strict=True).config
        ledger = Ledger.open(config.store.path, SCHEMAS)
        observers = Observers(on_result=self._saw, on_serving=self._serving)
        return Daemon(config, ledger, self._lag, observers)

    async def _follow(self, daemon: Daemon, process: asyncio.subprocess.Process) -> None:
        """Draw until the script has ended and its promise is kept, or its time is up."""
        script = self._stage.script
        with self._teller:
            while not self._over():
                if process.returncode is not None:
                    raise ProviderGoneError(
                        f"the simulated provider ended by itself (exit {process.returncode})"
                    )
                frame = Frame(daemon.view(), self._story, script, self._elapsed_s(), self._url)
                self._teller.frame(frame)
                await asyncio.sleep(FRAME_EVERY_S)

    def _over(self) -> bool:
        elapsed_s = self._elapsed_s()
        if elapsed_s < self._stage.script.seconds:
            return False
        return self._story.kept() or elapsed_s > self._stage.limit_s

    def _elapsed_s(self) -> float:
        return 0.0 if self._began is None else self._clock.monotonic() - self._began

    def _serving(self, host: str, port: int) -> None:
        self._url = f"http://{host}:{port}/"

    def _saw(self, result: ProbeResult) -> None:
        if self._began is None:
            # The script's clock starts with the first request the provider receives.
            self._began = self._clock.monotonic() - result.total_s
        self._verdicts[result.verdict.value] += 1

    def _heard(self, body: dict[str, Any]) -> None:  # Any: JSON from outside
        for alert in body["alerts"]:
            labels = alert["labels"]
            message = Message(
                alertname=labels["alertname"],
                subject=labels.get("target", labels.get("provider", "")),
                severity=labels["severity"],
                status=alert["status"],
                summary=alert["annotations"]["summary"],
                at_s=self._elapsed_s(),
            )
            self._story.tell(message)
            self._teller.message(message)


@asynccontextmanager
async def provider(
    script: Script, key: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the simulated provider as a process of its own; yield it and its base URL.

    Raises ProviderGoneError when it does not come up.
    """
    command = (sys.executable, "-m", "monitor.simulator", "--script", script.name)
    process = await asyncio.create_subprocess_exec(
        *(*command, "--seconds", str(script.seconds), "--key", key),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process, await _base_url(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _base_url(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise ProviderGoneError("the simulated provider has no output")
    try:
        async with asyncio.timeout(START_LIMIT_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise ProviderGoneError("the simulated provider did not start in time") from None
    if not line:
        raise ProviderGoneError("the simulated provider ended before it listened")
    base_url: str = json.loads(line)["base_url"]
    return base_url
