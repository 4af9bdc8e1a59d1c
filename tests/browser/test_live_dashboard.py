"""The dashboard in front of a daemon that runs: what happens there is seen here."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser.background import Background
from tests.browser.visiting import Visit, photograph
from tests.browser.world import SLASHED, World, begin, chat, configuration
from tests.servers.running import free_port

PATH: Final = f"/targets/{quote(SLASHED, safe='')}"
SILENT_MS: Final = 45_000
"""More than the page waits for a sign of life."""
TOKEN: Final = "a-token-of-32-characters-or-more"
COLOURED: Final = """
(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.slice(i, i + 4);
    if (a > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 60) found += 1;
  }
  return found;
}
"""
"""Grid and axes are grey."""


def small(own: Background, folder: Path) -> World:
    """A daemon of one test: one target, no past."""
    return begin(own, folder, chat("a"), more="", past=False)


def test_what_fails_is_said_without_a_reload_and_the_rest_stays(page: Page, world: World) -> None:
    """The row that is otherwise says so; every row is the very same element as before."""
    page.goto(world.url)
    expect(page.locator(".line").nth(11)).to_be_visible()
    page.evaluate("document.querySelectorAll('.line').forEach((row) => { row.mine = true; })")
    row = page.locator(".line", has_text="turns")
    expect(row).to_contain_text("ok")
    world.providers.failing.add("turns")
    try:
        expect(row).to_contain_text("overloaded", timeout=20_000)
        assert page.evaluate("[...document.querySelectorAll('.line')].every((row) => row.mine)")
        page.get_by_role("navigation").get_by_role("link", name="Alerts").click()
        fired = page.locator(".alert", has_text="Down of turns")
        expect(fired).to_contain_text("provider", timeout=20_000)
    finally:
        world.providers.failing.discard("turns")
    page.go_back()
    expect(row.locator(".col-now")).to_contain_text("ok", timeout=20_000)


def test_the_worst_first_and_the_address_has_what_is_searched_for(page: Page, world: World) -> None:
    """What is down comes before what is well; words, provider and level narrow it down."""
    page.goto(world.url)
    rows = page.locator(".line th a")
    expect(rows).to_have_count(12)
    order = rows.all_inner_texts()
    assert max(map(order.index, ("down-1", "down-4"))) < order.index("steady")
    page.keyboard.press("/")
    page.keyboard.type("chat-a")
    expect(rows).to_have_text([SLASHED])
    page.locator(".line").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(SLASHED)
    page.go_back()
    expect(rows).to_have_text([SLASHED])


def test_every_chart_is_drawn(page: Page, world: World) -> None:
    """Of a target that has all of it: each chart has more on it than axes."""
    page.goto(f"{world.url}{PATH}?range=30d")
    canvases = page.locator(".u-wrap canvas")
    expect(canvases).to_have_count(7)
    page.wait_for_timeout(300)
    names = page.locator(".chart h3").all_inner_texts()
    drawn = {name: one.evaluate(COLOURED) for name, one in zip(names, canvases.all(), strict=True)}
    assert all(pixels > 50 for pixels in drawn.values()), drawn


def test_comparisons_zoom_and_probes_of_a_real_past(page: Page, world: World) -> None:
    """Last week and another target have lines; a drag asks for less; a probe has its stages."""
    page.goto(f"{world.url}{PATH}?range=7d&week=1&with=steady")
    expect(page.get_by_text("p50, last week").first).to_be_visible()
    expect(page.get_by_text("p50, steady").first).to_be_visible()
    page.get_by_role("button", name="Show as table").first.click()
    expect(page.locator(".chart").first.locator("tbody tr").first).to_be_visible()
    page.get_by_role("button", name="Show as table").first.click()
    plot = page.locator(".u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    with page.expect_response("**/series?*since=*"):
        page.mouse.move(box["x"] + 80, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 240, box["y"] + 40, steps=4)
        page.mouse.up()
    assert "since=" in page.url
    page.locator(".probe-open").first.click()
    expect(page.locator(".probe-more").first).to_contain_text("req_0123456789")


def test_failures_of_a_month_go_on(page: Page, world: World) -> None:
    """Those of a real past are read page by page."""
    page.goto(f"{world.url}/targets/steady?probes=failed")
    expect(page.locator(".probe-open")).to_have_count(100)
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".probe-open").nth(100)).to_be_visible()


def test_the_public_page_says_nothing_of_ours(page: Page, world: World) -> None:
    """Chosen names and states; no provider, model, error text or script."""
    page.goto(f"{world.url}/status")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    text = page.content()
    assert page.locator("script").count() == 0
    assert not [word for word in ("plain", "down-1", "refuses", "pwned", "503") if word in text]


def test_a_daemon_that_stands_still_is_noticed_and_caught_up_with(
    page: Page, own: Background, tmp_path: Path
) -> None:
    """Silence is said after 40 s, a cut at once, and what came meanwhile is there afterwards."""
    port = free_port()
    world = small(own, tmp_path)
    daemon = world.daemon
    text = daemon.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}")
    own.run(daemon.stop())
    daemon.config.write_text(text)
    own.run(daemon.start())
    lost = page.locator(".banner-lost")
    page.clock.install()
    page.goto(world.url)
    row = page.locator(".line")
    expect(row).to_contain_text("ok")
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        page.clock.fast_forward(SILENT_MS)
        expect(lost).to_contain_text("Last heard")
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    page.clock.run_for(5_000)
    expect(lost).to_have_count(0)
    daemon.kill()
    expect(lost).to_contain_text("Connection lost")
    world.providers.failing.add("a")
    own.run(daemon.start())
    for _ in range(20):
        page.clock.run_for(1_000)
        page.wait_for_timeout(100)
        if not lost.count():
            break
    expect(lost).to_have_count(0)
    expect(row).to_contain_text("overloaded", timeout=20_000)


def test_a_refused_file_is_said_on_the_page(page: Page, own: Background, tmp_path: Path) -> None:
    """The banner names file and line while the last good one goes on, and goes with the mistake."""
    world = small(own, tmp_path)
    page.goto(world.url)
    expect(page.locator(".line")).to_have_count(1)
    good = world.daemon.config.read_text()
    world.daemon.config.write_text(good.replace("interval: 1s", "interval: soon"))
    banner = page.locator(".banner-bad")
    expect(banner).to_contain_text("sonde.yaml:5", timeout=20_000)
    photograph(page, "refused")
    world.daemon.config.write_text(configuration(world.providers.origin, chat("a"), chat("b")))
    expect(banner).to_have_count(0, timeout=20_000)
    expect(page.locator(".line")).to_have_count(2, timeout=20_000)


def test_wider_than_this_machine_the_token_is_asked_for(
    visitor: Visit, own: Background, tmp_path: Path
) -> None:
    """As the password that browsers ask for; a wrong one opens nothing, and the stream works."""
    (tmp_path / "token").write_text(TOKEN)
    world = small(own, tmp_path)
    text = world.daemon.config.read_text()
    own.run(world.daemon.stop())
    wide = f'http: {{listen: "0.0.0.0:0", token_file: {tmp_path / "token"}}}'
    world.daemon.config.write_text(text.replace('http: {listen: "127.0.0.1:0"}', wide))
    own.run(world.daemon.start())
    url = world.daemon.url.replace("0.0.0.0", "127.0.0.1")
    for password, status in (("wrong", 401), (TOKEN, 200)):
        page = visitor(http_credentials={"username": "any", "password": password})
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == status
    expect(page.locator(".line")).to_contain_text("ok")
    world.providers.failing.add("a")
    expect(page.locator(".line")).to_contain_text("overloaded", timeout=20_000)


def test_the_demo_has_a_page(page: Page) -> None:
    """`sonde demo` says where it is; what it does to its models is seen there."""
    command = [sys.executable, "-m", "monitor.cli", "demo", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as demo:
        try:
            assert demo.stdout is not None
            events = map(json.loads, demo.stdout)
            page.goto(next(event["url"] for event in events if event["event"] == "page"))
            expect(page.locator(".where")).to_contain_text("simulated provider")
            expect(page.locator(".firing li").first).to_be_visible(timeout=40_000)
            photograph(page, "demo")
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=20)


def test_nothing_to_show_is_said(page: Page, own: Background, tmp_path: Path) -> None:
    """Without objectives, budgets, limits and alerts each page says what would be there."""
    world = small(own, tmp_path)
    page.route("**/api/v1/ratelimits", lambda route: route.fulfill(json=[]))
    for path in ("/slos", "/costs", "/limits", "/alerts", "/alerts?tab=maintenance"):
        page.goto(world.url + path)
        expect(page.locator(".empty").first).to_be_visible()
        photograph(page, f"empty-{path.strip('/').replace('?tab=', '-')}")
