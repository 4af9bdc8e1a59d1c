"""The metrics of the `when` language, read by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aggregator.summary import RECENT_FAULTS
from alerting.burn import TIERS
from alerting.metric import (
    Anomalous,
    BurnRate,
    Count,
    Counted,
    Fact,
    Kind,
    Measure,
    Measured,
    Metric,
    Percentile,
    Plain,
    Statistic,
)
from alerting.thresholds import duration, whole
from alerting.tokens import Cursor, ExpressionError, Shape
from probes.result import Fault, Verdict

_BURN: Final = "burn_rate"
_UNCOUNTED: Final = frozenset({Fault.NONE, Fault.MONITOR, Verdict.OK, Verdict.MONITOR_ERROR})
"""Results of these kinds are no failures of what is probed: a window does not count them."""
_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {str(kind): kind for kind in (*Fault, *Verdict) if kind not in _UNCOUNTED}
)
_METRICS: Final = ", ".join(
    [
        *(f"{measure}.STATISTIC" for measure in Measure),
        *map(str, Count),
        *map(str, Plain),
        *map(str, Fact),
        f"{_BURN}(LONG, SHORT)",
    ]
)
_STATISTIC: Final = f"expected .p50 to .p99.9 or one of .{', .'.join(Statistic)}"


_NAMES: Final = frozenset([*Measure, *Count, *Plain, _BURN, *(each.split(".")[0] for each in Fact)])


def is_name(text: str) -> bool:
    """Say whether a metric begins with this word."""
    return text in _NAMES


def metric(cursor: Cursor, slo: str | None) -> Metric:
    """Read a metric; `slo` is the objective whose budget burns. Raises ExpressionError."""
    at = cursor.peek.at
    found = _named(cursor, slo)
    if cursor.peek.text != "is":
        return found
    if not isinstance(found, Measured) or not isinstance(found.statistic, Percentile):
        wanted = "of percentiles alone it is known, such as latency.p95"
        raise ExpressionError(f"nobody knows what is usual for {found}: {wanted}", at)
    cursor.take()
    cursor.expect("anomalous")
    return Anomalous(found)


def _named(cursor: Cursor, slo: str | None) -> Metric:
    name = cursor.peek.text
    if name in tuple(Measure):
        cursor.take()
        return Measured(Measure(name), _statistic(cursor))
    if name in tuple(Count):
        cursor.take()
        return _counted(cursor, Count(name))
    if name in _FACTS:
        cursor.take()
        return _fact(cursor, _FACTS[name])
    if name == _BURN:
        return _burn_rate(cursor, slo)
    if name not in tuple(Plain):
        cursor.fail(f"expected a metric ({_METRICS})")
    cursor.take()
    return Plain(name)


def _fact(cursor: Cursor, facts: Mapping[str, Fact]) -> Fact:
    expected = f"expected one of .{', .'.join(facts)}"
    if not cursor.accept(".") or cursor.peek.text not in facts:
        cursor.fail(expected)
    return facts[cursor.take().text]


def _statistic(cursor: Cursor) -> Statistic | Percentile:
    if not cursor.accept("."):
        cursor.fail(_STATISTIC)
    name = cursor.peek.text
    if name in tuple(Statistic):
        cursor.take()
        return Statistic(name)
    digits = name[1:]
    if name[:1] != "p" or not digits.isdecimal() or len(digits) != 2 or digits < "50":
        cursor.fail(_STATISTIC)
    cursor.take()
    permille = int(digits) * 10
    if cursor.accept("."):
        if len(cursor.peek.text) != 1 or cursor.peek.shape is not Shape.NUMBER:
            cursor.fail(f"expected one digit, as in {name}.5")
        permille += int(cursor.take().text)
    return Percentile(permille)


def _counted(cursor: Cursor, count: Count) -> Counted:
    at = cursor.peek.at
    kinds = _kinds(cursor, count)
    if count is not Count.FAILURES or (cursor.peek.text, cursor.after.text) != ("of", "last"):
        return Counted(count, kinds)
    if any(isinstance(kind, Verdict) for kind in kinds):
        raise ExpressionError("of the newest results the faults alone are known", at)
    cursor.take()
    cursor.take()
    at = cursor.peek.at
    many = whole(cursor, "expected a whole number of results")
    if not 1 <= many <= RECENT_FAULTS:
        raise ExpressionError(f"between 1 and {RECENT_FAULTS} of the newest results are known", at)
    return Counted(count, kinds, int(many))


def _kinds(cursor: Cursor, count: Count) -> tuple[Kind, ...]:
    kinds: list[Kind] = []
    if not cursor.accept("("):
        return ()
    while True:
        kinds.append(_kind(cursor, count, kinds))
        if cursor.accept(")"):
            return tuple(kinds)
        if not cursor.accept(","):
            cursor.fail("expected ',' or ')'")


def _kind(cursor: Cursor, count: Count, before: list[Kind]) -> Kind:
    token = cursor.peek
    kind = _KINDS.get(token.text)
    verdicts_too = count is not Count.CONSECUTIVE
    if kind is None or (isinstance(kind, Verdict) and not verdicts_too):
        known = [name for name, each in _KINDS.items() if verdicts_too or type(each) is Fault]
        cursor.fail(f"expected one of {', '.join(known)}")
    if kind in before:
        raise ExpressionError(f"'{kind}' is named twice", token.at)
    if before and type(before[0]) is not type(kind):
        raise ExpressionError(
            "faults and verdicts cannot be mixed: a result has one of each, and would count twice",
            token.at,
        )
    cursor.take()
    return kind


def _burn_rate(cursor: Cursor, slo: str | None) -> BurnRate:
    token = cursor.take()
    if slo is None:
        raise ExpressionError(f"{_BURN} needs to know of which objective: add slo:", token.at)
    cursor.expect("(")
    at = cursor.peek.at
    fits = "expected a window such as 1h or 5m"
    long_s = float(duration(cursor, fits))
    cursor.expect(",")
    short_s = float(duration(cursor, fits))
    for tier in TIERS:
        if (long_s, short_s) == (tier.long_s, tier.short_s):
            cursor.expect(")")
            return BurnRate(slo, int(tier.long_s), int(tier.short_s))
    pairs = [str(BurnRate(slo, int(tier.long_s), int(tier.short_s))) for tier in TIERS]
    raise ExpressionError(f"of other windows nobody counts it: there is {', '.join(pairs)}", at)


def _facts() -> Mapping[str, Mapping[str, Fact]]:
    """Return the facts by what stands before and behind their full stop."""
    families: dict[str, dict[str, Fact]] = {}
    for fact in Fact:
        family, _, name = fact.partition(".")
        families.setdefault(family, {})[name] = fact
    return families


_FACTS: Final[Mapping[str, Mapping[str, Fact]]] = MappingProxyType(_facts())
