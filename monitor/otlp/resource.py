"""Who it is that tells: https://opentelemetry.io/docs/specs/semconv/resource/service/."""

import socket
from dataclasses import dataclass
from importlib.metadata import version

from monitor.config.values import Config
from monitor.otlp.subject import Value


@dataclass(frozen=True, slots=True)
class Teller:
    """This process, as what it sends names it."""

    version: str
    instance: str
    attributes: tuple[tuple[str, Value], ...]


def teller(config: Config) -> Teller:
    """Return who we are. The instance stays the same over restarts: its series go on."""
    ours = version("sonde")
    if config.cluster is not None:
        instance = config.cluster.replica
    else:
        instance = f"{socket.gethostname()}:{config.http.port}"
    return Teller(
        ours,
        instance,
        (
            ("service.name", "sonde"),
            ("service.version", ours),
            ("service.instance.id", instance),
            ("sonde.location", config.location),
        ),
    )
