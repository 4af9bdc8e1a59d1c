"""What the configuration's interface names and this version does not do yet.

Such a key or value is refused by name: a budget that is read and not kept, or an alert route that
is read and not taken, would be worse than an error. `*` stands for a name or a position.
"""

from typing import Final

from monitor.config.document import KeyPath

_ROOT: Final = (
    "cluster",
    "otlp",
)
_RULE: Final = ("locations",)
LATER_KEYS: Final = frozenset(
    {
        *((key,) for key in _ROOT),
        *(("rules", "*", key) for key in _RULE),
    }
)

LATER_VARIABLES: Final = ("REDIS_URL",)
"""Environment variables of the interface that stand for keys above."""


def is_later(path: KeyPath) -> bool:
    """Say whether `path` is a key of the interface that this version does not support."""
    return any(fits(pattern, path) for pattern in LATER_KEYS)


def fits(pattern: KeyPath, path: KeyPath) -> bool:
    """Say whether `path` is one that `pattern` stands for."""
    return len(pattern) == len(path) and all(
        part in ("*", step) for part, step in zip(pattern, path, strict=True)
    )
