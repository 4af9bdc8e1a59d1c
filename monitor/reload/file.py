"""The file a configuration came from, looked at again: by its content, on every kind of mount.

Notifications of file systems miss changes on network and FUSE mounts, and a ConfigMap is changed by
swapping a symbolic link two folders above. Reading a small file every few seconds misses nothing.
https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from monitor.config.load import Loaded
from monitor.config.reader import SIZE_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """Where a configuration is read from, and how."""

    path: Path
    load: Callable[[], Loaded]
    """Reads and compiles it anew. Raises ConfigError."""
    learn: Callable[[Loaded], None] = lambda _loaded: None
    """Hears of what was read before anything is said or done about it: its secrets are masked."""
    running: bytes | None = None
    """Digest of the content that runs, taken before it was read: a change since then is seen,
    however long the start takes. None: there was none."""

    def digest(self) -> bytes | None:
        """Return what tells contents apart; None while the file cannot be read. Blocks."""
        return digest_of(self.path)


def digest_of(path: Path) -> bytes | None:
    """Return what tells a file's contents apart; None while there is none. Blocks.

    A pipe has none: to look at it is to take it away from whoever reads it.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return blake2b(file.read(SIZE_LIMIT_BYTES + 1)).digest()
    except OSError:
        return None
