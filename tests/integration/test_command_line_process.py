"""The command line as a process: what cannot be written, interrupts, start-up, a real bash."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.completion import script
from tests.e2e.simulated import simulated

ROOT = Path(__file__).parents[2]
SONDE = f"{sys.executable} -m monitor.cli"
NOBODY = "nobody to ask: say --provider …, --base-url … or --yes"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=ROOT, env=environ
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (f"{SONDE} check --schema >/dev/full", 1, "sonde: No space left on device\n"),
        (f"{SONDE} --help >/dev/full", 1, "sonde: No space left on device\n"),
        (f"{SONDE} silence add --help >/dev/full", 1, "sonde: No space left on device\n"),
        (f"{SONDE} --help >&-", 1, "sonde: standard output is closed\n"),
        (f"{SONDE} check --schema >&-", 1, "sonde: standard output is closed\n"),
        (f"{SONDE} check --schema | true; exit ${{PIPESTATUS[0]}}", 1, ""),
        (f"{SONDE} completion bash >/dev/full", 1, "sonde: No space left on device\n"),
        (f"{SONDE} check nowhere.yaml 2>&-", 2, ""),
        (f"{SONDE} init nowhere/x <&-", 2, f"{NOBODY}\n"),
        (
            f"{SONDE} init /proc/nowhere/x --yes --provider openai",
            1,
            "sonde: /proc/nowhere/.x.part",
        ),
    ],
)
def test_what_cannot_be_written_is_one_line(line: str, code: int, said: str) -> None:
    """Never a traceback; a reader that went away needs to be told nothing."""
    ended = shell(line)
    assert ended.returncode == code
    assert ended.stderr.startswith(said)
    assert ended.stderr.count("\n") == said.count("\n") or "/proc" in said
    assert "Traceback" not in ended.stderr


def test_without_its_dashboard_it_does_not_start(tmp_path: Path) -> None:
    """A checkout that was not built says so in one line, before there is a ledger."""
    (tmp_path / "sonde.yaml").write_text(
        "providers: {p: {preset: compatible, base_url: 'http://127.0.0.1:1/v1'}}\n"
        "targets: [{name: t, provider: p, model: m}]\n"
        "store: {path: there.db}\nhttp: {listen: '127.0.0.1:0'}\n",
        encoding="utf-8",
    )
    program = (
        "import sys; from monitor.web import assets; assets.INDEX = 'nothing.html'; "
        "from monitor.cli import main; sys.exit(main(['run', 'sonde.yaml']))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environ,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        1,
        "sonde: the dashboard is not built: install Sonde, or make venv",
    )
    assert "Traceback" not in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["sonde.yaml"]


def test_an_interrupt_is_no_traceback() -> None:
    """128 + SIGINT, whatever was being done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", "demo", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")


def test_help_imports_no_command() -> None:
    """What a help costs is argparse: the openai SDK alone takes a second."""
    program = (
        "import sys, monitor.cli\n"
        "try: monitor.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m in "
        "{'openai', 'pydantic', 'rich', 'yaml', 'shtab', 'importlib.metadata', 'asyncio'}"
        " or m.startswith(('probes', 'monitor.config'))), file=sys.stderr)"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ
    )
    assert ended.stderr == "[]\n"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sonde che", {"check"}),
        ("sonde silence ", {"add", "list", "expire"}),
        ("sonde check --con", {"--config", "--connect"}),
        ("sonde completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes(line: str, offered: set[str], tmp_path: Path) -> None:
    """By a real bash, from the script alone: Sonde is not run while somebody types."""
    (tmp_path / "sonde.bash").write_text(script("bash"))
    words = line.split(" ")
    typed = " ".join(f"'{word}'" for word in words)
    program = (
        f"source {tmp_path}/sonde.bash; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1};"
        " $(complete -p sonde | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ended = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert {each.strip() for each in ended.stdout.split() if not each.startswith("-h")} == offered


async def test_init_offers_a_probe_of_what_it_wrote(tmp_path: Path) -> None:
    """With --probe each target is asked once; the waterfall stands behind what was written."""
    async with simulated("answer") as provider:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor.cli", "init", "--probe"),
            *("--base-url", provider.base_url, "--model", "gpt-4o-mini"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert len(await provider.log()) == 1
    assert process.returncode == 0
    assert out.decode().startswith("sonde.yaml: watches compatible\n")
    assert "✓ ok  gpt-4o-mini" in out.decode()
