"""This machine: what it lets us use, whether its clock is right, and what it says of proxies."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from monitor.config.durations import format_size
from monitor.doctor.finding import Finding, Level
from probes.target import Provider, Target

CGROUPS: Final = Path("/sys/fs/cgroup")
SELF: Final = Path("/proc/self/cgroup")

BASE_BYTES: Final = 128 * 1024**2
TARGET_BYTES: Final = 256 * 1024
"""`sonde run` takes 101 MiB with 200 targets (docs/performance.md); with as much again beside it, a
burst of failures is survived too."""
BASE_CORES: Final = 0.1
PROBE_CORES: Final = 0.002
"""Of a core for each probe a second: 500 of them take at most 0.7 (docs/performance.md)."""

RIGHT_S: Final = 2.0
"""A Date is right to within a second, and the way there takes some of another."""
WRONG_S: Final = 30.0
"""From here on charts, signatures of webhooks and TLS itself go wrong."""

_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def proxies(environ: Mapping[str, str], providers: Sequence[Provider]) -> Finding:
    """Say whether variables name a proxy that probes will not use."""
    found = [name for name in _PROXIES if environ.get(name) or environ.get(name.lower())]
    direct = [each.name for each in providers if each.proxy is None]
    if not found:
        return Finding("proxy", Level.OK, "no variable names one")
    if not direct:
        return Finding("proxy", Level.OK, "every provider has its own in the configuration")
    return Finding(
        "proxy",
        Level.WARN,
        f"{', '.join(found)} is set, and Sonde does not follow it: {', '.join(direct)} is asked"
        " directly",
        "where there is no other way out, say providers.NAME.proxy",
    )


def clock(ahead: Sequence[float]) -> Finding:
    """Compare our clock with those of servers, by how far each is ahead of us."""
    if not ahead:
        return Finding("clock", Level.WARN, "no server told its time: not compared")
    offset_s = median(ahead)
    servers = f"{len(ahead)} server{'s' if len(ahead) > 1 else ''}"
    if abs(offset_s) <= RIGHT_S:
        return Finding("clock", Level.OK, f"as {servers} have it, to within {RIGHT_S:g} s")
    way = "behind" if offset_s > 0 else "ahead of"
    said = f"{abs(offset_s):.0f} s (give or take one) {way} {servers}"
    remedy = "keep time: `timedatectl set-ntp true`, or whatever keeps it on this host"
    if len(ahead) == 1:
        return Finding("clock", Level.WARN, f"{said}: one of the two is wrong", remedy)
    level = Level.FAIL if abs(offset_s) > WRONG_S else Level.WARN
    return Finding("clock", level, said, remedy)


def memory(limit_bytes: int | None, targets: Sequence[Target]) -> Finding:
    """Compare the memory we may use with what so many targets take."""
    needed = BASE_BYTES + TARGET_BYTES * len(targets)
    if limit_bytes is None:
        return Finding("memory", Level.OK, "no limit")
    said = f"at most {format_size(limit_bytes)}; {len(targets)} targets want {format_size(needed)}"
    if limit_bytes >= needed:
        return Finding("memory", Level.OK, said)
    remedy = f"raise the limit to {format_size(needed)}: the kernel ends what goes beyond it"
    return Finding("memory", Level.WARN, said, remedy)


def processor(cores: float | None, targets: Sequence[Target]) -> Finding:
    """Compare the quota of CPU with what so many probes take."""
    needed = BASE_CORES + PROBE_CORES * sum(1.0 / target.interval_s for target in targets)
    if cores is None:
        return Finding("cpu", Level.OK, "no quota")
    said = f"{cores:.2f} cores; the probes want {needed:.2f}"
    if cores >= needed:
        return Finding("cpu", Level.OK, said)
    remedy = "raise the quota: while it is used up we stand still, and answers look late"
    return Finding("cpu", Level.WARN, said, remedy)


def memory_limit(root: Path = CGROUPS, own: Path = SELF) -> int | None:
    """Return the bytes this process may use by its control group; None: no limit."""
    said = [_first(path / "memory.max") for path in _groups(root, own)]
    said.append(_first(root / "memory" / "memory.limit_in_bytes"))  # version 1
    found = [int(text) for text in said if text.isdecimal()]
    # Version 1 says "no limit" as the largest number of pages there is.
    return min((each for each in found if each < 1 << 60), default=None)


def processor_quota(root: Path = CGROUPS, own: Path = SELF) -> float | None:
    """Return how many cores this process may use by its control group; None: no quota."""
    found = []
    for path in _groups(root, own):
        quota, _, period = _line(path / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            found.append(int(quota) / int(period))
    quota = _first(root / "cpu" / "cpu.cfs_quota_us")
    period = _first(root / "cpu" / "cpu.cfs_period_us")
    if quota.isdecimal() and period.isdecimal() and int(period):
        found.append(int(quota) / int(period))
    return min(found, default=None)


def _groups(root: Path, own: Path) -> Iterator[Path]:
    """Yield our control group and those above it: each may limit us.

    https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    ours = root / _line(own).rpartition("::")[2].strip("/")
    yield ours
    yield from (above for above in ours.parents if above.is_relative_to(root))


def _first(path: Path) -> str:
    return next(iter(_line(path).split()), "")


def _line(path: Path) -> str:
    """Return the last line of a small file of the kernel's; empty: it is not there."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return next(iter(text.splitlines()[-1:]), "")
