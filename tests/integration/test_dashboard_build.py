"""The dashboard is built by the package build, with node from PyPI, and gets into the wheel."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

import hatch_build
from monitor.web.assets import load_assets

ROOT = Path(__file__).parents[2]
UI = ROOT / hatch_build.UI
PACKED = ("monitor", "alerting", "aggregator", "probes")
NAMED = ("pyproject.toml", "hatch_build.py", ".gitignore", "README.md", "LICENSE", "CHANGELOG.md")
BUILD_S = 90.0


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packed, as a checkout has it: nothing built yet, npm's packages there."""
    hatch_build._install(UI)
    root = tmp_path_factory.mktemp("tree")
    for name in PACKED:
        unwanted = shutil.ignore_patterns("__pycache__", "static", "api-types.ts")
        shutil.copytree(ROOT / name, root / name, ignore=unwanted)
    for name in NAMED:
        shutil.copy(ROOT / name, root / name)
    return root


def packed(tree: Path, kind: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(tree / "dist")]
    done = subprocess.run(
        command, cwd=tree, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (tree / "dist").glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def test_the_dashboards_own_unit_tests_pass() -> None:
    """What is pure in it is tested where it is written, by node's own runner."""
    hatch_build.test(ROOT)


def test_a_wheel_has_the_dashboard_and_not_its_sources(tree: Path) -> None:
    """Whoever installs it needs no node: the built files are in it, each with a compressed twin."""
    names = set(ZipFile(packed(tree, "wheel")).namelist())
    static = {name for name in names if name.startswith("monitor/web/static/")}
    plain = {name for name in static if not name.endswith(".gz")}
    assert "monitor/web/static/index.html" in plain
    assert static == plain | {f"{name}.gz" for name in plain}
    assert not [name for name in names if name.startswith("monitor/web/ui/")]


def test_a_source_distribution_can_build_it(tree: Path) -> None:
    """It has the sources and the lock file; what was fetched or built stays out."""
    with tarfile.open(packed(tree, "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"hatch_build.py", "monitor/web/ui/package-lock.json"} <= names
    assert {"monitor/web/ui/build.mjs", "monitor/web/ui/src/main.tsx"} <= names
    assert "monitor/api/openapi.json" in names
    assert not [name for name in names if "node_modules" in name or "web/static" in name]


def test_the_page_loads_only_files_that_are_there(tree: Path) -> None:
    """Every file it names was built, and nothing stands in it that its policy forbids."""
    hatch_build.build(tree)
    assets = load_assets(tree / "monitor" / "web" / "static")
    page = assets.page.plain.decode()
    named = re.findall(r'"/assets/([^"]+)"', page)
    assert len(named) >= 3
    assert set(named) <= set(assets.files)
    assert not re.search(r"<style|style=|<script(?![^>]* src=)| on\w+=", page)


def test_a_file_is_named_by_its_content(tree: Path) -> None:
    """Browsers keep files for good: another content must have another name, the same the same."""
    static = tree / "monitor" / "web" / "static"
    style = tree / hatch_build.UI / "src" / "style.css"
    before = style.read_text()
    hatch_build.build(tree)
    first = set(load_assets(static).files)
    style.write_text(before + "\nbody { margin: 1px; }\n")
    hatch_build.build(tree)
    second = set(load_assets(static).files)
    style.write_text(before)
    hatch_build.build(tree)
    assert set(load_assets(static).files) == first
    assert {name[:5] for name in first ^ second} == {"main-"}
    assert all(name.endswith(".css") for name in first ^ second)


def test_a_build_that_fails_says_where_and_keeps_the_last_good_one(tree: Path) -> None:
    """Nothing is installed without the dashboard, and nobody has to guess why."""
    hatch_build.build(tree)
    static = tree / "monitor" / "web" / "static"
    before = set(load_assets(static).files)
    main = tree / hatch_build.UI / "src" / "main.tsx"
    good = main.read_text()
    main.write_text(good + "\nimport './nowhere.ts';\n")
    try:
        with pytest.raises(hatch_build.DashboardError, match=r"cannot be built.*\n(.|\n)*nowhere"):
            hatch_build.build(tree)
    finally:
        main.write_text(good)
    assert set(load_assets(static).files) == before


def test_packages_are_pinned_by_hash_and_name_no_registry() -> None:
    """The lock file holds exact versions with their hashes, for whatever registry is configured."""
    wanted = json.loads((UI / "package.json").read_text())
    lock = json.loads((UI / "package-lock.json").read_text())
    direct = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in direct.values())
    locked = {name: about for name, about in lock["packages"].items() if name}
    assert all(about["integrity"].startswith("sha512-") for about in locked.values())
    assert not [name for name, about in locked.items() if "resolved" in about]
