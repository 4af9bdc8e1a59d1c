"""Facts written down: `budget.used of openai: 20% x10, 85% x20, unknown x3`."""

import re
from collections.abc import Mapping
from typing import Final

from alerting.condition import is_fact
from alerting.metric import AnyFact, BurnRate, Unit, Whose, unit_of, whose
from alerting.naming import metric
from alerting.series import Known
from alerting.thresholds import threshold
from alerting.tokens import Cursor, ExpressionError, Shape
from monitor.config.values import Config
from monitor.rules_test.notation import MOST, NotationError

_TIMES: Final = re.compile(r"\s+x([0-9]{1,6})\s*$")
_OF: Final = re.compile(r"(.+?)\s+of\s+(\S+)\s*")
_FLAGS: Final[Mapping[str, float]] = {"yes": 1.0, "no": 0.0, "1": 1.0, "0": 0.0}


def parse_fact(text: str, config: Config) -> tuple[Known, ...]:
    """Read what is known, and of whom. Raises NotationError.

    A burn rate is of an objective, and becomes known of its targets together and of each.
    """
    found = _OF.fullmatch(text)
    name, subject = (found[1], found[2]) if found else (text, "")
    burning = name.startswith("burn_rate")
    try:
        cursor = Cursor(name)
        fact = metric(cursor, subject if burning else None)
        if cursor.peek.shape is not Shape.END:
            cursor.fail("expected 'of NAME' or the end")
    except ExpressionError as error:
        raise NotationError(error.message, error.position) from None
    if not is_fact(fact):
        raise NotationError(f"{fact} comes from series, it is no fact", 0)
    at = 0 if found is None else found.start(2)
    if isinstance(fact, BurnRate):
        slo = next((each for each in config.slos if each.name == subject), None)
        if slo is None:
            raise NotationError("expected 'of' and the name of an objective in slos:", at)
        return ((fact, ""), *((fact, target.name) for target in config.targets))
    return ((fact, _subject(fact, subject, at, config)),)


def _subject(fact: AnyFact, subject: str, at: int, config: Config) -> str:
    """Return of whom a fact is said to be known. Raises NotationError."""
    known = {
        Whose.TARGET: [target.name for target in config.targets],
        Whose.PROVIDER: [provider.name for provider in config.providers],
        Whose.LOCATION: [""],
    }
    names = [name for each in whose(fact) for name in known[each]]
    if subject not in names:
        shown = ", ".join(name for name in names if name)
        expected = f"expected 'of' and one of {shown}" if shown else "it is of nobody in particular"
        raise NotationError(f"{fact}: {expected}", at)
    return subject


def parse_values(text: str, fact: AnyFact) -> tuple[float | None, ...]:
    """Read the values of a fact, each for as many intervals as it says. Raises NotationError."""
    found: list[float | None] = []
    at = 0
    for piece in text.split(","):
        times = _TIMES.search(piece)
        said = piece if times is None else piece[: times.start()]
        number = 1 if times is None else int(times[1])
        if not 1 <= number <= MOST - len(found):
            raise NotationError(f"expected at least one value, and at most {MOST:,}", at)
        found += [_value(said, fact, at)] * number
        at += len(piece) + 1
    return tuple(found)


def _value(text: str, fact: AnyFact, at: int) -> float | None:
    word = text.strip()
    if word == "unknown":
        return None
    at += len(text) - len(text.lstrip())
    if unit_of(fact) is Unit.FLAG:
        if word not in _FLAGS:
            raise NotationError(f"{fact} is yes, no or unknown", at)
        return _FLAGS[word]
    try:
        cursor = Cursor(word)
        value = threshold(cursor, fact)
        if cursor.peek.shape is not Shape.END:
            cursor.fail("expected ',' or xN")
    except ExpressionError as error:
        raise NotationError(error.message, at + error.position) from None
    return value
