"""What is in the image, as a CycloneDX document: python3 sbom.py PACKAGE-LOCK REPORT... > FILE.

A REPORT is what pip wrote with --report while it installed: names, versions, licences, and the hash
of each file that was installed. PACKAGE-LOCK names what is bundled into the dashboard. Packages of
the distribution are read from its own list. The same input gives the same document, to the byte.

https://cyclonedx.org/docs/1.6/json/, https://github.com/package-url/purl-spec,
https://pip.pypa.io/en/stable/reference/installation-report/
"""

import base64
import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

# Documents of others, and one for others: their shapes are theirs.
Document: TypeAlias = dict[str, Any]

DPKG_STATUS: Final = Path("/var/lib/dpkg/status")
OS_RELEASE: Final = Path("/etc/os-release")
ITSELF: Final = "sonde"
LONGEST_NAME: Final = 64
"""Of a licence, in characters: some packages have its whole text where its name belongs."""


def main(arguments: Sequence[str]) -> int:
    """Write the document for what is installed on this machine."""
    npm, *reports = (json.loads(Path(name).read_text()) for name in arguments)
    found = [one for report in reports for one in from_pip(report)]
    found += from_npm(npm)
    found += from_dpkg(DPKG_STATUS.read_text(), release_of(OS_RELEASE.read_text()))
    sys.stdout.write(json.dumps(document(found), indent=1, ensure_ascii=False) + "\n")
    return 0


def document(components: Sequence[Document]) -> Document:
    """Return the document; the component of Sonde itself becomes what it is about."""
    ours = next(one for one in components if one["purl"].startswith(f"pkg:pypi/{ITSELF}@"))
    others = sorted((one for one in components if one is not ours), key=_ref)
    content = json.dumps([ours, others], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, content).urn,
        "version": 1,
        "metadata": {"component": {**ours, "type": "application"}},
        "components": others,
        "dependencies": [{"ref": _ref(ours), "dependsOn": [_ref(one) for one in others]}],
    }


def from_pip(report: Document) -> Iterator[Document]:
    """Yield a component for everything a report says was installed.

    What was built here, which is Sonde itself, has no hash: nobody else has that file.
    """
    for one in report["install"]:
        known, hashes = one["metadata"], one["download_info"]["archive_info"].get("hashes", {})
        name, version = re.sub(r"[-_.]+", "-", known["name"]).lower(), known["version"]
        yield _component(
            f"pkg:pypi/{name}@{quote(version, safe='')}",
            name,
            version,
            hashes=[{"alg": "SHA-256", "content": one} for one in (hashes.get("sha256"),) if one],
            licence=_licence(known),
        )


def from_npm(lock: Document) -> Iterator[Document]:
    """Yield a component for everything that is bundled: what is not for development alone."""
    for path, one in lock["packages"].items():
        if path and not one.get("dev"):
            name = path.rpartition("node_modules/")[2]
            algorithm, _, digest = one["integrity"].partition("-")
            yield _component(
                f"pkg:npm/{quote(name)}@{one['version']}",
                name,
                one["version"],
                hashes=[
                    {
                        "alg": algorithm.upper().replace("SHA", "SHA-"),
                        "content": base64.b64decode(digest).hex(),
                    }
                ],
                licence={"license": {"id": one["license"]}},
            )


def from_dpkg(status: str, release: str) -> Iterator[Document]:
    """Yield a component for every installed package in dpkg's list."""
    for paragraph in status.strip().split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, flags=re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            where = f"arch={fields['Architecture']}&distro={release}"
            yield _component(
                f"pkg:deb/debian/{quote(name)}@{quote(version, safe='~')}?{where}", name, version
            )


def release_of(os_release: str) -> str:
    """Return which distribution this is, as package addresses call it: debian-12."""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, flags=re.MULTILINE))
    return f"{fields['ID']}-{fields['VERSION_ID']}"


def _component(
    purl: str,
    name: str,
    version: str,
    *,
    hashes: Sequence[Document] = (),
    licence: Document | None = None,
) -> Document:
    made: Document = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    if hashes:
        made["hashes"] = list(hashes)
    if licence is not None:
        made["licenses"] = [licence]
    return made


def _licence(known: Mapping[str, Any]) -> Document | None:
    """Return what a package says of its licence, in the best of three places; None if nowhere."""
    if expression := known.get("license_expression"):
        return {"expression": expression}
    said = str(known.get("license", "")).strip()
    classified = [
        one.rpartition(" :: ")[2]
        for one in known.get("classifier", ())
        if one.startswith("License :: ")
    ]
    name = said if 0 < len(said) <= LONGEST_NAME else next(iter(classified), None)
    return None if name is None else {"license": {"name": name}}


def _ref(component: Document) -> str:
    return str(component["bom-ref"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
