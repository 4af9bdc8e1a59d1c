"""A report as one HTML file: no script, nothing to load, light and dark, and fit to be printed.

Whatever a provider said is hostile: every text goes through `escape`, and the page forbids scripts.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from html import escape
from typing import Final

from monitor.report import words
from monitor.report.charts import CSS, line_chart
from monitor.report.figures import METHOD, Day, Percentiles, Report, TargetReport
from monitor.report.incidents import Incident

STYLE: Final = f"""
:root {{ color-scheme: light dark; --text: #1b1f24; --paper: #fff; --rule: #d0d5db; --dim: #57606a;
  --first: #0969da; --second: #bc4c00; --third: #8250df; }}
@media (prefers-color-scheme: dark) {{ :root {{ --text: #e6edf3; --paper: #0d1117; --rule: #30363d;
  --dim: #9198a1; --first: #58a6ff; --second: #f0883e; --third: #bc8cff; }} }}
@media print {{ :root {{ color-scheme: light; --text: #000; --paper: #fff; --rule: #bbb;
  --dim: #444;  --first: #0969da; --second: #bc4c00; --third: #8250df; }}
  section {{ break-before: page; }} tr, article {{ break-inside: avoid; }} }}
@page {{ margin: 15mm; }}
body {{ font: 14px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper);
  max-width: 960px; margin: 2em auto; padding: 0 1em; overflow-wrap: anywhere; }}
h1, h2, h3 {{ line-height: 1.2; break-after: avoid; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .5em; border-bottom: 1px solid var(--rule); text-align: right; }}
th:first-child, td:first-child {{ text-align: left; }}
thead {{ display: table-header-group; }}
p.note, li.note, footer {{ color: var(--dim); }}
{CSS}"""

OVERVIEW: Final = ("Target", "Vendor's alone", "All faults", "Results", "Due", "p95", "Cost")
DAYS: Final = (
    "Day (UTC)", "Vendor's", "All", "Results", "p50", "p95", "p99", "First p50", "First p95",
    "429s", "Cost",
)  # fmt: skip


def html(report: Report, zone: tzinfo) -> str:
    """Return the report as a page; moments are written in `zone`, days are those of UTC."""
    return "\n".join(_page(report, zone)) + "\n"


def _page(report: Report, zone: tzinfo) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield (
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    yield f"<title>LLM API report</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield "<h1>LLM API report</h1>"
    yield _p(words.scope(report, zone))
    yield from (_p(note, "note") for note in words.notes(report, zone))
    yield _table(OVERVIEW, (_overview(target) for target in report.targets))
    yield "<h2>Incidents</h2>"
    if not report.incidents:
        yield _p("None found.")
    for incident in report.incidents:
        yield from _incident(incident, zone)
    for target in report.targets:
        yield from _target(target, report, zone)
    yield "<footer><h2>How to read this</h2>"
    yield from map(_p, METHOD)
    yield f"{_p(f'Made {words.moment(report.made_at, zone)}.')}</footer>\n</body>\n</html>"


def _overview(target: TargetReport) -> tuple[str, ...]:
    total = target.total
    return (
        target.name,
        words.ratio(total.vendor_availability),
        words.ratio(total.availability),
        f"{total.results:,}",
        f"{total.due:,}",
        words.seconds(total.latency.p95),
        words.usd(total.cost_usd),
    )


def _incident(of: Incident, zone: tzinfo) -> Iterator[str]:
    yield f"<article><h3>{escape(of.target)} at {escape(of.provider)}</h3>"
    yield _p(f"{words.incident(of, zone)}. {words.counts(of.verdicts)}.")
    yield _p(f"Fault: {words.counts(of.faults)}.")
    if of.detail:
        yield f"<p><code>{escape(words.plain(of.detail))}</code></p>"
    marks = (f"<li>{escape(words.evidence(each, zone))}</li>" for each in of.evidence)
    yield f"<ul>{''.join(marks)}</ul></article>"


def _target(target: TargetReport, report: Report, zone: tzinfo) -> Iterator[str]:
    total = target.total
    yield f"<section><h2>{escape(target.name)}</h2>"
    yield _p(f"Model {target.model} at {target.provider}.")
    yield _p(f"Failures by fault: {words.counts(total.failures)}.")
    if target.budget is not None:
        objective = words.ratio(report.objective_ratio)
        yield _p(f"Error budget of {objective}: {words.budget(target.budget)}.")
    yield _p(
        f"Tokens: {total.input_tokens:,} in, {total.output_tokens:,} out;"
        f" {words.usd(total.cost_usd)}."
    )
    yield from _charts(target.days, report)
    yield _table(DAYS, map(_day, target.days))
    if target.limits:
        yield "<h3>Rate limits stated by response headers</h3>"
        yield _table(
            ("Bucket", "Limit", "Least left", "Times", "First", "Last"),
            (
                (
                    limit.bucket,
                    words.number(limit.limit),
                    words.number(limit.least_remaining),
                    f"{limit.times:,}",
                    words.moment(limit.first_at, zone),
                    words.moment(limit.last_at, zone),
                )
                for limit in target.limits
            ),
        )
    yield "</section>"


def _charts(days: Sequence[Day], report: Report) -> Iterator[str]:
    known = {day.at: day.figures for day in days}
    every = range(int(report.since), int(report.until), 86_400)
    names = [words.day(at, UTC)[5:] for at in every]
    unknown = Percentiles()
    for title, of in (
        ("Latency by day", [known[at].latency if at in known else unknown for at in every]),
        ("First token by day", [known[at].first_token if at in known else unknown for at in every]),
    ):
        lines = (
            ("p50", [day.p50 for day in of]),
            ("p95", [day.p95 for day in of]),
            ("p99", [day.p99 for day in of]),
        )
        if drawn := line_chart(names, lines):
            yield f"<h3>{title}</h3>\n{drawn}"


def _day(day: Day) -> tuple[str, ...]:
    of = day.figures
    return (
        words.day(day.at, UTC),
        words.ratio(of.vendor_availability),
        words.ratio(of.availability),
        f"{of.results:,}",
        words.seconds(of.latency.p50),
        words.seconds(of.latency.p95),
        words.seconds(of.latency.p99),
        words.seconds(of.first_token.p50),
        words.seconds(of.first_token.p95),
        f"{of.throttled:,}",
        words.usd(of.cost_usd),
    )


def _p(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "\n".join(_row("td", row) for row in rows)
    return f"<table>\n<thead>{_row('th', head)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(words.plain(cell))}</{tag}>' for cell in cells)}</tr>"
