"""A backtest as tables for a terminal, and as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from monitor.backtest.outcome import AT_LEAST, Outcome, RuleOutcome, Seen
from monitor.backtest.running import Backtest
from monitor.config.durations import format_duration

Json = dict[str, object]

LISTED: Final = 20
"""Incidents the table lists, the longest; JSON has all of them."""
_WEEK_S: Final = 7 * 86_400.0
_RULES: Final = ("RULE", "SEVERITY", "ALERTS", "A WEEK", "TOLD", "MEDIAN", "LONGEST", "TOTAL")
_WHEN: Final = ("FIRST (UTC)", "LAST (UTC)", "INCIDENTS")
_INCIDENTS: Final = ("FROM (UTC)", "TARGET", "LASTED", "FAILURES", "TOLD BY", "AFTER")


def table(found: Backtest) -> Iterator[str]:
    """Yield the lines of one backtest."""
    of = found.outcome
    yield _heading(found)
    yield ""
    span_s = found.until - found.since
    number = len(of.seen)
    yield from _aligned([(*_RULES, *_WHEN), *(_rule(each, span_s, number) for each in of.rules)])
    if found.messages:
        yield ""
        each = ", ".join(f"{number} to {channel}" for channel, number in found.messages.items())
        yield f"messages, as routes group alerts: {each}"
    if of.unplayed:
        yield ""
        yield from (f"{name}: {why}" for name, why in of.unplayed.items())
    yield ""
    yield _incidents_heading(of)
    if of.seen:
        longest = sorted(of.seen, key=lambda each: -each.incident.duration_s)[:LISTED]
        ordered = sorted(longest, key=lambda each: each.incident.start_at)
        yield from _aligned([_INCIDENTS, *map(_incident, ordered)])


def _heading(found: Backtest) -> str:
    between = f"{_moment(found.since)} to {_moment(found.until)} UTC"
    if found.oldest_at is None:
        return f"{found.source}, {between}: no results are kept of that time"
    text = f"{found.source}, {between}: {found.results:,} results of {found.targets} targets"
    if found.oldest_at > found.since:
        text += f", the oldest of {_moment(found.oldest_at)}: of what is older no results are kept"
    return text


def _incidents_heading(of: Outcome) -> str:
    late = sum(each.late for each in of.seen)
    return (
        f"incidents of at least {AT_LEAST} failures of the provider's: {len(of.seen)},"
        f" of which nobody was told: {len(of.missed)}, told only afterwards: {late}"
    )


def _rule(of: RuleOutcome, span_s: float, incidents: int) -> tuple[str, ...]:
    return (
        of.name,
        of.severity,
        str(of.alerts),
        f"{of.alerts * _WEEK_S / span_s:.1f}",
        str(of.told),
        _length(of.median_s),
        _length(of.longest_s),
        _length(of.total_s if of.alerts else None),
        _moment(of.first_at),
        _moment(of.last_at),
        f"{of.incidents} of {incidents}",
    )


def _incident(of: Seen) -> tuple[str, ...]:
    incident = of.incident
    return (
        _moment(incident.start_at),
        incident.target,
        _length(incident.duration_s),
        str(incident.failures),
        of.rule or "nobody",
        _length(of.after_s),
    )


def compared(one: Backtest, other: Backtest) -> Iterator[str]:
    """Yield the lines that say what two sets of rules differ in, the first being today's."""
    before = {each.name: each for each in one.outcome.rules}
    after = {each.name: each for each in other.outcome.rules}
    rows = [("RULE", "ALERTS", "", "TOLD", "", "TOTAL", "", "INCIDENTS", "")]
    for name in dict.fromkeys((*before, *after)):
        cells = [_few(each.get(name)) for each in (before, after)]
        if cells[0] != cells[1]:
            pairs = (pair for both in zip(*cells, strict=True) for pair in both)
            rows.append((name, *pairs))
    yield f"what differs, {one.source} beside {other.source}:"
    if len(rows) == 1:
        yield "nothing"
    else:
        yield from _aligned(rows)
    missed = (len(one.outcome.missed), len(other.outcome.missed))
    yield f"incidents nobody was told of: {missed[0]}, then {missed[1]}"


def _few(of: RuleOutcome | None) -> tuple[str, ...]:
    if of is None:
        return ("-",) * 4
    return (str(of.alerts), str(of.told), _length(of.total_s), str(of.incidents))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _moment(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _length(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return format_duration(round(seconds / 60.0) * 60.0 if seconds >= 3600 else round(seconds))


def as_json(found: Backtest) -> Json:
    """Return a backtest for scripts: seconds, and wall times since the epoch."""
    of = found.outcome
    return {
        "configuration": found.source,
        "since": found.since,
        "until": found.until,
        "results": found.results,
        "targets": found.targets,
        "oldest_at": found.oldest_at,
        "messages": dict(found.messages),
        "rules": [_plain(each) for each in of.rules],
        "unplayed": dict(of.unplayed),
        "incidents": list(_incidents(of.seen)),
    }


def _plain(of: RuleOutcome) -> Mapping[str, object]:
    return {name: getattr(of, name) for name in RuleOutcome.__dataclass_fields__}


def _incidents(seen: Iterable[Seen]) -> Iterator[Json]:
    for each in seen:
        yield {
            "target": each.incident.target,
            "provider": each.incident.provider,
            "start_at": each.incident.start_at,
            "end_at": each.incident.end_at,
            "failures": each.incident.failures,
            "verdicts": each.incident.verdicts,
            "told_by": each.rule,
            "told_after_s": each.after_s,
            "late": each.late,
        }
