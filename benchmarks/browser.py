"""The dashboard as Chromium has it: the daemon, its files and its pages on loopback.

A daemon takes over the month that was filled, and a simulated provider answers it. Each visit is a
new context, with nothing kept from before. Times are the page's own, from the navigation on.
"""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.report import met
from tests.servers.chromium import chromium
from tests.servers.running import free_port, running

VISITS: Final = 7
KEYS: Final = "target-1"
LISTEN_MS: Final = 20_000
"""200 targets once a minute: some sixty ticks."""
FIRST_ROWS: Final = 24
"""As many as a tall screen has."""
READ_S: Final = 60.0
PAGE_AIM_MS: Final = 1_000.0
STEP_AIM_MS: Final = 100.0
"""What reads as at once: https://web.dev/articles/rail"""
WATCH: Final = """
window.seen = {}; window.ticks = []; window.keys = [];
const afterPaint = (tell) => requestAnimationFrame(() => setTimeout(tell));
const look = () => {
  const count = (what) => document.querySelectorAll(what).length;
  const done = {
    first: count(".line") >= FIRST, all: count(".line") >= ALL,
    charts: count(".u-over") === 7 && !count(".target-waiting"),
  };
  for (const [name, so] of Object.entries(done))
    if (so && !(name in seen)) {
      seen[name] = 0;
      afterPaint(() => { seen[name] = performance.now(); });
    }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
window.EventSource = class extends EventSource {
  constructor(...given) {
    super(...given);
    this.addEventListener("tick", (event) => {
      const at = performance.now();
      if (!JSON.parse(event.data).targets.length) return;
      afterPaint(() => ticks.push(performance.now() - at));
    });
  }
};
addEventListener("input", (event) =>
  afterPaint(() => keys.push(performance.now() - event.timeStamp)), true);
"""
LOADED: Final = """
() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .filter((one) => one.name.includes("/api/") === ASKED)
  .reduce((sum, one) => sum + one.encodedBodySize, 0)
"""


def rows(folder: Path, targets: int) -> Iterator[tuple[str, ...]]:
    """Measure; yield lines of a table: what, median and worst, and whether the aim is met."""
    script = WATCH.replace("FIRST", str(FIRST_ROWS)).replace("ALL", str(targets))
    with _served(folder, targets) as url, chromium() as browser:
        _read(url)
        visits = [_visit(browser, script, url, "all") for _ in range(VISITS)]
        pick = [visit["first"] for visit in visits]
        yield _timed(f"overview usable: its first {FIRST_ROWS} rows painted", pick, PAGE_AIM_MS)
        yield _timed(f"all {targets} rows painted", [each["all"] for each in visits], None)
        target = f"{url}/targets/target-7?range=30d"
        charts = [_visit(browser, script, target, "charts")["charts"] for _ in range(VISITS)]
        yield _timed("a target with 30 days: all charts painted", charts, PAGE_AIM_MS)
        with _opened(browser, script, url, "all") as page:
            yield _size("files of the first visit", page.evaluate(LOADED.replace("ASKED", "false")))
            yield _size(
                "answers of the first visit", page.evaluate(LOADED.replace("ASKED", "true"))
            )
            page.keyboard.press("/")
            page.keyboard.type(KEYS, delay=150)
            yield _timed("a key in the search, to paint", page.evaluate("keys"), STEP_AIM_MS)
            page.keyboard.press("Control+A")
            page.keyboard.press("Delete")
            page.wait_for_timeout(LISTEN_MS)
            yield _timed("a tick, to paint", page.evaluate("ticks"), STEP_AIM_MS)


@contextmanager
def _served(folder: Path, targets: int) -> Iterator[str]:
    """Run the provider and the daemon."""
    provider, port = free_port(), free_port()
    models = [word for n in range(targets) for word in ("--model", f"m{n}")]
    simulator = [sys.executable, "-m", "monitor.simulator", "--script", "answer", *models]
    text = (folder / "sonde.yaml").read_text().replace("127.0.0.1:1/", f"127.0.0.1:{provider}/")
    path = folder / "served.yaml"
    path.write_text(f'{text}http: {{listen: "127.0.0.1:{port}"}}\n')
    sonde = [sys.executable, "-m", "monitor.cli", "run", str(path)]
    environ = {"PYTHONPATH": str(Path(__file__).parents[1])}
    scratch = folder / "provider"
    scratch.mkdir()
    ready, url = f"tcp://127.0.0.1:{provider}", f"http://127.0.0.1:{port}"
    with (
        running(
            [*simulator, "--port", str(provider)], ready=ready, scratch=scratch, environ=environ
        ),
        running(sonde, ready=f"{url}/readyz", scratch=folder, environ=environ),
    ):
        yield url


def _read(url: str) -> None:
    """Wait until the daemon has read the strips of all targets, as it does once, at its start."""
    deadline = time.monotonic() + READ_S
    while time.monotonic() < deadline:
        answer = httpx2.get(f"{url}/api/v1/overview", timeout=READ_S, trust_env=False).json()
        if all(any(row["month"]["n"]) for row in answer["targets"]):
            return
        time.sleep(0.5)
    raise TimeoutError(f"the strips were not read in {READ_S:g} s")


@contextmanager
def _opened(browser: Browser, script: str, url: str, what: str) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(script)
    page = context.new_page()
    page.goto(url)
    while not page.evaluate(f"seen.{what}"):  # wait_for_function evaluates: the policy forbids it
        page.wait_for_timeout(50)
    yield page
    context.close()


def _visit(browser: Browser, script: str, url: str, what: str) -> dict[str, float]:
    with _opened(browser, script, url, what) as page:
        found: Any = page.evaluate("seen")  # Any: JSON of the page
        return dict(found)


def _timed(what: str, taken_ms: Sequence[float], aim_ms: float | None) -> tuple[str, ...]:
    if not taken_ms:
        return (what, "unknown", "", "unknown")
    middle, worst = statistics.median(taken_ms), max(taken_ms)
    figures = f"{middle:,.0f} / {worst:,.0f} ms"
    if aim_ms is None:
        return (what, figures, "", "")
    return (what, figures, f"{aim_ms:,.0f} ms", met(middle, aim_ms))


def _size(what: str, size_bytes: float) -> tuple[str, ...]:
    return (what, f"{size_bytes / 1024:,.0f} KiB", "", "")
