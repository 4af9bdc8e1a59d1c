"""The section about OpenTelemetry -> Otlp."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from monitor.config.connection import compile_headers, compile_papers, complaint_of
from monitor.config.credentials import anchored
from monitor.config.findings import Findings
from monitor.config.otlp_section import OtlpSection
from monitor.config.providers import LOOPBACK
from monitor.config.values import Otlp
from probes.secret import SecretError, SecretSource

_PATH: Final = ("otlp",)
_SIGNAL: Final = re.compile(r"/v1/(traces|metrics|logs)/?$")
"""What people copy with the address."""
_GRPC_PORT: Final = 4317
"""https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-default-port"""

Headers = tuple[tuple[str, SecretSource], ...]


def compile_otlp(section: OtlpSection | None, folder: Path, findings: Findings) -> Otlp | None:
    """Return the endpoint; None without one.

    An `endpoint` whose variable is empty means none: one file serves with and without it.
    """
    if section is None:
        return None
    if section.endpoint is None:
        if findings.document.at((*_PATH, "endpoint")) is None:
            what = OtlpSection.model_fields["endpoint"].description
            findings.bad((*_PATH, "endpoint"), f"missing: {what}")
        return None
    headers = compile_headers(_PATH, section.headers, findings, keyed=False)
    headers += _from_files(section.header_files, headers, folder, findings)
    _check_endpoint(section.endpoint, headers, findings)
    if section.traces is False and section.metrics is False:
        findings.bad((*_PATH, "metrics"), "neither traces nor metrics: leave otlp out")
    usual = Otlp(endpoint="")
    return Otlp(
        endpoint=section.endpoint.rstrip("/"),
        headers=headers,
        traces=section.traces is not False,
        metrics=section.metrics is not False,
        every_s=section.every or usual.every_s,
        temporality=section.temporality or usual.temporality,
        papers=compile_papers(_PATH, section, section.endpoint, folder, findings),
    )


def _from_files(
    files: Mapping[str, str], beside: Headers, folder: Path, findings: Findings
) -> Headers:
    """Return the headers whose values are in files, which are read again at each request."""
    found = {name.lower(): (name, source) for name, source in beside}
    known = len(found)
    for name, text in files.items():
        place = (*_PATH, "header_files", name)
        complaint = complaint_of(name, found, keyed=False)
        if complaint is not None:
            findings.bad(place, complaint, key=True)
            continue
        source = SecretSource(path=anchored(text, folder))
        try:
            source.read()
        except SecretError as error:
            findings.credential(place, str(error))
        found[name.lower()] = (name, source)
    return tuple(found.values())[known:]


def _check_endpoint(endpoint: str, headers: Headers, findings: Findings) -> None:
    parts, place = urlsplit(endpoint), (*_PATH, "endpoint")
    if _SIGNAL.search(parts.path):
        findings.bad(place, "names the path of one signal: end it before /v1/")
    if parts.port == _GRPC_PORT:
        findings.warn(place, "4317 is usually gRPC's port, which is not spoken here: try 4318")
    if parts.scheme == "http" and headers and parts.hostname not in LOOPBACK:
        findings.warn(place, "http sends the headers in clear text; use https")
