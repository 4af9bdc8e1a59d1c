"""`sonde probe --all --once` as cron and CI run it."""

import asyncio
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import parse

from tests.e2e import configs
from tests.e2e.simulated import simulated

GOOD = (
    "name: a, provider: good, model: gpt-4o-mini, stream: true",
    "name: b, provider: good, model: gpt-4o-mini",
    "name: c, provider: good, model: text-embedding-3-small, operation: embeddings",
)


def config(urls: dict[str, str], *rows: str, budget: str = "") -> str:
    return configs.head("1h", "10s") + configs.providers(urls) + configs.targets(rows) + budget


async def sonde(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own."""
    (folder / "sonde.yaml").write_text(text)
    command = (sys.executable, "-m", "monitor.cli", "probe", *arguments)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KEY": "sk-test-0123456789"}
    return await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env=environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_every_target_once_and_nothing_else(tmp_path: Path) -> None:
    """One request each, exit code 0, a document, and no file but the one that was asked for."""
    async with simulated("answer") as api:
        text = config({"good": api.base_url}, *GOOD)
        done = await sonde(tmp_path, text, "--all", "--once", "--json", "--junit", "out.xml")
        asked = await api.log()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [each["target"] for each in told["results"]] == ["a", "b", "c"]
    assert (told["ok"], told["failed"], done.stderr) == (True, 0, "")
    assert len(asked) == 3
    assert parse(tmp_path / "out.xml").getroot()[0].get("tests") == "3"
    assert {each.name for each in tmp_path.iterdir()} == {"sonde.yaml", "out.xml"}


async def test_one_failure_is_exit_code_1(tmp_path: Path) -> None:
    """The others are probed all the same, and the failure says whose fault it is."""
    async with simulated("answer") as good, simulated("server_error") as bad:
        urls = {"good": good.base_url, "bad": bad.base_url}
        row = "name: d, provider: bad, model: gpt-4o-mini"
        done = await sonde(tmp_path, config(urls, *GOOD, row), "--all", "--once")
    assert done.returncode == 1
    assert done.stdout.splitlines()[3].startswith("✗ server_error  d")
    assert "fault provider" in done.stdout
    assert "3 of 4 ok, 1 failed" in done.stdout


async def test_a_target_without_money_is_skipped(tmp_path: Path) -> None:
    """One run costs at most what a day's budget has; whoever finds none is no success."""
    async with simulated("answer") as api:
        cheap = config({"good": api.base_url}, *GOOD, budget="budget: {daily: 0.01 USD}\n")
        text = cheap.replace("{input: 1, output: 2}", "{input: 100, output: 400}")
        done = await sonde(tmp_path, text, "--all", "--once", "--json")
        asked = await api.log()
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert 0 < told["skipped"] < 3
    assert {each["reason"] for each in told["skips"]} == {"budget"}
    assert len(asked) == 3 - told["skipped"]


async def test_a_provider_is_asked_no_more_at_once_than_it_allows(tmp_path: Path) -> None:
    """With a max_concurrency of 1 each request begins when the one before has ended."""
    async with simulated("answer") as api:
        text = config({"good": api.base_url}, *GOOD)
        done = await sonde(
            tmp_path, text.replace("preset:", "max_concurrency: 1, preset:"), "--all", "--once"
        )
        asked = sorted(await api.log(), key=lambda each: each["received_at"])
    assert done.returncode == 0, done.stdout
    assert all(one["answered_at"] <= other["received_at"] for one, other in pairwise(asked))
