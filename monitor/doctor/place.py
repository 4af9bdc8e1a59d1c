"""The hosts a configuration leads to: what is resolved, connected to and shaken hands with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from monitor.config.values import (
    Alertmanager,
    Channel,
    Config,
    Email,
    Pagerduty,
    SlackBot,
    SlackWebhook,
    Webhook,
)
from probes.secret import SecretError, SecretSource
from probes.target import Provider
from probes.wire.trust import Papers, papers_of

NO_PAPERS: Final = Papers()
_PORTS: Final = {"https": 443, "http": 80, "smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class Place:
    """One host and port, and how it is spoken to."""

    whose: str
    """For whom it is asked: `provider openai`, `channel team`."""
    host: str
    port: int
    tls: bool
    papers: Papers = NO_PAPERS
    remedy: str = ""
    """Where the configuration says how to get there."""


def places(config: Config) -> Iterator[Place]:
    """Yield the places of providers and of channels. Hosts only: paths may be secrets."""
    for provider in config.providers:
        yield from _of_provider(provider)
    for channel in config.channels:
        for url in _urls(channel):
            remedy = f"then `sonde notify test {channel.name}`; notify.channels.{channel.name}"
            yield from _of_url(f"channel {channel.name}", url, remedy)


def _of_provider(provider: Provider) -> Iterator[Place]:
    where = f"providers.{provider.name}"
    if provider.proxy is not None:
        # What is behind it, it alone can see: a name need not even resolve here.
        proxy = _read(provider.proxy)
        yield from _of_url(f"proxy of {provider.name}", proxy, f"{where}.proxy")
    else:
        remedy = f"{where}: base_url, proxy, ca_file"
        yield from _of_url(
            f"provider {provider.name}", provider.base_url, remedy, papers_of(provider)
        )


def _urls(channel: Channel) -> Iterator[str]:
    match channel:
        case SlackWebhook() | Webhook():
            yield _read(channel.url)
        case SlackBot():
            yield channel.api_url
        case Pagerduty():
            yield channel.url
        case Email():
            yield channel.smtp
        case Alertmanager():
            yield from channel.urls
        case _:
            return  # Apprise: its URL names a service, and only Apprise knows that one's hosts


def _read(source: SecretSource) -> str:
    try:
        return source.read().reveal()
    except SecretError:  # told among the configuration's problems
        return ""


def _of_url(whose: str, url: str, remedy: str, papers: Papers = NO_PAPERS) -> Iterator[Place]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return
    if host and parts.scheme in _PORTS:
        tls = parts.scheme in {"https", "smtps"}
        yield Place(whose, host, port or _PORTS[parts.scheme], tls, papers, remedy)
