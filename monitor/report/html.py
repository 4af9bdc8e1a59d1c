"""A report as one HTML file: no script, nothing to load, light and dark, and fit to be printed.

Whatever a provider said is hostile: every text goes through `escape`, and the page forbids scripts.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from html import escape
from typing import Final

from monitor.report import words
from monitor.report.charts import CSS, line_chart
from monitor.report.figures import (
    DAY_S,
    Day,
    Figures,
    Percentiles,
    Report,
    StatedLimit,
    TargetReport,
)
from monitor.report.incidents import Incident
from monitor.report.method import MEASURED, METHOD

STYLE: Final = f"""
:root {{ color-scheme: light dark; --text: #1b1f24; --paper: #fff; --rule: #d0d5db; --dim: #57606a;
  --first: #0969da; --second: #bc4c00; --third: #8250df; }}
@media (prefers-color-scheme: dark) {{ :root {{ --text: #e6edf3; --paper: #0d1117; --rule: #30363d;
  --dim: #9198a1; --first: #58a6ff; --second: #f0883e; --third: #bc8cff; }} }}
@page {{ margin: 15mm; }}
body {{ font: 14px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper);
  max-width: 960px; margin: 2em auto; padding: 0 1em; overflow-wrap: anywhere; }}
h1, h2, h3 {{ line-height: 1.2; break-after: avoid; }}
a {{ color: var(--first); }}
ul {{ padding-left: 1.4em; }}
article p, article ul {{ margin: .3em 0; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .5em; border-bottom: 1px solid var(--rule); text-align: right;
  white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; }}
td:has(a) {{ white-space: normal; min-width: 8em; }}
thead {{ display: table-header-group; }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26em), 1fr));
  gap: 0 1em; }}
.charts figure {{ margin: 0; break-inside: avoid; }}
figcaption {{ font-weight: 600; }}
p.note, li.note, footer {{ color: var(--dim); }}
{CSS}
@media print {{ :root {{ color-scheme: light; --text: #000; --paper: #fff; --rule: #bbb;
  --dim: #444; --first: #0969da; --second: #bc4c00; --third: #8250df; }}
  body {{ font-size: 10pt; margin: 0; padding: 0; max-width: none; }} table {{ font-size: 8pt; }}
  th, td {{ padding: .15em .3em; }} .wide {{ overflow: visible; }}
  .charts {{ grid-template-columns: 1fr 1fr; }}
  a {{ color: inherit; text-decoration: none; }} tr, article {{ break-inside: avoid; }} }}
"""

OVERVIEW: Final = ("Target", "Vendor's alone", "All faults", "Results", "Due", "p95", "Cost")
LOCATIONS: Final = ("Location", *OVERVIEW[1:])
DAYS: Final = (
    "Day (UTC)", "Vendor's", "All", "Results", "p50", "p95", "p99", "First p50", "First p95",
    "429s", "Cost",
)  # fmt: skip
LIMITS: Final = ("Bucket", "Limit", "Least left", "Times", "First", "Last")


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
    yield _table(OVERVIEW, map(_overview, report.targets), links="t")
    yield "<h2>Incidents</h2>"
    if not report.incidents:
        yield _p(words.no_incident(report))
    for incident in report.incidents:
        yield from _incident(incident, zone)
    yield "<h2>When our own side was in the way</h2>"
    yield from _list(words.troubles(report, zone))
    for number, target in enumerate(report.targets):
        yield f'<section id="t{number}">'
        yield from _target(target, report, zone)
        yield "</section>"
    yield "<footer><h2>How this was measured</h2>"
    yield from map(_p, (*MEASURED, words.made(report, zone)))
    yield "<h2>How to read this</h2>"
    yield from map(_p, METHOD)
    yield "</footer>\n</body>\n</html>"


def _overview(target: TargetReport) -> tuple[str, ...]:
    return (target.name, *_shares(target.total))


def _shares(total: Figures) -> tuple[str, ...]:
    return (
        words.ratio(total.vendor_availability),
        words.ratio(total.availability),
        f"{total.results:,}",
        f"{total.due:,}",
        words.seconds(total.latency.p95),
        words.usd(total.cost_usd),
    )


def _incident(of: Incident, zone: tzinfo) -> Iterator[str]:
    yield f"<article><h3>{_text(words.whose(of))}</h3>"
    yield _p(f"{words.incident(of, zone)}.")
    yield _p(f"{words.what(of)}.")
    if of.detail:
        yield f"<p>First words: <code>{_text(of.detail)}</code></p>"
    yield from _list(words.evidence(each, zone) for each in of.evidence)
    lead, *said = words.page(of, zone)
    yield _p(lead)
    yield from _list(said)
    if of.troubles:
        yield _p("Our own side meanwhile:")
        yield from _list(words.trouble(each, zone) for each in of.troubles)
    yield "</article>"


def _target(target: TargetReport, report: Report, zone: tzinfo) -> Iterator[str]:
    total = target.total
    yield f"<h2>{_text(target.name)}</h2>"
    yield _p(f"{words.asked(target)}.")
    yield _p(f"Failures by fault: {words.counts(total.failures)}.")
    yield _p(f"{words.coverage(target, report)}; {words.timing(target.timing)}.")
    if target.budget is not None:
        objective = words.objective(report.objective_ratio)
        yield _p(f"Error budget of {objective}: {words.budget(target.budget)}.")
    yield _p(
        f"Tokens: {total.input_tokens:,} in, {total.output_tokens:,} out;"
        f" {words.usd(total.cost_usd)}."
    )
    if len(report.locations) > 1:
        yield _table(
            LOCATIONS, ((each.location, *_shares(each.total)) for each in target.locations)
        )
    if target.days:
        yield from _charts(target.days, report)
        yield _table(DAYS, map(_day, target.days))
    if target.limits:
        yield "<h3>Rate limits stated by response headers</h3>"
        yield _table(LIMITS, (_limit(each, zone) for each in target.limits))


def _limit(of: StatedLimit, zone: tzinfo) -> tuple[str, ...]:
    return (
        of.bucket,
        words.number(of.limit),
        words.number(of.least_remaining),
        f"{of.times:,}",
        words.moment(of.first_at, zone),
        words.moment(of.last_at, zone),
    )


def _charts(days: Sequence[Day], report: Report) -> Iterator[str]:
    known = {day.at: day.figures for day in days}
    every = range(int(report.since), int(report.until), DAY_S)
    names = [words.day(at, UTC)[5:] for at in every]
    unknown = Percentiles()
    yield '<div class="charts">'
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
            yield f"<figure><figcaption>{title}</figcaption>{drawn}</figure>"
    yield "</div>"


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


def _text(text: str) -> str:
    return escape(words.plain(text))


def _p(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{_text(text)}</p>' if kind else f"<p>{_text(text)}</p>"


def _list(lines: Iterable[str]) -> Iterator[str]:
    if items := "".join(f"<li>{_text(line)}</li>" for line in lines):
        yield f"<ul>{items}</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], links: str = "") -> str:
    """Write a table; with `links` the n-th row's first cell leads to the element of that id."""
    body = []
    for number, (first, *cells) in enumerate(rows):
        named = f'<a href="#{links}{number}">{_text(first)}</a>' if links else _text(first)
        body.append(f"<tr><td>{named}</td>{_cells('td', cells)}</tr>")
    return (
        f'<div class="wide"><table>\n<thead><tr>{_cells("th", head)}</tr></thead>\n<tbody>\n'
        + "\n".join(body)
        + "\n</tbody>\n</table></div>"
    )


def _cells(tag: str, cells: Sequence[str]) -> str:
    return "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells)
