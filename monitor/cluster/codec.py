"""News as text for the stream, and back: what comes from Redis is believed in no point.

An item is a JSON object of the fields that say something; what is missing has its default. So a
replica of another version reads what both know: a field that is new to it is passed over, an item
with a word that is new to it is left out and counted. So is whatever is not of its type, not
finite, or beyond what any field of ours can be.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Final, TypeVar, get_args, get_type_hints

from aggregator.results import SkippedSlot
from monitor.cluster.protocol import News
from probes.result import DETAIL_LIMIT, Failing, Fault, ProbeResult, RateLimit, SkipReason, Verdict
from probes.target import Slot

ITEMS: Final = 200
"""News in one entry of the stream: decoding them takes the loop some 6 ms."""
ENTRY_BYTES: Final = 262_144
"""Of one entry; three times what 200 usual results take."""
TEXT_CHARS: Final = 1_000
"""Of any text; names from the configuration are shorter, `detail` is (`DETAIL_LIMIT`)."""
LIMITS: Final = 32
"""Buckets of rate limits in one result; no provider states as many."""
LARGEST: Final = 2**63 - 1
STATUSES: Final = 1_000
"""HTTP statuses have three digits; each is a series in /metrics."""
LATEST: Final = 253_402_300_800.0
"""The year 10000: no clock says so."""

E = TypeVar("E", bound=StrEnum)
Read = Callable[[object], object]
"""Checks one JSON value and returns the field's. Raises ValueError, TypeError or KeyError."""

_NAMES: Final = tuple(field.name for field in fields(ProbeResult))
_PLAIN: Final = attrgetter(*_NAMES)
_DEFAULTS: Final = tuple(field.default for field in fields(ProbeResult))
_LIMIT: Final = attrgetter(*(field.name for field in fields(RateLimit)))


class UntellableError(ValueError):
    """A result that has no text: its own times are not finite."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one entry held."""

    news: Sequence[News]
    refused: int = 0
    """Items that were left out; 1 for an entry that is no list of items."""


def encode(news: News) -> str:
    """Return one item. Raises UntellableError."""
    item = _result_item(news) if isinstance(news, ProbeResult) else _skip_item(news)
    try:
        return json.dumps(item, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return _finite(item)


def joined(items: Iterable[str]) -> bytes:
    """Return an entry of these items."""
    return f"[{','.join(items)}]".encode()


def decode(entry: bytes) -> Decoded:
    """Return what an entry holds that can be believed."""
    if len(entry) > ENTRY_BYTES:
        return Decoded((), 1)
    try:
        items = json.loads(entry, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Decoded((), 1)
    if not isinstance(items, list) or len(items) > ITEMS:
        return Decoded((), 1)
    news: list[News] = []
    for item in items:
        try:
            news.append(_news(item))
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
    return Decoded(news, len(items) - len(news))


# To text.


def _result_item(result: ProbeResult) -> dict[str, object]:
    item = {
        name: value
        for name, value, default in zip(_NAMES, _PLAIN(result), _DEFAULTS, strict=True)
        if value != default
    }
    if result.rate_limits:
        item["rate_limits"] = [_LIMIT(limit) for limit in result.rate_limits]
    return item


def _skip_item(skip: SkippedSlot) -> dict[str, object]:
    item: dict[str, object] = {
        "target": skip.target,
        "location": skip.location,
        "slot": skip.slot.number,
        "slot_at": skip.slot.at,
        "skipped": skip.reason,
        "at": skip.at,
    }
    if skip.failing is not None:
        item.update(verdict=skip.failing.verdict, fault=skip.failing.fault)
    return item


def _finite(item: Mapping[str, object]) -> str:
    """Leave out what is not finite: a field without a default cannot be."""
    kept = {
        name: value
        for name, value in item.items()
        if name != "rate_limits" and not (isinstance(value, float) and not math.isfinite(value))
    }
    if not kept.keys() >= (_REQUIRED if "skipped" not in item else {"at", "slot_at"}):
        raise UntellableError("a time that is not finite")
    return json.dumps(kept, separators=(",", ":"))


# And back.


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _news(item: object) -> News:
    if not isinstance(item, dict):
        raise TypeError("no item")
    return _skip(item) if "skipped" in item else _result(item)


def _result(item: Mapping[str, object]) -> ProbeResult:
    found = {}
    for name, value in item.items():
        read = _READ.get(name)
        if read is not None:
            found[name] = read(value)
    return ProbeResult(**found)  # type: ignore[arg-type]  # each is what its field's reader returns


def _skip(item: Mapping[str, object]) -> SkippedSlot:
    failing = None
    if "verdict" in item:
        failing = Failing(_VERDICT(item["verdict"]), _FAULT(item["fault"]))
    return SkippedSlot(
        _text(item["target"]),
        _text(item["location"]),
        Slot(_whole(item["slot"]), _time(item["slot_at"])),
        _SKIP_REASON(item["skipped"]),
        _time(item["at"]),
        failing,
    )


def _word(words: type[E]) -> Callable[[object], E]:
    """Return what finds one of a closed set; KeyError for another. A call of an enum costs ten."""
    known: Mapping[object, E] = {word.value: word for word in words}
    return known.__getitem__


def _text(value: object, most: int = TEXT_CHARS) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("no text")
    return printable(value)


def printable(text: str) -> str:
    """Return a text that draws no terminal and breaks no line, whoever wrote it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _whole(value: object) -> int:
    if type(value) is not int or not -LARGEST <= value <= LARGEST:
        raise ValueError("no whole number")
    return value


def _status(value: object) -> int:
    status = _whole(value)
    if not 0 <= status < STATUSES:
        raise ValueError("no status")
    return status


def _real(value: object) -> float:
    # Not finite is what has too large an exponent: words for it are refused before.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no finite number")
    return number


def _time(value: object) -> float:
    at = _real(value)
    if not 0.0 <= at < LATEST:
        raise ValueError("no time")
    return at


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _limits(value: object) -> tuple[RateLimit, ...]:
    if not isinstance(value, list) or len(value) > LIMITS:
        raise ValueError("no rate limits")
    return tuple(
        RateLimit(
            _text(bucket),
            None if limit is None else _whole(limit),
            None if left is None else _whole(left),
            None if reset_s is None else _real(reset_s),
        )
        for bucket, limit, left, reset_s in value
    )


_OF_TYPE: Final[Mapping[object, Read]] = {str: _text, int: _whole, float: _real, bool: _flag}
_VERDICT: Final = _word(Verdict)
_FAULT: Final = _word(Fault)
_SKIP_REASON: Final = _word(SkipReason)


def _reader(hint: object) -> Read:
    """Return what reads a field of this type. None is never told: it is every such default."""
    if isinstance(hint, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _word(hint)
    return _OF_TYPE[hint]


_OTHERS: Final[Mapping[str, Read]] = {
    "at": _time,
    "slot_at": _time,
    "status": _status,
    "detail": lambda value: _text(value, DETAIL_LIMIT),
    "rate_limits": _limits,
}
_READ: Final[Mapping[str, Read]] = {
    name: _OTHERS.get(name) or _reader(hint) for name, hint in get_type_hints(ProbeResult).items()
}
_REQUIRED: Final = frozenset(
    field.name for field in fields(ProbeResult) if field.default is MISSING
)
