"""Secrets: values that do not show themselves, and the places they come from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LONGEST_BYTES: Final = 65_536
"""A file that holds more is none of a secret's, and may have no end (/dev/zero)."""


class SecretError(Exception):
    """A secret could not be read, or is not usable. The message never holds the secret."""


class Secret:
    """A text that must not be printed: its repr and str are masked; `reveal` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not serialised")


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: a value resolved at load time, or a file read again on change."""

    value: Secret | None = None
    path: Path | None = field(default=None)
    variable: str | None = None
    """The environment variable that held the value, for people who look for it."""

    @property
    def is_hidden(self) -> bool:
        """Whether it came from a file or a variable, rather than out of the configuration."""
        return self.path is not None or self.variable is not None

    def version(self) -> tuple[int, int, int] | None:
        """Tell changes of the file apart (mtime in ns, inode, size); None for a fixed value.

        Raises SecretError when the file is not there any more.
        """
        if self.path is None:
            return None
        try:
            stat = self.path.stat()
        except OSError as error:
            raise SecretError(f"cannot read {self.path}: {error.strerror}") from None
        return (stat.st_mtime_ns, stat.st_ino, stat.st_size)

    def read(self) -> Secret:
        """Return the secret, stripped of surrounding white space.

        Raises SecretError when it is unreadable, empty or not printable ASCII (a key with a
        newline inside ends up in an HTTP library's traceback).
        """
        text = self.value.reveal() if self.value is not None else self._read_file()
        text = text.strip()
        where = str(self.path) if self.path is not None else "the value"
        if not text:
            raise SecretError(f"{where} is empty")
        if not (text.isascii() and text.isprintable()):
            raise SecretError(f"{where} holds characters that are not printable ASCII")
        return Secret(text)

    def _read_file(self) -> str:
        if self.path is None:
            return ""
        try:
            with self.path.open("rb") as file:
                raw = file.read(LONGEST_BYTES + 1)
            if len(raw) > LONGEST_BYTES:
                raise SecretError(f"{self.path} is too long for a secret")
            return raw.decode()
        except OSError as error:
            raise SecretError(f"cannot read {self.path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SecretError(f"{self.path} is not text") from None
