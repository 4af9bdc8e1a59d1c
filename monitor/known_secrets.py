"""Every secret of the configuration, to be masked wherever it might show."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from monitor.config.values import Config
from probes.secret import SecretError, SecretSource

KEPT: Final = 2
"""Values of one file that are masked: what it holds, and what it held before."""


class KnownSecrets:
    """What the sources hold now; a file that was replaced is read again.

    One that cannot be read is left out: it cannot be printed either.
    """

    def __init__(self, sources: Iterable[SecretSource]) -> None:
        self._values = {source: deque[str](maxlen=KEPT) for source in sources}
        self._versions: dict[SecretSource, tuple[int, int, int] | None] = {}
        for source in self._values:
            self._read(source)
        self._files = [source for source in self._values if source.path is not None]
        self._known = self._all()

    def learn(self, sources: Iterable[SecretSource]) -> None:
        """Know these as well; what was known before is still to be masked."""
        for source in sources:
            if source not in self._values:
                self._values[source] = deque[str](maxlen=KEPT)
                self._read(source)
        self._files = [source for source in self._values if source.path is not None]
        self._known = self._all()

    def __call__(self) -> tuple[str, ...]:
        """Return them; looks at the files first, which takes a microsecond for each."""
        read = [self._read(source) for source in self._files]
        if any(read):
            self._known = self._all()
        return self._known

    def _read(self, source: SecretSource) -> bool:
        """Read a source that is new or has changed; say whether it was."""
        try:
            version = source.version()
            if source in self._versions and self._versions[source] == version:
                return False
            self._values[source].append(source.read().reveal())
        except SecretError:
            return False
        self._versions[source] = version
        return True

    def _all(self) -> tuple[str, ...]:
        return tuple(value for values in self._values.values() for value in values)


def known_secrets(config: Config) -> KnownSecrets:
    """Return every secret the configuration names, to be masked in logs."""
    return KnownSecrets(secret_sources(config))


def secret_sources(config: Config) -> list[SecretSource]:
    """Return where every secret of the configuration comes from."""
    sources: list[SecretSource] = []
    for provider in config.providers:
        sources += provider.secret_sources
    for channel in config.channels:
        sources += channel.secret_sources
    if config.heartbeat is not None:
        sources.append(config.heartbeat.url)
    if config.store.influxdb is not None and config.store.influxdb.token is not None:
        sources.append(config.store.influxdb.token)
    if config.otlp is not None:
        sources += [source for _, source in config.otlp.headers if source.is_hidden]
    if config.cluster is not None and config.cluster.redis.is_hidden:
        sources.append(config.cluster.redis)
    if config.http.token is not None:
        sources.append(config.http.token)
    return sources
