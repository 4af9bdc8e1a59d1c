"""What the image installs exists for every architecture we promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEBIAN_GLIBC = 36
"""Debian 12 has glibc 2.36: https://packages.debian.org/bookworm/libc6"""


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_every_pinned_package_has_a_wheel(machine: str, lock: str, tmp_path: Path) -> None:
    """For each package there is a ready-made wheel with a hash of the lock file: none is built."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(DEBIAN_GLIBC, 16, -1)]
    platforms = [f"--platform={tag}" for tag in (*tags, f"manylinux2014_{machine}")]
    report = tmp_path / "report.json"
    done = subprocess.run(
        (
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--dry-run", "--ignore-installed", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", "--implementation=cp", "--python-version=3.11.2", *platforms),
            *("--abi=cp311", "--abi=abi3", "--abi=none"),
            *("--target", tmp_path / "nowhere", "--report", report, "-r", ROOT / lock),
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text())["install"]
    files = [one["download_info"]["url"].rpartition("/")[2] for one in found]
    assert all(name.endswith((f"_{machine}.whl", "-any.whl")) for name in files)
    assert any(name.endswith(f"_{machine}.whl") for name in files)
