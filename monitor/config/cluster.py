"""The section about replicas -> Cluster."""

import re
import socket
from pathlib import Path
from typing import Final

from monitor.config.cluster_section import ClusterSection
from monitor.config.connection import compile_papers, written
from monitor.config.credentials import credential
from monitor.config.document import KeyPath
from monitor.config.findings import Findings
from monitor.config.providers import LOOPBACK
from monitor.config.redis_url import RedisAddress, parse_redis_url
from monitor.config.values import Cluster
from probes.secret import SecretError, SecretSource

_PATH: Final = ("cluster",)
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What a host's name may hold and a replica's may not."""


def compile_cluster(
    section: ClusterSection | None, location: str | None, folder: Path, findings: Findings
) -> Cluster | None:
    """Return the group this one belongs to; None: it is alone.

    A `redis` or `redis_file` whose variable is empty means alone: one file serves with and without
    others. `location` is what was said of it; without it the replicas would not know that they are
    at the same one.
    """
    if section is None:
        return None
    if section.redis is None and section.redis_file is None:
        if all(findings.document.at((*_PATH, key)) is None for key in ("redis", "redis_file")):
            what = ClusterSection.model_fields["redis"].description
            findings.bad((*_PATH, "redis"), f"missing: {what}")
        return None
    source = _redis(section, folder, findings)
    if source is None:
        return None
    _check_locations(section, location, findings)
    usual = Cluster(redis=source, replica="")
    return Cluster(
        redis=source,
        name=section.name or usual.name,
        replica=section.replica or _host(),
        locations=tuple(section.locations),
        papers=compile_papers(_PATH, section, "rediss:", folder, findings),
    )


def _host() -> str:
    """Return the host's name; of a pod of a StatefulSet that is its own for ever."""
    return _UNUSUAL.sub("-", socket.gethostname()) or "localhost"


def _redis(section: ClusterSection, folder: Path, findings: Findings) -> SecretSource | None:
    """Return where the URL comes from; one without a password may be written out."""
    place: KeyPath = (*_PATH, "redis")
    source = written(place, section.redis, findings) if section.redis_file is None else None
    if source is None:
        found = credential(
            _PATH, "redis", section.redis, section.redis_file, folder=folder, findings=findings
        )
        if found is None or found.text is None:
            return None if found is None else found.source
        source, place = found.source, found.path
    try:
        address = parse_redis_url(source.read().reveal())
    except (SecretError, ValueError) as error:
        findings.bad(place, str(error))
        return None
    _check_address(place, address, source, findings)
    return source


def _check_address(
    place: KeyPath, address: RedisAddress, source: SecretSource, findings: Findings
) -> None:
    passwords = (address.login.password, address.sentinel_login.password)
    if any(passwords) and not source.is_hidden:
        findings.bad(
            place,
            "a password is not written into the file: put the whole URL into one of its own"
            " (redis_file), or into a variable as ${NAME}",
        )
    near = all(host in LOOPBACK for host, _ in address.hosts)
    if any(passwords) and not address.tls and not near:
        findings.warn(place, "sends the password in clear text: use rediss:// where others listen")


def _check_locations(section: ClusterSection, location: str | None, findings: Findings) -> None:
    place = (*_PATH, "locations")
    if len(set(section.locations)) < len(section.locations):
        findings.bad(place, "the same location twice")
    if location is None:
        if len(section.locations) > 1:
            findings.bad(("location",), "missing: which of cluster.locations this one is at")
    elif section.locations and location not in section.locations:
        findings.bad(("location",), "is none of cluster.locations")
