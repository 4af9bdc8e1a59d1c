"""A report as Markdown that also reads well, as it is, in a terminal of 80 columns.

A provider's words stand in code spans that they cannot leave.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from textwrap import fill
from typing import Final

from monitor.report import words
from monitor.report.figures import Day, Figures, Report, TargetReport
from monitor.report.incidents import Incident
from monitor.report.method import MEASURED, METHOD

COLUMNS: Final = 80
DAYS: Final = ("Day (UTC)", "Vendor's", "All", "p50", "p95", "p99", "429s")


def markdown(report: Report, zone: tzinfo) -> str:
    """Return the report as Markdown; moments are written in `zone`, days are those of UTC."""
    return "\n".join(_lines(report, zone))


def _lines(report: Report, zone: tzinfo) -> Iterator[str]:
    yield "# LLM API report\n"
    yield _p(words.scope(report, zone))
    yield from map(_p, words.notes(report, zone))
    yield "## Incidents\n"
    if not report.incidents:
        yield _p(words.no_incident(report))
    for incident in report.incidents:
        yield from _incident(incident, zone)
    yield "## When our own side was in the way\n"
    yield from map(_item, words.troubles(report, zone))
    yield ""
    for target in report.targets:
        yield from _target(target, report, zone)
    yield "## How this was measured\n"
    yield from map(_p, (*MEASURED, words.made(report, zone)))
    yield "## How to read this\n"
    yield from map(_p, METHOD)


def _incident(of: Incident, zone: tzinfo) -> Iterator[str]:
    yield f"### {_safe(words.whose(of))}\n"
    yield _item(words.incident(of, zone))
    yield _item(words.what(of))
    if of.detail:
        yield f"- {_code(of.detail)}"
    for each in of.evidence:
        yield f"- {_code(words.evidence(each, zone))}"
    lead, *said = words.page(of, zone)
    yield _item(lead)
    yield from (f"  - {_code(line)}" for line in said)
    for trouble in of.troubles:
        yield _item(f"our own side meanwhile: {words.trouble(trouble, zone)}")
    yield ""


def _target(target: TargetReport, report: Report, zone: tzinfo) -> Iterator[str]:
    total = target.total
    yield f"## {_safe(target.name)}\n"
    yield _item(words.asked(target))
    yield _item(_availability(total))
    if len(report.locations) > 1:
        for each in target.locations:
            yield _item(f"from {each.location}: {_availability(each.total)}")
    yield _item(words.coverage(target, report))
    yield _item(words.timing(target.timing))
    yield _item(f"failures by fault: {words.counts(total.failures)}")
    if target.budget is not None:
        objective = words.objective(report.objective_ratio)
        yield _item(f"error budget of {objective}: {words.budget(target.budget)}")
    first = total.first_token
    yield _item(f"first token: p50 {words.seconds(first.p50)}, p95 {words.seconds(first.p95)}")
    yield _item(
        f"tokens: {total.input_tokens:,} in, {total.output_tokens:,} out;"
        f" {words.usd(total.cost_usd)}"
    )
    for limit in target.limits:
        yield _item(
            f"rate limit stated: {limit.bucket} {words.number(limit.limit)}, least"
            f" left {words.number(limit.least_remaining)}, {limit.times:,} times,"
            f" {words.day(limit.first_at, zone)} to {words.day(limit.last_at, zone)}"
        )
    yield ""
    if target.days:
        yield from _table(DAYS, map(_day, target.days))
        yield ""


def _availability(of: Figures) -> str:
    return (
        f"availability: {words.ratio(of.vendor_availability)} counting the vendor's failures"
        f" alone, {words.ratio(of.availability)} counting all; p95 {words.seconds(of.latency.p95)}"
    )


def _day(day: Day) -> tuple[str, ...]:
    of = day.figures
    return (
        words.day(day.at, UTC),
        words.ratio(of.vendor_availability),
        words.ratio(of.availability),
        words.seconds(of.latency.p50),
        words.seconds(of.latency.p95),
        words.seconds(of.latency.p99),
        f"{of.throttled:,}",
    )


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = [head, *body]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield f"|{'|'.join(cells)}|"
        if number == 0:
            yield f"|{'|'.join('-' * (width - 1) + ':' for width in widths)}|"


def _p(text: str) -> str:
    return fill(_safe(text), COLUMNS, break_long_words=False) + "\n"


def _item(text: str) -> str:
    return fill(
        f"- {_safe(text)}",
        COLUMNS,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


_MARKUP: Final = re.compile(r"([\\`*\[\]<>#|~!]|(?<!\w)_|_(?!\w))")
"""What Markdown acts upon within a line: https://spec.commonmark.org/0.31.2/#backslash-escapes."""


def _safe(text: str) -> str:
    """Return text in which nothing is markup: names come from configurations and from imports."""
    return _MARKUP.sub(r"\\\1", words.plain(text))


def _code(text: str) -> str:
    return f"`{words.plain(text).replace('`', chr(39))}`"
