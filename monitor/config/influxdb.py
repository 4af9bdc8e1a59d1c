"""The section of an InfluxDB -> Influxdb."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aggregator.stores.delivery import Destination
from monitor.config.connection import compile_papers
from monitor.config.credentials import credential
from monitor.config.findings import Findings
from monitor.config.models import InfluxdbSection
from monitor.config.providers import LOOPBACK
from monitor.config.values import Influxdb

_PATH: Final = ("store", "influxdb")
_API: Final = re.compile(r"/(api(/v[0-9]+(/.*)?)?|write|query)$")
"""What people copy with the address. Any other path is a proxy's."""


def compile_influxdb(
    section: InfluxdbSection | None, folder: Path, findings: Findings
) -> Influxdb | None:
    """Return the store beside the ledger; None without one.

    A `url` whose variable is empty means none: one file serves with and without InfluxDB.
    """
    if section is None:
        return None
    if section.url is None and findings.document.at((*_PATH, "url")) is not None:
        return None
    token = credential(
        _PATH, "token", section.token, section.token_file, folder=folder, findings=findings
    )
    for key, value in (("url", section.url), ("bucket", section.bucket)):
        if value is None:
            findings.bad((*_PATH, key), f"missing: {_description(key)}")
    if section.url is None or section.bucket is None:
        return None
    parts = urlsplit(section.url)
    if _API.search(parts.path):
        told = "names a path of InfluxDB's API: end it before /api, /write or /query"
        findings.bad((*_PATH, "url"), told)
    if parts.scheme == "http" and token is not None and parts.hostname not in LOOPBACK:
        findings.warn((*_PATH, "url"), "http sends the token in clear text; use https")
    return Influxdb(
        destination=Destination(section.url, section.org or "", section.bucket),
        token=None if token is None else token.source,
        papers=compile_papers(_PATH, section, section.url, folder, findings),
    )


def _description(key: str) -> str:
    return str(InfluxdbSection.model_fields[key].description)
