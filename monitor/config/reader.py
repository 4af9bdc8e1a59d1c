"""YAML text -> plain data with places, refusing everything a configuration does not need.

Built from PyYAML's event stream, so no object is ever constructed, and depth is counted before
anything recurses. Refused: aliases and anchors, tags, merge keys, duplicate keys, a second
document, keys that are not text, more than SIZE_LIMIT_BYTES and DEPTH_LIMIT. Scalars are read by
the YAML 1.2 core schema; `${VAR}` is replaced inside scalars only, after parsing, so that the
value of a variable can never become structure.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from monitor.config.document import Document, KeyPath, Mark, Plain, dotted
from monitor.config.errors import ConfigError, Problem
from monitor.config.scalars import InterpolationError, expand, resolve

SIZE_LIMIT_BYTES: Final = 256 * 1024
"""A thousand written-out targets fit; a file beyond it is something else than a configuration."""

DEPTH_LIMIT: Final = 16
"""The deepest key of the interface lies six levels down."""


def read_file(
    path: Path, variables: Mapping[str, str], cwd: Path
) -> tuple[Document, tuple[Problem, ...]]:
    """Read the configuration at `path` (relative ones below `cwd`).

    Raises ConfigError when it is not readable at all.
    """
    source = str(path)
    try:
        with (cwd / path).open("rb") as file:
            raw = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise _fatal(source, f"cannot read the file: {error.strerror}") from None
    if len(raw) > SIZE_LIMIT_BYTES:
        raise _fatal(source, f"larger than {SIZE_LIMIT_BYTES // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise _fatal(source, "not UTF-8: save the file as UTF-8", Mark(line, column)) from None
    return read_text(text, variables, source=source)


def read_text(
    text: str, variables: Mapping[str, str], *, source: str
) -> tuple[Document, tuple[Problem, ...]]:
    """Read YAML text into a Document and the problems that do not stop the reading.

    Raises ConfigError for text that is not YAML, or not a mapping.
    """
    builder = _Builder(text, variables, source)
    try:
        return builder.document(), tuple(builder.problems)
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark
        mark = Mark(place.line + 1, place.column + 1) if place is not None else None
        raise ConfigError(
            (*builder.problems, builder.problem((), _readable(error), mark))
        ) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        raise _fatal(source, message, mark) from None
    except (ValueError, OverflowError):
        # PyYAML converts escapes such as "\U00110000" and the numbers of %YAML unchecked.
        message = "not YAML: an escape or directive near here holds an impossible number"
        raise _fatal(source, message, builder.place) from None


def _fatal(source: str, message: str, mark: Mark | None = None) -> ConfigError:
    mark = mark or Mark(1, 1)
    return ConfigError((Problem(source, message, "", mark.line, mark.column),))


def _readable(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "cannot be parsed"
    if "'\\t'" in problem:
        return "a tab: YAML is indented with spaces only"
    if "but got '{'" in problem:
        return 'not YAML: inside { } and [ ] put variables in quotes, as in "${VAR}"'
    if "mapping values are not allowed" in problem:
        return 'not YAML: ": " inside a text; put the text in quotes, or check the indentation'
    context = f" {error.context}" if error.context else ""
    return f"not YAML{context}: {problem}"


class _Builder:
    """Folds one event stream into data, keeping places and problems as it goes."""

    def __init__(self, text: str, variables: Mapping[str, str], source: str) -> None:
        self.problems: list[Problem] = []
        self.place = Mark(1, 1)
        self._text = text
        self._variables = variables
        self._source = source
        self._keys: dict[KeyPath, Mark] = {}
        self._values: dict[KeyPath, Mark] = {}
        self._broken: set[KeyPath] = set()

    def document(self) -> Document:
        """Read everything. Raises what PyYAML raises, and ConfigError past a limit."""
        self._events: Iterator[Event] = iter(yaml.parse(self._text, Loader=yaml.SafeLoader))
        root = self._root()
        if not isinstance(root, dict):
            message = "expected a mapping of sections such as `providers:` and `targets:`"
            raise ConfigError((*self.problems, self.problem((), message, Mark(1, 1))))
        return Document(
            source=self._source,
            data=root,
            keys=self._keys,
            values=self._values,
            broken=frozenset(self._broken),
            lines=tuple(self._text.splitlines()),
        )

    def problem(self, path: KeyPath, message: str, mark: Mark | None) -> Problem:
        """Return a Problem at a place of this text (its start when nothing better is known)."""
        mark = mark or Mark(1, 1)
        return Problem(self._source, message, dotted(path), mark.line, mark.column)

    def _next(self) -> Event:
        event = next(self._events)
        mark = event.start_mark
        if mark is not None:
            self.place = Mark(mark.line + 1, mark.column + 1)
        return event

    def _root(self) -> Plain:
        root: Plain = {}
        self._values[()] = Mark(1, 1)
        documents = 0
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "a second YAML document: put everything in one"
                    raise ConfigError((*self.problems, self.problem((), message, self.place)))
            elif isinstance(event, NodeEvent):
                root = self._node(event, ())
                root = {} if root is None else root
        return root

    def _node(self, event: Event, path: KeyPath) -> Plain:
        place = self.place
        self._values[path] = place
        if len(path) > DEPTH_LIMIT:
            message = f"nested more than {DEPTH_LIMIT} levels deep"
            raise ConfigError((*self.problems, self.problem(path, message, place)))
        if isinstance(event, AliasEvent):
            self._refuse(path, "aliases are not read: write the value out", place)
            return None
        self._check_properties(event, path, place)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path, place)

    def _check_properties(self, event: Event, path: KeyPath, place: Mark) -> None:
        if getattr(event, "anchor", None) is not None:
            self._complain(path, "anchors are not read: write the value out", place)
        if getattr(event, "tag", None) is not None:
            self._complain(path, "YAML tags (!…) are not read", place)

    def _complain(self, path: KeyPath, message: str, place: Mark) -> None:
        self.problems.append(self.problem(path, message, place))

    def _refuse(self, path: KeyPath, message: str, place: Mark) -> None:
        """Complain about a value that is lost: nothing more is to be said of it."""
        self._broken.add(path)
        self._complain(path, message, place)

    def _sequence(self, path: KeyPath) -> Plain:
        items: list[Plain] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> Plain:
        found: dict[str, Plain] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            place = self.place
            key = self._key(event, path, place)
            if key is None or key in found:
                if key is not None:
                    first = self._keys[*path, key].line
                    self._complain((*path, key), f"a second `{key}` (first on line {first})", place)
                self._skip(self._next())
                continue
            self._keys[*path, key] = place
            found[key] = self._node(self._next(), (*path, key))
        return found

    def _key(self, event: Event, path: KeyPath, place: Mark) -> str | None:
        if not isinstance(event, ScalarEvent):
            self._complain(path, "a key must be text", place)
            self._skip(event)
            return None
        self._check_properties(event, path, place)
        key = str(event.value)
        if not key or (key == "<<" and event.style is None):
            what = "merge keys (<<) are not read" if key else "a key is missing before the colon"
            self._complain(path, what, place)
            return None
        if "${" in key or not key.isprintable():
            self._complain(path, "a key holds a variable or a control character", place)
            return None
        return key

    def _skip(self, event: Event) -> None:
        """Read past one node whose value nobody wants."""
        depth = 0
        while True:
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                depth += 1
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = self._next()

    def _scalar(self, event: Event, path: KeyPath, place: Mark) -> Plain:
        # NodeEvent's other kinds are handled before: what remains is a ScalarEvent.
        text = str(getattr(event, "value", ""))
        if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
            self._refuse(path, "half of a surrogate pair is not a character", place)
            return None
        try:
            expanded = expand(text, self._variables)
        except InterpolationError as error:
            self._refuse(path, str(error), place)
            return None
        plain = getattr(event, "style", None) is None
        return resolve(text) if plain and "$" not in text else expanded
