"""A report as Markdown that also reads well, as it is, in a terminal of 80 columns.

A provider's words stand in code spans that they cannot leave.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from textwrap import fill
from typing import Final

from monitor.report import words
from monitor.report.figures import METHOD, Day, Report, TargetReport
from monitor.report.incidents import Incident

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
        yield _p("None found.")
    for incident in report.incidents:
        yield from _incident(incident, zone)
    for target in report.targets:
        yield from _target(target, report, zone)
    yield "## How to read this\n"
    yield from map(_p, METHOD)
    yield _p(f"Made {words.moment(report.made_at, zone)}.")


def _incident(of: Incident, zone: tzinfo) -> Iterator[str]:
    yield f"### {of.target} at {of.provider}\n"
    yield _item(words.incident(of, zone))
    yield _item(f"{words.counts(of.verdicts)}; fault: {words.counts(of.faults)}")
    if of.detail:
        yield f"- {_code(of.detail)}"
    for each in of.evidence:
        yield f"- {_code(words.evidence(each, zone))}"
    yield ""


def _target(target: TargetReport, report: Report, zone: tzinfo) -> Iterator[str]:
    total = target.total
    yield f"## {target.name}\n"
    yield _item(f"model {target.model} at {target.provider}")
    yield _item(
        f"availability: {words.ratio(total.vendor_availability)} counting the vendor's failures"
        f" alone, {words.ratio(total.availability)} counting all"
    )
    yield _item(f"{total.results:,} results of {total.due:,} slots due")
    yield _item(f"failures by fault: {words.counts(total.failures)}")
    if target.budget is not None:
        objective = words.ratio(report.objective_ratio)
        yield _item(f"error budget of {objective}: {words.budget(target.budget)}")
    first = total.first_token
    yield _item(f"first token: p50 {words.seconds(first.p50)}, p95 {words.seconds(first.p95)}")
    yield _item(
        f"tokens: {total.input_tokens:,} in, {total.output_tokens:,} out;"
        f" {words.usd(total.cost_usd)}"
    )
    for limit in target.limits:
        yield _item(
            f"rate limit stated: {words.plain(limit.bucket)} {words.number(limit.limit)}, least"
            f" left {words.number(limit.least_remaining)}, {limit.times:,} times,"
            f" {words.day(limit.first_at, zone)} to {words.day(limit.last_at, zone)}"
        )
    yield ""
    yield from _table(DAYS, map(_day, target.days))
    yield ""


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
    return fill(text, COLUMNS, break_long_words=False) + "\n"


def _item(text: str) -> str:
    return fill(
        f"- {text}", COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _code(text: str) -> str:
    return f"`{words.plain(text).replace('`', chr(39))}`"
