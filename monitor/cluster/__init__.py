"""Several Sondes that share the work: one small protocol, alone or through Redis.

The part that speaks with Redis is imported only where a cluster is configured.
"""

from importlib import import_module

from aggregator.ledger import Ledger
from monitor.clock import Clock
from monitor.cluster.alone import Alone
from monitor.cluster.protocol import Cluster
from monitor.config.values import Config


def join(config: Config, ledger: Ledger, clock: Clock) -> Cluster:
    """Return the cluster that is configured, or that of one who is alone. Connects nowhere."""
    if config.cluster is None:
        return Alone(ledger)
    joined: Cluster = import_module("monitor.cluster.joined").Joined(config, ledger, clock)
    return joined
