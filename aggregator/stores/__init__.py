"""Stores beside the ledger, and what they are asked: one InfluxDB today.

The registry of their writers is here: a library is imported when its store is configured, and not
before (influxdb-client takes 0.85 s).
"""

from aggregator.stores.delivery import Destination, Writer
from probes.secret import SecretSource
from probes.wire.trust import Papers


def open_influxdb(
    destination: Destination, token: SecretSource | None, papers: Papers | None = None
) -> Writer:
    """Return a writer to an InfluxDB."""
    from aggregator.stores.influxdb_writer import InfluxdbWriter  # noqa: PLC0415 - lazy registry

    return InfluxdbWriter(destination, token, papers)
