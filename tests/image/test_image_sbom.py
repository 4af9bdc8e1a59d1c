"""The bill of materials in the image says what is in it: all of it, and nothing else."""

import json
import re
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.image.containers import ROOT, Containers

DEBIAN_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.2"}


@pytest.fixture(scope="module")
def bill(files: Path) -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = json.loads((files / "opt/sonde/sbom.cdx.json").read_text())
    return document


def of_kind(bill: dict[str, Any], kind: str) -> dict[str, str]:
    """Return versions by name of the components of one kind."""
    found = [one for one in bill["components"] if one["purl"].startswith(f"pkg:{kind}/")]
    named = {one["name"]: one["version"] for one in found}
    assert len(named) == len(found)
    return named


def locked() -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes by name of what the lock file says for the image's Python."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for line in text.splitlines():
        if line[:1].isalnum():
            wanted = Requirement(line.partition(" --hash")[0])
            if wanted.marker is None or wanted.marker.evaluate(DEBIAN_PYTHON):
                (pin,) = wanted.specifier
                hashes = frozenset(re.findall(r"--hash=sha256:(\w+)", line))
                found[canonicalize_name(wanted.name)] = (pin.version, hashes)
    return found


def test_python_packages_are_those_of_the_lock_file(bill: dict[str, Any]) -> None:
    """The same names and versions, no more and no less."""
    assert of_kind(bill, "pypi") == {name: version for name, (version, _) in locked().items()}


def test_each_file_that_was_installed_is_one_of_the_lock_file(bill: dict[str, Any]) -> None:
    """The hash of each package's file is among those the lock file allows for it."""
    allowed = locked()
    packages = [one for one in bill["components"] if one["purl"].startswith("pkg:pypi/")]
    for one in packages:
        (digest,) = one["hashes"]
        assert digest["alg"] == "SHA-256"
        assert digest["content"] in allowed[one["name"]][1], one["name"]


def test_python_packages_are_those_installed(bill: dict[str, Any], files: Path) -> None:
    """What the image has beside Sonde itself is what the document lists."""
    packages = files / "opt/sonde/lib/python3.11/site-packages"
    found = {
        canonicalize_name(one.metadata["Name"]): one.version
        for one in distributions(path=[str(packages)])
    }
    ours = bill["metadata"]["component"]
    assert found.pop(ours["name"]) == ours["version"]
    assert of_kind(bill, "pypi") == found


def test_debian_packages_are_those_installed(
    bill: dict[str, Any], containers: Containers, image: str
) -> None:
    """The list of dpkg and the document's are the same."""
    form = "--showformat=${db:Status-Status} ${Package} ${Version}\n"
    printed = containers.run(image, "--show", form, options=["--entrypoint", "dpkg-query"])
    rows = [line.split() for line in printed.splitlines()]
    assert of_kind(bill, "deb") == {
        name: version for status, name, version in rows if status == "installed"
    }


def test_the_dashboard_s_parts_are_named(bill: dict[str, Any]) -> None:
    """What is bundled into the dashboard is what its package file depends on."""
    package = json.loads((ROOT / "monitor/web/ui/package.json").read_text())
    assert of_kind(bill, "npm") == package["dependencies"]


def test_it_names_nothing_of_the_machine_that_built_it(files: Path) -> None:
    """No address and no path of the machine or of its package registries is in the document."""
    text = (files / "opt/sonde/sbom.cdx.json").read_text()
    assert set(re.findall(r"\w+://[^/\"]+", text)) == {"http://cyclonedx.org"}
    assert "file:" not in text
