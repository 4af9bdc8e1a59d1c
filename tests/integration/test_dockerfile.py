"""The image's recipe: linted, and carrying what the daemon depends on."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


def test_hadolint_finds_nothing() -> None:
    """hadolint, shellcheck included, has no finding of any severity."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", "--failure-threshold", "style", DOCKERFILE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_gets_every_package_and_nothing_else() -> None:
    """Each package of the wheel is copied and let through .dockerignore, which hides the rest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    recipe = DOCKERFILE.read_text().splitlines()
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    for package in packages:
        assert f"COPY {package} {package}" in recipe
        assert f"!{package}" in ignore


def test_every_installation_is_pinned_by_hash() -> None:
    """No `pip install` in the recipe fetches anything that a lock file does not name by hash."""
    joined = DOCKERFILE.read_text().replace("\\\n", " ")
    installs = [line for part in joined.splitlines() for line in part.split("&&")]
    fetching = [line for line in installs if "pip" in line and " install " in line]
    assert len(fetching) == 3
    for line in fetching:
        assert "--require-hashes" in line or "--no-index" in line, line
