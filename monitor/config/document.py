"""A configuration as read: plain data, and where in the file each part of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from monitor.config.errors import Problem
from monitor.config.scalars import Interpolated

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
KeyPath: TypeAlias = tuple[str | int, ...]

SHOWN_LIMIT: Final = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file; line and column count from 1."""

    line: int
    column: int


def dotted(path: KeyPath) -> str:
    """Write a path as people do: `targets[2].interval`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain data with its places. Values of variables are `Interpolated` in it."""

    source: str
    data: dict[str, Plain]
    keys: Mapping[KeyPath, Mark] = field(default_factory=dict)
    values: Mapping[KeyPath, Mark] = field(default_factory=dict)
    broken: frozenset[KeyPath] = frozenset()
    """Paths whose value could not be read and was already complained about."""
    lines: tuple[str, ...] = ()
    names: Mapping[KeyPath, str] = field(default_factory=dict)
    """Other names for paths: the variable a value came from when there is no file."""

    def problem(
        self, path: KeyPath, message: str, *, key: bool = False, offset: int | None = None
    ) -> Problem:
        """Return a Problem at the value at `path`, or the nearest thing above that has a place.

        With `key` it points at the key instead; `offset` counts characters into the value.
        """
        mark = self._mark(path, key=key)
        column = None if mark is None else mark.column
        if mark is not None and offset is not None:
            column = mark.column + self._shift(path, mark, offset)
        line = None if mark is None else mark.line
        return Problem(self.source, message, self._name(path), line, column)

    def at(self, path: KeyPath) -> Plain:
        """Return what stands at `path`, or None when nothing does."""
        node: Plain = self.data
        for step in path:
            if isinstance(node, dict) and isinstance(step, str):
                node = node.get(step)
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return None
        return node

    def shown(self, path: KeyPath) -> str:
        """Return the value at `path` for a message: the variables' names, never their values."""
        value = self.at(path)
        if isinstance(value, Interpolated) and value.variables:
            return "the value of " + " and ".join(f"${{{name}}}" for name in value.variables)
        if isinstance(value, dict):
            return "a mapping"
        if isinstance(value, list):
            return "a list"
        return written(value)

    def reported(self, path: KeyPath) -> bool:
        """Whether `path` or anything above it was already complained about."""
        return any(path[:depth] in self.broken for depth in range(len(path) + 1))

    def _name(self, path: KeyPath) -> str:
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.names:
                return self.names[path[:depth]]
        return dotted(path)

    def _mark(self, path: KeyPath, *, key: bool) -> Mark | None:
        places = (self.keys, self.values) if key else (self.values, self.keys)
        for depth in range(len(path), -1, -1):
            for place in places if depth == len(path) else (self.keys, self.values):
                if path[:depth] in place:
                    return place[path[:depth]]
        return None

    def _shift(self, path: KeyPath, mark: Mark, offset: int) -> int:
        """Columns from the start of a value to its character `offset`.

        0 where the text in the file is not the text that was read (escapes, folded lines,
        variables): then the start of the value is the honest place.
        """
        value = self.at(path)
        line = self.lines[mark.line - 1] if mark.line <= len(self.lines) else ""
        for quote in (0, 1):
            if isinstance(value, str) and line[mark.column - 1 + quote :].startswith(value):
                return quote + offset
        return 0


def written(value: Plain) -> str:
    """Return a scalar as one would write it in YAML, shortened."""
    match value:
        case None:
            return "no value"
        case bool():
            return str(value).lower()
        case str():
            short = value if len(value) <= SHOWN_LIMIT else value[: SHOWN_LIMIT - 1] + "…"
            return (
                '"'
                + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short)
                + '"'
            )
        case _:
            return str(value)
