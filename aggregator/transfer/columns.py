"""The columns of a file of results, and what a value in each may be.

A column is a field of `ProbeResult`, by its name and in its order. A row is what the ledger's table
holds of them: closed sets as their words, flags as truth, rate limits as JSON
`[[bucket, limit, remaining, reset_s], ...]`. None is unknown, as it is in a result.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Final, get_args, get_type_hints

from probes.result import ProbeResult

Value = str | int | float | bool | None
Row = tuple[Value, ...]

TEXT_CHARS: Final = 4_096
"""The longest text taken in: the ledger's own are shorter by far, and a file is anybody's."""
LIMITS_CHARS: Final = 65_536
LIMITS: Final = 64
"""Buckets of rate limits one result may state; providers state up to six."""
AHEAD_S: Final = 86_400.0
"""How far ahead of now a result may lie: clocks differ, but nobody measures tomorrow."""


class TransferError(Exception):
    """A file or a ledger that cannot be read or written so. The text is for people."""


class LibraryError(TransferError):
    """The library of a format is not installed."""


class RowError(Exception):
    """A row that is no result: which column, and why. It never repeats the value."""


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole"
    REAL = "real"
    FLAG = "flag"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    optional: bool
    """Whether None, unknown, may stand in it."""
    words: frozenset[str] = frozenset()
    """The closed set it is of; empty: any text."""
    required: bool = True
    """Whether a file must have it. An older version's file lacks what came later."""
    default: Value = None
    """What stands for it where a file lacks it."""


_KINDS: Final = {str: Kind.TEXT, int: Kind.WHOLE, float: Kind.REAL, bool: Kind.FLAG}


def _columns() -> tuple[Column, ...]:
    hints = get_type_hints(ProbeResult)
    return tuple(
        _column(field.name, hints[field.name], field.default) for field in fields(ProbeResult)
    )


def _column(name: str, hint: object, default: object) -> Column:
    if name == "rate_limits":
        return Column(name, Kind.LIMITS, optional=True, required=False)
    kinds = get_args(hint) or (hint,)
    words: frozenset[str] = frozenset()
    kind = kinds[0]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        words, kind = frozenset(word.value for word in kind), str
    required = default is MISSING
    stands = default if isinstance(default, str | int | float) else None
    return Column(name, _KINDS[kind], type(None) in kinds, words, required, stands)


COLUMNS: Final = _columns()
NAMES: Final = tuple(column.name for column in COLUMNS)
_AT: Final = NAMES.index("at")


def arrangement(names: Sequence[str]) -> tuple[int | None, ...]:
    """Return where in a file with columns of these names each of ours is; None: it lacks it.

    Raises TransferError when one is missing that no result is without, stands there twice, or is
    not known.
    """
    places: Mapping[str, int] = MappingProxyType({name: at for at, name in enumerate(names)})
    if unknown := sorted(set(names) - set(NAMES)):
        raise TransferError(
            f"{len(unknown)} columns are no result's, {unknown[0][:40]!a} for one:"
            " is it a file of results, and of this version?"
        )
    if len(places) != len(names):
        raise TransferError("a column stands there twice")
    if missing := [each.name for each in COLUMNS if each.required and each.name not in places]:
        raise TransferError(f"columns are missing: {', '.join(missing)}")
    return tuple(places.get(name) for name in NAMES)


def arranged(values: Sequence[Value], places: Sequence[int | None]) -> list[Value]:
    """Return a file's row in the order of our columns."""
    return [
        column.default if place is None else values[place]
        for column, place in zip(COLUMNS, places, strict=True)
    ]


def checked(values: Sequence[Value], now: float) -> Row:
    """Return a row as the ledger may hold it; raises RowError at the first value it may not.

    `now` is wall time: a result may not lie before 1970, nor notably ahead of it.
    """
    row = tuple(
        None if value is None and column.optional else check(column, value)
        for (column, check), value in zip(_CHECKED, values, strict=True)
    )
    at = row[_AT]
    if not isinstance(at, float) or not 0.0 <= at <= now + AHEAD_S:
        raise RowError("at: before 1970, or ahead of now")
    return row


def _real(column: Column, value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowError(f"{column.name}: not a number")
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise RowError(f"{column.name}: not a finite number")
    return real


def _whole(column: Column, value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise RowError(f"{column.name}: not a whole number of 64 bits")
    return value


def _flag(column: Column, value: Value) -> bool:
    if not isinstance(value, bool):
        raise RowError(f"{column.name}: neither true nor false")
    return value


def _text(column: Column, value: Value, longest: int = TEXT_CHARS) -> str:
    if not isinstance(value, str):
        raise RowError(f"{column.name}: not a text")
    if len(value) > longest:
        raise RowError(f"{column.name}: longer than {longest} characters")
    if column.words and value not in column.words:
        raise RowError(f"{column.name}: a word this version does not know")
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise RowError(f"{column.name}: not UTF-8")
    return value


def _limits(column: Column, value: Value) -> str:
    text = _text(column, value, LIMITS_CHARS)
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        raise RowError(f"{column.name}: not JSON") from None
    if not isinstance(stated, list) or len(stated) > LIMITS or not all(map(_is_limit, stated)):
        raise RowError(f"{column.name}: not [[bucket, limit, remaining, reset_s], ...]")
    return text


def _is_limit(stated: object) -> bool:
    match stated:
        case [str(bucket), int() | None as limit, int() | None as left, reset_s]:
            return (
                # JSON's \ud800 is a lone surrogate, which is no text
                bucket.isprintable()
                and not isinstance(limit, bool)
                and not isinstance(left, bool)
                and (reset_s is None or _is_finite(reset_s))
            )
    return False


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


_CHECKS: Final[Mapping[Kind, Callable[[Column, Value], Value]]] = {
    Kind.TEXT: _text,
    Kind.WHOLE: _whole,
    Kind.REAL: _real,
    Kind.FLAG: _flag,
    Kind.LIMITS: _limits,
}
_CHECKED: Final = tuple((column, _CHECKS[column.kind]) for column in COLUMNS)
