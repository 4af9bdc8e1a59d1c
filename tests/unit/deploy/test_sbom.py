"""The bill of materials, from what installers say."""

import base64
import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.image.sbom import document, from_dpkg, from_npm, from_pip, release_of

DIGEST = "ab" * 32
BUNDLED = {
    "version": "1.0.0",
    "license": "MIT",
    "integrity": "sha512-" + base64.b64encode(b"\x01\xff" * 32).decode(),
}
NPM = {
    "packages": {
        "": {"license": "Apache-2.0"},
        "node_modules/@a/b": BUNDLED,
        "node_modules/esbuild": {**BUNDLED, "dev": True},
    }
}


def reported(name: str, digest: str | None = DIGEST, **more: Any) -> dict[str, Any]:
    """Return what pip reports of one package."""
    hashes = {"hash": f"sha256={digest}", "hashes": {"sha256": digest}} if digest else {}
    return {
        "metadata": {"name": name, "version": "1.2+local", **more},
        "download_info": {"url": "https://packages.invalid/x.whl", "archive_info": hashes},
    }


def component(name: str, **more: Any) -> dict[str, Any]:
    """Return the component made of one package."""
    (made,) = from_pip({"install": [reported(name, **more)]})
    return made


def test_a_package_of_python_has_its_address_and_hash() -> None:
    """The name is normalised as package addresses want it, and the version is escaped."""
    made = component("Flask_Thing.X")
    assert made["name"] == "flask-thing-x"
    assert made["purl"] == made["bom-ref"] == "pkg:pypi/flask-thing-x@1.2%2Blocal"
    assert made["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]
    assert "packages.invalid" not in json.dumps(made)


def test_what_was_built_here_has_no_hash() -> None:
    """A file that nobody else has is not named by its hash."""
    assert "hashes" not in component("sonde", digest=None)


@pytest.mark.parametrize(
    ("said", "licences"),
    [
        ({"license_expression": "MIT", "license": "x"}, [{"expression": "MIT"}]),
        ({"license": "BSD"}, [{"license": {"name": "BSD"}}]),
        (
            {"license": "text " * 99, "classifier": ["A :: B", "License :: OSI :: Apache"]},
            [{"license": {"name": "Apache"}}],
        ),
        ({"license": "text " * 99}, None),
        ({}, None),
    ],
)
def test_a_licence_is_named_as_well_as_the_package_does(
    said: dict[str, Any], licences: list[dict[str, Any]] | None
) -> None:
    """An expression before a name before a classifier; a licence's whole text is no name."""
    assert component("x", **said).get("licenses") == licences


def test_only_what_is_bundled_is_named_of_the_dashboard() -> None:
    """Neither the project itself nor what it is developed with is in the image."""
    (made,) = from_npm(NPM)
    assert made["purl"] == "pkg:npm/%40a/b@1.0.0"
    assert made["hashes"] == [{"alg": "SHA-512", "content": "01ff" * 32}]
    assert made["licenses"] == [{"license": {"id": "MIT"}}]


STATUS = """\
Package: libc6
Status: install ok installed
Version: 2.36-9+deb12u10
Architecture: riscv64
Description: C library
 Version: of nothing

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: all

Package: tini
Status: install ok installed
Version: 1:0.19.0-1
Architecture: riscv64
"""


def test_debian_s_packages_are_those_installed() -> None:
    """What was removed is not listed, and continued lines are no fields."""
    made = list(from_dpkg(STATUS, "debian-12"))
    assert [one["purl"] for one in made] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=riscv64&distro=debian-12",
        "pkg:deb/debian/tini@1%3A0.19.0-1?arch=riscv64&distro=debian-12",
    ]


def test_the_distribution_is_named_with_its_version() -> None:
    """Quoted or not, as os-release allows both."""
    assert release_of('PRETTY_NAME="D 12"\nVERSION_ID="12"\nID=debian\n') == "debian-12"


@pytest.mark.parametrize("names", [["a", "b", "sonde", "c"], ["sonde", "c", "b", "a"]])
def test_the_document_does_not_depend_on_the_order(names: list[str]) -> None:
    """Whatever order things were installed in, the document is the same, and about Sonde."""
    made = document([component(name) for name in names])
    assert made == document([component(name) for name in sorted(names)])
    assert made["metadata"]["component"]["name"] == "sonde"
    assert made["metadata"]["component"]["type"] == "application"
    assert [one["name"] for one in made["components"]] == ["a", "b", "c"]
    (edges,) = made["dependencies"]
    assert edges["dependsOn"] == [one["bom-ref"] for one in made["components"]]


def test_the_document_is_what_its_format_promises() -> None:
    """CycloneDX's own schema, strictly read, has no objection to any kind of component."""
    kinds = [
        component("sonde", digest=None, license_expression="MIT"),
        *from_dpkg(STATUS, "debian-12"),
    ]
    made = document([*kinds, component("a", license="BSD"), *from_npm(NPM)])
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made))
    assert problem is None, problem


def test_another_content_has_another_serial_number() -> None:
    """Two documents are told apart by what is in them, not by when they were made."""
    ours = component("sonde")
    assert document([ours])["serialNumber"] == document([ours])["serialNumber"]
    assert document([ours])["serialNumber"] != document([ours, component("a")])["serialNumber"]
