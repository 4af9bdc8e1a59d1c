"""Configurations for daemons under test: real ones, with short times."""

from collections.abc import Iterable, Mapping

HEAD = """
location: test
evaluate_every: 200ms
defaults:
  interval: {interval}
  deadline: {deadline}
  first_token_deadline: {deadline}
  idle_deadline: {deadline}
windows: [10s]
store: {{path: sonde.db}}
http: {{listen: "127.0.0.1:0"}}
"""
QUICK_RULES = """
rules:
  - {name: Down, over: 10s}
  - {name: ErrorRate, enabled: false}
  - {name: HighLatency, enabled: false}
  - {name: CriticalLatency, enabled: false}
  - {name: SlowMean, enabled: false}
  - {name: LowThroughput, enabled: false}
  - {name: Account, over: 10s}
  - {name: Request, over: 10s}
"""


ALERT_BY_ALERT = (
    "  group_by: [alertname, provider, target]",
    "  group_wait: 0s",
    "  group_interval: 0s",
)
"""Each alert is told by itself and at once."""


def head(interval: str = "500ms", deadline: str = "500ms") -> str:
    """Everything but providers, targets, rules and channels."""
    return HEAD.format(interval=interval, deadline=deadline)


def providers(urls: Mapping[str, str]) -> str:
    """Providers by name and base URL, all with the same key."""
    lines = (
        f'  {name}: {{preset: compatible, base_url: "{url}", api_key: "${{KEY}}",'
        " prices: {default: {input: 1, output: 2}}}"
        for name, url in urls.items()
    )
    return "\n".join(["providers:", *lines, ""])


def targets(rows: Iterable[str]) -> str:
    """Targets, each given as the inside of a flow mapping."""
    return "\n".join(["targets:", *(f"  - {{{row}}}" for row in rows), ""])


def channels(*rows: str) -> str:
    """Channels, each given as `name: {…}`."""
    return "\n".join(
        ["notify:", *ALERT_BY_ALERT, "  channels:", *(f"    {row}" for row in rows), ""]
    )
