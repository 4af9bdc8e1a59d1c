"""Checks of an answer's text that somebody else wrote: a pattern, or a JSON Schema.

Both are checked by one library, whose patterns take time in proportion to the text, whatever they
are (https://docs.rs/regex/latest/regex/#untrusted-input): Python's own can take for ever, and hold
every other probe up meanwhile. The price is that they have neither look-around nor back references.
With a bounded text that makes a check bounded in time.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import jsonschema_rs

from probes.jsontext import JsonError, parse_json

CHECKED_CHARS: Final = 8_192
"""Characters of an answer that are checked at most: some two thousand tokens. An honest pattern
takes microseconds; the worst that was found within these limits 0.2 s, and it grows with the text.
"""
PATTERN_LIMIT_BYTES: Final = 320 * 1024
"""What one pattern may compile to: `^.{1,200}$` fits, for a dot is any character of Unicode."""
SCHEMA_LIMIT_BYTES: Final = 256 * 1024
"""How large a JSON Schema may be."""
_REFERS: Final = re.compile(r'"\$(?:ref|dynamicRef|recursiveRef)"')
"""A schema that refers to itself may be one of these. Whether an answer fits it takes time in
proportion to the answer; to find the place where it does not takes, in several alternatives, a
multiple of that for each level: measured with two, 5 s at sixteen levels, with five 2 s at four."""

_OPTIONS: Final = jsonschema_rs.RegexOptions(
    size_limit=PATTERN_LIMIT_BYTES, dfa_size_limit=2 * PATTERN_LIMIT_BYTES
)
_FENCE: Final = "```"


class UncheckableError(ValueError):
    """A pattern or a schema cannot be used. The message says why, for whoever wrote it."""


class TooLongError(Exception):
    """An answer is too long to be checked. The message says how long it is."""


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A pattern; equal to another of the same text."""

    source: str
    _compiled: Any = field(init=False, repr=False, compare=False)  # Any: it has no common type

    def __post_init__(self) -> None:
        """Compile it. Raises UncheckableError."""
        try:
            compiled = _validator({"type": "string", "pattern": self.source})
        except jsonschema_rs.ValidationError:
            hint = "it is not a pattern, is too large, or has look-around or back references"
            raise UncheckableError(hint) from None
        object.__setattr__(self, "_compiled", compiled)

    def found_in(self, text: str) -> bool:
        """Whether it occurs in a text. Raises TooLongError."""
        # An escaped half of a surrogate pair is JSON, and no Unicode.
        whole = _bounded(text).encode("utf-8", "replace").decode()
        return bool(self._compiled.is_valid(whole))


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """A JSON Schema, of draft 2020-12 unless it names another; equal to another of the same text.

    It may refer to parts of itself and to the drafts' own schemas, never to files or addresses.
    """

    source: str
    _compiled: Any = field(init=False, repr=False, compare=False)  # Any: as above

    def __post_init__(self) -> None:
        """Compile it. Raises UncheckableError."""
        if len(self.source) > SCHEMA_LIMIT_BYTES:
            raise UncheckableError(f"larger than {SCHEMA_LIMIT_BYTES // 1024} KiB")
        try:
            schema = parse_json(self.source.encode())
            compiled = _validator(schema)
        except JsonError as error:
            raise UncheckableError(str(error)) from None
        except (jsonschema_rs.ValidationError, ValueError, TypeError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            raise UncheckableError(f"not a JSON Schema: {reason}") from None
        object.__setattr__(self, "_compiled", compiled)

    def complaint(self, text: str) -> str | None:
        """Say what is wrong with an answer, or None. Raises TooLongError."""
        try:
            answer = parse_json(unfenced(_bounded(text)).encode("utf-8", "replace"))
        except JsonError as error:
            return str(error)
        try:
            if not _REFERS.search(self.source):
                self._compiled.validate(answer)
            elif not self._compiled.is_valid(answer):
                return f"the answer does not fit: {text}"
        except jsonschema_rs.ValidationError as error:
            place = "".join(f"[{json.dumps(step)}]" for step in error.instance_path)
            return f"{place or 'the answer'}: {error.message}"
        except ValueError:  # beyond 255 levels, or half of a surrogate pair
            return "nested too deeply, or text that is no Unicode"
        return None


def unfenced(text: str) -> str:
    """Return the text within a Markdown fence when it is all there is, else the text itself.

    Models wrap JSON so unless they are told not to, and often then too.
    """
    inner = text.strip()
    if not (inner.startswith(_FENCE) and inner.endswith(_FENCE) and len(inner) > 2 * len(_FENCE)):
        return text
    first_line, _, rest = inner[len(_FENCE) : -len(_FENCE)].partition("\n")
    return rest if first_line.strip().lower() in ("", "json") else text


def _bounded(text: str) -> str:
    if len(text) > CHECKED_CHARS:
        raise TooLongError(
            f"an answer of {len(text)} characters is too long to be checked ({CHECKED_CHARS})"
        )
    return text


def _validator(schema: Any) -> Any:  # noqa: ANN401 - it has one type for each draft, and says of
    # what it takes less than it checks: everything else raises TypeError or ValueError.
    return jsonschema_rs.validator_for(schema, pattern_options=_OPTIONS, retriever=_retrieve)


def _retrieve(_address: str) -> NoReturn:
    raise ValueError("schemas are not fetched")
