"""What a plain YAML scalar means, and what `${VAR}` inside one becomes.

Scalars follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema), not YAML
1.1: `no` and `on` are texts, `1:30` is a text and not ninety, `012` is twelve, `0o17` fifteen.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_BOOLEANS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o([0-7]+)")
_HEXADECIMAL: Final = re.compile(r"0x([0-9a-fA-F]+)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE: Final = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN: Final = frozenset({".nan", ".NaN", ".NAN"})

DIGITS_LIMIT: Final = 30
"""A longer number is left a text: no setting needs it, and int() refuses 4,300 digits anyway."""

Scalar = bool | int | float | str | None


class Interpolated(str):
    """A text that holds values of variables: it may be a secret, so messages never show it.

    It stays a text whatever it looks like (a model may be named `4`); a field that wants a number
    resolves it itself.
    """

    __slots__ = ("variables",)
    variables: tuple[str, ...]
    """The variables whose values are in the text; empty when only defaults were used."""

    @classmethod
    def of(cls, text: str, variables: tuple[str, ...]) -> "Interpolated":
        """Return `text` marked as made of `variables`."""
        marked = cls(text)
        marked.variables = variables
        return marked


class InterpolationError(Exception):
    """A `${…}` cannot be replaced. The message names variables, never their values."""


def resolve(text: str) -> Scalar:
    """Return what the plain scalar `text` means in the core schema."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return _number(text) if len(text) <= DIGITS_LIMIT else text


def _number(text: str) -> int | float | str:
    if _DECIMAL.fullmatch(text):
        return int(text)
    if octal := _OCTAL.fullmatch(text):
        return int(octal[1], 8)
    if hexadecimal := _HEXADECIMAL.fullmatch(text):
        return int(hexadecimal[1], 16)
    if infinite := _INFINITE.fullmatch(text):
        return float(f"{infinite[1]}inf")
    if _FLOAT.fullmatch(text) or text in _NAN:
        return float(text.lstrip(".") if text in _NAN else text)
    return text


_REFERENCE: Final = re.compile(r"\$(?:\$|\{(?P<inside>[^}]*)(?P<end>\}?))")
_INSIDE: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    variable: str | None = None
    """The variable the text is the value of; None for `$$` and for defaults."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `${VAR}`, `${VAR:-default}` and `$$`; any other `$` stays as it is.

    As in a shell, the default also stands in for a variable that is empty. The result is an
    `Interpolated` when a reference occurred, else a plain str. Raises InterpolationError naming
    every reference that cannot be replaced.
    """
    pieces: list[str] = []
    used: list[str] = []
    errors: list[str] = []
    references = 0
    position = 0
    for match in _REFERENCE.finditer(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        references += match["inside"] is not None
        try:
            piece = _piece(match, variables)
        except InterpolationError as error:
            errors.append(str(error))
            continue
        pieces.append(piece.text)
        if piece.variable is not None:
            used.append(piece.variable)
    if errors:
        raise InterpolationError("; ".join(errors))
    whole = "".join([*pieces, text[position:]])
    return Interpolated.of(whole, tuple(used)) if references else whole


def _piece(match: re.Match[str], variables: Mapping[str, str]) -> _Piece:
    if match["inside"] is None:
        return _Piece("$")
    inside = _INSIDE.fullmatch(match["inside"])
    if inside is None or not match["end"]:
        raise InterpolationError(
            "expected ${VARIABLE} or ${VARIABLE:-default}; write $$ for a dollar sign"
        )
    name, default = inside["name"], inside["default"]
    if default is not None and "${" in default:
        raise InterpolationError(f"the default of ${{{name}}} cannot hold another variable")
    value = variables.get(name)
    if not value and default is not None:
        return _Piece(default)
    if value is None:
        raise InterpolationError(
            f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
        )
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise InterpolationError(f"the environment variable {name} is not valid UTF-8")
    return _Piece(value, name)
