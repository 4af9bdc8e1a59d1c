"""Several Sondes that share the work: one small protocol, alone or through Redis.

The part that speaks with Redis is imported only where a cluster is configured.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module

from aggregator.ledger import Ledger
from monitor.clock import Clock
from monitor.cluster.alone import Alone
from monitor.cluster.protocol import Cluster, Reached
from monitor.config import values
from monitor.config.values import Config


def join(config: Config, ledger: Ledger, clock: Clock) -> Cluster:
    """Return the cluster that is configured, or that of one who is alone. Connects nowhere."""
    if config.cluster is None:
        return Alone(ledger)
    joined: Cluster = import_module("monitor.cluster.joined").Joined(config, ledger, clock)
    return joined


async def reach(cluster: values.Cluster, clock: Clock) -> Reached:
    """Try everything that replicas ask of a Redis. Raises ReachError."""
    tried: Callable[[values.Cluster, Clock], Awaitable[Reached]] = import_module(
        "monitor.cluster.reach"
    ).reach
    return await tried(cluster, clock)
