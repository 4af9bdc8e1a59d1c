"""What a running daemon cannot change: that keeps its old value, and is named. Pure.

The socket people reach us by and who may come in are decided before anything is served; the ledger
is the memory that a change must survive; what was measured is filed under the location; and what
goes to InfluxDB, or is still to go, is counted there from the first to the last point. Whom we
share the work with is joined at the start.
"""

from dataclasses import replace

from monitor.config.values import Config


def keeping_fixed(running: Config, wanted: Config) -> tuple[Config, tuple[str, ...]]:
    """Return what of `wanted` can be run now, and the keys that need a restart."""
    pairs = {
        "location": (running.location, wanted.location),
        "public_url": (running.public_url, wanted.public_url),
        "http.listen": (
            (running.http.host, running.http.port),
            (wanted.http.host, wanted.http.port),
        ),
        "http.token_file": (running.http.token, wanted.http.token),
        "cluster": (running.cluster, wanted.cluster),
        "store.path": (running.store.path, wanted.store.path),
        "store.influxdb": (running.store.influxdb, wanted.store.influxdb),
    }
    store = replace(wanted.store, path=running.store.path, influxdb=running.store.influxdb)
    if running.store.influxdb is None or wanted.store.influxdb is None:
        store = replace(store, history=running.store.history)  # it is where the past is
    config = replace(
        wanted,
        location=running.location,
        public_url=running.public_url,
        http=running.http,
        cluster=running.cluster,
        store=store,
    )
    return config, tuple(key for key, (old, new) in pairs.items() if old != new)
