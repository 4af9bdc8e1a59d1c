"""The numbers of the `when` language, each with the unit that its metric asks for."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from alerting.metric import Metric, Unit, unit_of
from alerting.tokens import Cursor, ExpressionError, Shape

LARGEST: Final = Decimal("1e15")
"""No number lies beyond it, and every smaller one is written without an exponent."""
_UNITS_S: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "d": Decimal(86400),
        "h": Decimal(3600),
        "m": Decimal(60),
        "s": Decimal(1),
        "ms": Decimal("0.001"),
    }
)
_HOURS: Final = MappingProxyType({"h": 1, "d": 24})
_FITS: Final[Mapping[Unit, str]] = MappingProxyType(
    {
        Unit.SECONDS: "a time, and needs a unit: 5s, 500ms or 2m",
        Unit.RATIO: "a ratio: write 5% or 0.05",
        Unit.COUNT: "a count: write a whole number such as 3",
        Unit.TOKENS_PER_S: "a speed: write tokens per second, such as 10",
        Unit.PER_MINUTE: "a rate: write 0.5 or 0.5/min",
        Unit.DAYS: "a number of days: write 30 or 30d",
        Unit.TIMES: "a multiple: write a number such as 2.5",
        Unit.USD_PER_H: "a rate of money: write 3 USD/h or 70 USD/d",
    }
)
"""What would fit, by unit: it follows "METRIC is"."""


def threshold(cursor: Cursor, metric: Metric) -> float:
    """Read what a metric is compared with, in its own unit. Raises ExpressionError."""
    at = cursor.peek.at
    fits = f"{metric} is {_FITS[unit_of(metric)]}"
    value = _READERS[unit_of(metric)](cursor, fits)
    if value > LARGEST:
        raise ExpressionError("the number is too large", at)
    after = cursor.peek
    unfit = after.shape is Shape.WORD and after.text not in ("and", "or") and cursor.bare
    if after.text in ("%", "/") or unfit:
        raise ExpressionError(fits, after.at)
    return float(value)


def duration(cursor: Cursor, fits: str) -> Decimal:
    """Read a duration such as `1h30m`, in seconds. Raises ExpressionError, saying what fits."""
    total = Decimal(0)
    smaller = list(_UNITS_S)
    while True:
        number = cursor.number("expected a duration such as 5s, 500ms or 2m")
        unit = cursor.peek
        if unit.text not in _UNITS_S:
            raise ExpressionError(fits, unit.at)
        if unit.text not in smaller:
            raise ExpressionError("expected the units of a duration largest first", unit.at)
        cursor.take()
        total += number * _UNITS_S[unit.text]
        smaller = smaller[smaller.index(unit.text) + 1 :]
        if cursor.peek.shape is not Shape.NUMBER:
            return total


def whole(cursor: Cursor, fits: str) -> Decimal:
    """Read a whole number. Raises ExpressionError, saying what fits."""
    at = cursor.peek.at
    number = cursor.number("expected a whole number")
    if number != number.to_integral_value():
        raise ExpressionError(fits, at)
    return number


def _ratio(cursor: Cursor, fits: str) -> Decimal:
    at = cursor.peek.at
    number = cursor.number("expected a ratio such as 5% or 0.05")
    unit = cursor.peek
    if unit.shape is Shape.WORD and unit.text not in ("and", "or"):
        raise ExpressionError(fits, unit.at)
    if cursor.accept("%"):
        number = number.scaleb(-2)
    if number > 1:
        raise ExpressionError("a ratio lies between 0 and 1: write 5% or 0.05", at)
    return number


def _days(cursor: Cursor, _fits: str) -> Decimal:
    number = cursor.number("expected a number of days such as 30 or 30d")
    for word in ("days", "day", "d"):
        if cursor.accept(word):
            break
    return number


def _per_minute(cursor: Cursor, _fits: str) -> Decimal:
    number = _plain(cursor, _fits)
    if cursor.accept("/"):
        cursor.expect("min")
    return number


def _tokens_per_s(cursor: Cursor, _fits: str) -> Decimal:
    number = _plain(cursor, _fits)
    if cursor.accept("tokens"):
        cursor.expect("/")
        cursor.expect("s")
    return number


def _usd_per_h(cursor: Cursor, fits: str) -> Decimal:
    number = cursor.number("expected a rate of money such as 3 USD/h")
    if not cursor.accept("USD"):
        raise ExpressionError(fits, cursor.peek.at)
    cursor.expect("/")
    unit = cursor.peek
    if unit.text not in _HOURS:
        raise ExpressionError(fits, unit.at)
    return number / _HOURS[cursor.take().text]


def _plain(cursor: Cursor, _fits: str) -> Decimal:
    return cursor.number("expected a number")


_READERS: Final[Mapping[Unit, Callable[[Cursor, str], Decimal]]] = MappingProxyType(
    {
        Unit.SECONDS: duration,
        Unit.RATIO: _ratio,
        Unit.COUNT: whole,
        Unit.DAYS: _days,
        Unit.PER_MINUTE: _per_minute,
        Unit.TOKENS_PER_S: _tokens_per_s,
        Unit.USD_PER_H: _usd_per_h,
        Unit.TIMES: _plain,
    }
)
"""By unit; a metric that is so or not has no threshold to read."""
