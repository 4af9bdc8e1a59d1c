"""An objective as people write it: `99.5%`."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

LEAST_RATIO: Final = 0.5
MOST_RATIO: Final = 0.99999
"""Ninety days at a probe a second hold seven million answers: five nines are the most they tell."""
_PERCENT: Final = re.compile(r"([0-9]{1,2}(?:\.[0-9]+)?) ?%")
_EXPECTED: Final = "expected a part such as 99.5%, from 50% to 99.999%"


def parse_objective(value: object) -> float:
    """Return the ratio of `99.5%`. Raises ValueError."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    ratio = float(match[1]) / 100 if match else 0.0
    if not LEAST_RATIO <= ratio <= MOST_RATIO:
        raise ValueError(_EXPECTED)
    return ratio


Objective = Annotated[
    float,
    BeforeValidator(parse_objective),
    WithJsonSchema({"type": "string", "examples": ["99.5%"]}),
]
