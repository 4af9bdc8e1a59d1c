"""Amounts of money a day, and the time zone whose midnight ends it."""

import re
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from monitor.config.fields import did_you_mean

LEAST_USD: Final = 0.01
"""A cent: less is a slip of the pen, and no probe of most models."""
MOST_USD: Final = 1_000_000

_EXPECTED: Final = "expected an amount such as 5 USD, 0.50 or $5"
_MONEY: Final = re.compile(
    r"\$? ?(?P<amount>[0-9]+(\.[0-9]+)?|\.[0-9]+) ?(?P<currency>[A-Za-z]+|[^\x00-\x7f])?"
)


def parse_usd(value: object) -> float:
    """Return the US dollars of `5`, `5 USD` or `$5`. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(_EXPECTED)  # noqa: TRY004 - pydantic takes no TypeError
    match = _MONEY.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(_EXPECTED)
    if (match["currency"] or "USD").upper() != "USD":
        raise ValueError(f"{_EXPECTED}: prices are in US dollars, and no other money is changed")
    amount_usd = float(match["amount"])
    if not LEAST_USD <= amount_usd <= MOST_USD:
        raise ValueError(f"expected from {LEAST_USD} to {MOST_USD:,} US dollars")
    return amount_usd


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError):  # a folder of zones, or nothing at all
        near = did_you_mean(value, sorted(available_timezones()))
        raise ValueError(f"expected a time zone such as UTC or Europe/Berlin{near}") from None
    return value


Money = Annotated[
    float,
    BeforeValidator(parse_usd),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": LEAST_USD, "maximum": MOST_USD},
                {"type": "string", "examples": ["5 USD", "$0.50"]},
            ]
        }
    ),
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""A name of the IANA time zone database."""
