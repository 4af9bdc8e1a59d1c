"""Configurations taken up while the daemon runs, as its users change them."""

import asyncio
import itertools
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.standins.slack import Slack

PROMISED_S = 20.0
SLACK = 'team: {type: slack, webhook_url: "${SLACK}", allow_http: true}'


def chat(name: str, more: str = "") -> str:
    return f"name: {name}, provider: p, model: gpt-4o-mini, operation: chat{more}"


def config(url: str, *rows: str, extra: str = "", rules: str = configs.QUICK_RULES) -> str:
    return (
        configs.head()
        + configs.providers({"p": url})
        + configs.targets(rows or (chat("a"),))
        + rules
        + extra
    )


@asynccontextmanager
async def provider(answer: dict[str, Any]) -> AsyncIterator[str]:
    """Serve chat completions with the status of `answer`, once `released` if it has that."""

    async def complete(_request: web.Request) -> web.Response:
        status = answer["status"]
        if "released" in answer:
            answer["waiting"] += 1
            try:
                await answer["released"].wait()
            finally:
                answer["waiting"] -= 1
        if status != 200:
            return web.json_response({"error": {"message": "no"}}, status=status)
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "model": "gpt-4o-mini",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "OK"},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        )

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined] # asyncio's own
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await runner.cleanup()


def probed(daemon: DaemonProcess, target: str, after: int = 0) -> bool:
    results = daemon.events("probe.result")
    return sum(each["target"] == target for each in results) > after


def metric(daemon: DaemonProcess, start: str) -> float | None:
    lines = daemon.get("/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(start)), None)


async def reloads(daemon: DaemonProcess, number: int) -> None:
    await wait_until(lambda: len(daemon.events("config.reloaded")) >= number, "config.reloaded")


async def test_a_hangup_and_a_changed_file_are_taken_up(tmp_path: Path) -> None:
    """Targets come, go and change without a restart; counters of those that stay go on."""
    async with provider({"status": 200}) as url:
        async with DaemonProcess(tmp_path, config(url, chat("a"), chat("b"))) as daemon:
            await wait_until(lambda: probed(daemon, "a", 2) and probed(daemon, "b"), "probes")
            before = metric(
                daemon, 'sonde_probe_results_total{provider="p",model="gpt-4o-mini",target="a"'
            )
            daemon.config.write_text(config(url, chat("a"), chat("c")), encoding="utf-8")
            daemon.process.send_signal(signal.SIGHUP)
            await reloads(daemon, 1)
            await wait_until(lambda: probed(daemon, "c"), "a probe of the new target")
            after = metric(
                daemon, 'sonde_probe_results_total{provider="p",model="gpt-4o-mini",target="a"'
            )
            assert before is not None
            assert after is not None
            assert after >= before > 0
            assert 'target="b"' not in daemon.get("/metrics").text
            seen = len([e for e in daemon.events("probe.result") if e["target"] == "b"])
            daemon.config.write_text(config(url, chat("d")), encoding="utf-8")
            await reloads(daemon, 2)
            await wait_until(lambda: probed(daemon, "d"), "a probe of the file's new target")
            assert len([e for e in daemon.events("probe.result") if e["target"] == "b"]) == seen
            slots = daemon.query("SELECT target, slot, count(*) FROM results GROUP BY 1, 2")
            assert all(number == 1 for _, _, number in slots)
            assert not daemon.events("target.crashed")
            assert await daemon.stop() == 0


async def test_a_bad_file_keeps_the_last_good_one(tmp_path: Path) -> None:
    """It is refused with file and line in log, metric and API; the next good one is taken."""
    async with provider({"status": 200}) as url:
        async with DaemonProcess(tmp_path, config(url)) as daemon:
            good = daemon.config.read_text(encoding="utf-8")
            assert metric(daemon, "sonde_config_last_reload_successful") == 1
            daemon.config.write_text(good.replace("interval: 500ms", "interval: soon"))
            await wait_until(lambda: daemon.events("config.reload_refused"), "a refusal")
            (problem, *_) = daemon.events("config.reload_refused")[0]["problems"]
            assert "sonde.yaml:5:" in problem
            assert "interval" in problem
            assert metric(daemon, "sonde_config_last_reload_successful") == 0
            told = json.loads(daemon.get("/api/v1/instance").text)["reload"]
            assert not told["ok"]
            assert "sonde.yaml:5:" in told["error"]
            before = len(daemon.events("probe.result"))
            await wait_until(lambda: probed(daemon, "a", before), "probes that go on")
            assert len(daemon.events("config.reload_refused")) == 1
            daemon.config.write_text(good)
            await wait_until(
                lambda: metric(daemon, "sonde_config_last_reload_successful") == 1, "the good file"
            )
            assert not daemon.events("config.reloaded")
            assert json.loads(daemon.get("/api/v1/instance").text)["reload"]["ok"]
            assert await daemon.stop() == 0


async def test_a_config_map_is_swapped(tmp_path: Path) -> None:
    """Kubernetes renames a link two steps above the file; what cannot change is named."""
    async with provider({"status": 200}) as url:
        daemon = DaemonProcess(tmp_path, config(url))
        mount = tmp_path / "mount"
        for name, text in {
            "one": config(url),
            "two": config(url, chat("b")).replace("location: test", "location: moon"),
        }.items():
            (mount / name).mkdir(parents=True)
            (mount / name / "sonde.yaml").write_text(
                text.replace("path: sonde.db", f"path: {tmp_path / 'sonde.db'}"), encoding="utf-8"
            )
        (mount / "..data").symlink_to("one")
        (mount / "sonde.yaml").symlink_to("..data/sonde.yaml")
        daemon.config = mount / "sonde.yaml"
        async with daemon:
            await wait_until(lambda: probed(daemon, "a"), "a probe")
            (mount / "..data_tmp").symlink_to("two")
            (mount / "..data_tmp").rename(mount / "..data")
            await reloads(daemon, 1)
            await wait_until(lambda: probed(daemon, "b"), "a probe of the new target")
            assert daemon.events("config.needs_restart")[0]["keys"] == ["location"]
            told = json.loads(daemon.get("/api/v1/instance").text)
            assert told["location"] == "test"
            assert told["reload"]["needs_restart"] == ["location"]
            assert await daemon.stop() == 0


async def test_a_firing_alert_goes_on_and_ends_with_its_target(tmp_path: Path) -> None:
    """It is not told again; when its target is taken out it is over, and people hear of it."""
    async with Slack() as slack, provider({"status": 500}) as url:
        extra = configs.channels(SLACK)
        environ = {"SLACK": slack.webhook_url}
        text = config(url, chat("a"), chat("b"), extra=extra)
        async with DaemonProcess(tmp_path, text, environ) as daemon:
            await wait_until(lambda: len(slack.messages) >= 2, "both alerts")
            fired = daemon.events("alert.transition")
            daemon.config.write_text(text.replace("interval: 500ms", "interval: 600ms"))
            daemon.process.send_signal(signal.SIGHUP)
            await reloads(daemon, 1)
            count = len(daemon.events("probe.result"))
            await wait_until(lambda: len(daemon.events("probe.result")) > count + 4, "probes")
            assert daemon.events("alert.transition") == fired
            assert len(slack.messages) == 2
            daemon.config.write_text(config(url, chat("b"), extra=extra))
            daemon.process.send_signal(signal.SIGHUP)
            await wait_until(lambda: len(slack.messages) >= 3, "the end of one alert")
            (over,) = daemon.events("alert.transition")[len(fired) :]
            assert over["reason"] == "rule_removed"
            assert over["labels"]["target"] == "a"
            assert await daemon.stop() == 0


async def test_probes_in_flight_are_had_by_the_next_life(tmp_path: Path) -> None:
    """What hangs while the file changes ends as a result, of a target that stays or is gone."""
    answer: dict[str, Any] = {"status": 200, "released": asyncio.Event(), "waiting": 0}
    long = ", interval: 8s, deadline: 8s"
    sql = "SELECT target, count(*) FROM results GROUP BY 1"
    async with provider(answer) as url:
        rows = (chat("stays", long), chat("goes", long))
        async with DaemonProcess(tmp_path, config(url, *rows)) as daemon:
            await wait_until(lambda: answer["waiting"] == 2, "both to have asked")
            before = dict(daemon.query(sql))
            daemon.config.write_text(config(url, rows[0], chat("new", long)))
            daemon.process.send_signal(signal.SIGHUP)
            await reloads(daemon, 1)
            answer["released"].set()

            def had() -> bool:
                now = dict(daemon.query(sql))
                return all(now.get(each, 0) > before.get(each, 0) for each in ("stays", "goes"))

            await wait_until(had, "results of what was in flight")
            assert not daemon.events("target.crashed") + daemon.events("probe.broke")
            assert "monitor_error" not in daemon.verdicts("stays") | daemon.verdicts("goes")
            assert await daemon.stop() == 0


async def test_twenty_reloads_leave_nothing_behind(tmp_path: Path) -> None:
    """Memory and descriptors after many reloads are what they were after a few."""
    async with provider({"status": 200}) as url:
        async with DaemonProcess(tmp_path, config(url, chat("a"), chat("b"))) as daemon:
            process = Path(f"/proc/{daemon.process.pid}")

            def descriptors() -> int:
                return len(list((process / "fd").iterdir()))

            def resident_kb() -> int:
                lines = (process / "status").read_text().splitlines()
                return next(int(each.split()[1]) for each in lines if each.startswith("VmRSS"))

            async def some(first: int, number: int) -> tuple[int, int]:
                for index in range(first, first + number):
                    rows = (chat("a"), chat("b"), chat(f"c{index % 2}"))
                    daemon.config.write_text(config(url, *rows))
                    daemon.process.send_signal(signal.SIGHUP)
                    await reloads(daemon, index + 1)
                await asyncio.sleep(1.5)
                return descriptors(), resident_kb()

            open_before, before_kb = await some(0, 10)
            open_after, after_kb = await some(10, 20)
            assert open_after <= open_before + 3
            assert after_kb < before_kb + 8_000
            assert await daemon.stop() == 0


async def test_a_storm_of_reloads_costs_nothing(tmp_path: Path) -> None:
    """Targets and a hanging provider come and go as fast as signals do: no slot is lost or twice.

    The simulator's own log is the judge: what it was asked is what is in the ledger.
    """
    stays = [chat(f"stays{number}") for number in range(3)]
    async with simulated("answer") as good, simulated("hang") as hung:

        def text(number: int) -> str:
            urls = {"p": good.base_url} | ({"q": hung.base_url} if number % 2 else {})
            rows = [*stays, chat(f"comes{number % 3}")]
            rows += [chat("hangs").replace("provider: p", "provider: q")] if number % 2 else []
            return (
                configs.head()
                + configs.providers(urls)
                + configs.targets(rows)
                + configs.QUICK_RULES
            )

        async with DaemonProcess(tmp_path, text(0)) as daemon:
            await wait_until(lambda: probed(daemon, "stays0", 1), "probes")
            until = time.monotonic() + 6.0
            for number in itertools.count(1):
                whole = daemon.config.with_suffix(".new")
                whole.write_text(text(number), encoding="utf-8")
                whole.rename(daemon.config)
                for _ in range(3):
                    daemon.process.send_signal(signal.SIGHUP)
                    await asyncio.sleep(0.05)
                if time.monotonic() > until:
                    break
            whole.write_text(text(0), encoding="utf-8")
            whole.rename(daemon.config)
            await wait_until(
                lambda: 'target="hangs"' not in daemon.get("/metrics").text, "the last file"
            )
            count = len(daemon.events("probe.result"))
            await wait_until(lambda: len(daemon.events("probe.result")) > count + 12, "probes")
            shown = daemon.get("/metrics").text
            assert await daemon.stop() == 0
            asked = await good.log()
        assert len(daemon.events("config.reloaded")) > 3
        assert 'target="hangs"' not in shown
        assert 'provider="q"' not in shown
        assert not daemon.events("target.crashed") + daemon.events("config.reload_refused")
        runs = daemon.query("SELECT target, slot FROM results WHERE attempt = 1")
        assert len(runs) == len(set(runs))
        slots = {*runs, *daemon.query("SELECT target, slot FROM skips")}
        for name in ("stays0", "stays1", "stays2"):
            mine = sorted(slot for target, slot in slots if target == name)
            assert mine == list(range(mine[0], mine[-1] + 1))
        (kept,) = daemon.query("SELECT count(*) FROM results WHERE provider = 'p'")
        assert len(asked) == kept[0]


async def test_a_stop_during_a_reload_stops_in_time(tmp_path: Path) -> None:
    """SIGHUP and SIGTERM at once, with a provider that hangs: exit 0 within the promise."""
    async with simulated("hang") as hung:
        async with DaemonProcess(tmp_path, config(hung.base_url)) as daemon:
            await asyncio.sleep(1.0)
            daemon.config.write_text(config(hung.base_url, chat("b")))
            before = time.monotonic()
            daemon.process.send_signal(signal.SIGHUP)
            assert await daemon.stop() == 0
            assert time.monotonic() - before < PROMISED_S
            assert daemon.events("daemon.stopped")


async def test_without_a_file_there_is_nothing_to_reload(tmp_path: Path) -> None:
    """The environment alone: SIGHUP says so, and the daemon goes on."""
    async with provider({"status": 200}) as url:
        environ = {
            "OPENAI_API_KEY": "sk-test-0123456789abcdefghij",
            "OPENAI_BASE_URL": url,
            "SONDE_LISTEN": "127.0.0.1:0",
        }
        daemon = DaemonProcess(tmp_path, "", environ)
        daemon.config.unlink()
        daemon.command = (
            lambda *arguments: [  # no file is named
                *DaemonProcess.command(daemon, "run"),
                *arguments[2:],
            ]
        )
        async with daemon:
            daemon.process.send_signal(signal.SIGHUP)
            await wait_until(lambda: daemon.events("config.nothing_to_reload"), "a word")
            assert daemon.get("/livez").status_code == 200
            assert await daemon.stop() == 0
