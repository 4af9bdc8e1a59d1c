"""What this machine is found to be."""

from pathlib import Path

import pytest

from monitor.doctor.finding import Level
from monitor.doctor.machine import (
    clock,
    memory,
    memory_limit,
    processor,
    processor_quota,
    proxies,
)
from probes.result import Operation
from probes.secret import Secret, SecretSource
from probes.target import Provider, Target

KEY = SecretSource(value=Secret("k"))
DIRECT = Provider(name="direct", preset="openai", base_url="https://a/v1", api_key=KEY)
PROXIED = Provider(name="by", preset="openai", base_url="https://a/v1", api_key=KEY, proxy=KEY)
TARGET = Target(
    name="t",
    provider="direct",
    preset="openai",
    model="m",
    operation=Operation.CHAT,
    prompt="",
    interval_s=10.0,
)
MIB = 1024**2


def test_a_proxy_that_is_not_followed_is_told() -> None:
    """Only where a provider would go without one; its address, which may hold a password, never."""
    environ = {"https_proxy": "http://me:secret@proxy:1"}
    told = proxies(environ, [DIRECT, PROXIED])
    assert told.level is Level.WARN
    assert "HTTPS_PROXY" in told.text
    assert "direct" in told.text
    assert "secret" not in told.text + told.remedy
    assert proxies(environ, [PROXIED]).level is Level.OK
    assert proxies({}, [DIRECT]).level is Level.OK


@pytest.mark.parametrize(
    ("ahead", "level", "said"),
    [
        ([], Level.WARN, "not compared"),
        ([1.9], Level.OK, "as 1 server have it"),
        ([-0.5, 900.0, 0.5], Level.OK, "3 servers"),
        ([5.0, 5.0], Level.WARN, "5 s (give or take one) behind 2 servers"),
        ([-60.0, -60.0], Level.FAIL, "60 s (give or take one) ahead of 2 servers"),
        ([-60.0], Level.WARN, "ahead of 1 server: one of the two is wrong"),
    ],
)
def test_our_clock_is_compared_with_those_of_most(
    ahead: list[float], level: Level, said: str
) -> None:
    """One server that is wrong does not make ours so; a second proves nothing."""
    found = clock(ahead)
    assert found.level is level
    assert said in found.text


def test_limits_are_compared_with_what_the_probes_want() -> None:
    """No limit is well; too little says how much is wanted."""
    assert memory(None, [TARGET]).level is Level.OK
    assert memory(256 * MIB, [TARGET]).level is Level.OK
    assert memory(256 * MIB, [TARGET] * 1000).level is Level.WARN
    assert "raise the limit to 378 MiB" in memory(256 * MIB, [TARGET] * 1000).remedy
    assert processor(None, [TARGET]).level is Level.OK
    assert processor(0.5, [TARGET]).level is Level.OK
    assert processor(0.5, [TARGET] * 5000).level is Level.WARN


def group(root: Path, **files: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / name.replace("_", ".", 1)).write_text(text)
    return root


def test_the_tightest_group_above_us_counts(tmp_path: Path) -> None:
    """Control groups, version 2: `max` is no limit."""
    root = group(tmp_path / "cg")
    group(root / "a", memory_max="536870912\n", cpu_max="max 100000\n")
    group(root / "a" / "b", memory_max="max\n", cpu_max="50000 100000\n")
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    assert memory_limit(root, own) == 512 * MIB
    assert processor_quota(root, own) == 0.5
    assert memory_limit(tmp_path / "none", own) is None
    assert processor_quota(tmp_path / "none", own) is None


def test_the_first_version_of_control_groups_is_read(tmp_path: Path) -> None:
    """There no limit is a number beyond all memory, and no quota is -1."""
    for name in ("memory", "cpu"):
        (tmp_path / name).mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    own = tmp_path / "own"
    own.write_text("5:cpu:/x\n")
    assert memory_limit(tmp_path, own) is None
    assert processor_quota(tmp_path, own) is None
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("1048576\n")
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("200000\n")
    assert memory_limit(tmp_path, own) == MIB
    assert processor_quota(tmp_path, own) == 2.0
