"""Who it is that tells."""

from dataclasses import replace

from opentelemetry.semconv._incubating.attributes import service_attributes

from monitor.config.values import Cluster, Http
from monitor.otlp.resource import teller
from probes.secret import Secret, SecretSource
from tests.unit.monitor.otlp.telling_values import CONFIG


def test_we_are_named_as_the_conventions_want() -> None:
    """Service, version, instance; and where we are, under a name of our own."""
    told = dict(teller(CONFIG).attributes)
    known = {v for n, v in vars(service_attributes).items() if n.isupper()}
    assert {name for name in told if not name.startswith("sonde.")} <= known
    assert (told["service.name"], told["sonde.location"]) == ("sonde", "fra1")


def test_instances_are_told_apart() -> None:
    """By host and port, and among replicas by the replica's name."""
    one = teller(CONFIG)
    assert one.instance == teller(CONFIG).instance
    assert one.instance != teller(replace(CONFIG, http=Http(port=8001))).instance
    cluster = Cluster(redis=SecretSource(value=Secret("redis://x")), replica="sonde-2")
    assert teller(replace(CONFIG, cluster=cluster)).instance == "sonde-2"
