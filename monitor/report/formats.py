"""The formats of a report, by name."""

import csv
import json
from dataclasses import asdict
from datetime import UTC, tzinfo
from enum import StrEnum
from io import StringIO
from typing import Final

from monitor.report import words
from monitor.report.figures import Day, Percentiles, Report, TargetReport
from monitor.report.html import html
from monitor.report.markdown import markdown
from probes.result import Fault


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"
    CSV = "csv"


def written(report: Report, kind: Format, zone: tzinfo) -> str:
    """Return the report in a format; JSON has seconds since the epoch, CSV days of UTC."""
    match kind:
        case Format.HTML:
            return html(report, zone)
        case Format.MARKDOWN:
            return markdown(report, zone)
        case Format.JSON:
            return json.dumps(asdict(report), indent=2) + "\n"
        case _:
            return _csv(report)


def _csv(report: Report) -> str:
    """Return a row for each target and day: what is unknown is empty."""
    text = StringIO()
    rows = [_row(target, day) for target in report.targets for day in target.days]
    sheet = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["target", "day"])
    sheet.writeheader()
    sheet.writerows(rows)
    return text.getvalue()


def _row(target: TargetReport, day: Day) -> dict[str, object]:
    of = day.figures
    return {
        "target": _inert(target.name),
        "provider": _inert(target.provider),
        "day": words.day(day.at, UTC),
        "vendor_availability": of.vendor_availability,
        "availability": of.availability,
        "results": of.results,
        "due": of.due,
        "spoiled": of.spoiled,
        "tainted": of.tainted,
        "refused": of.refused,
        "held_back": of.held_back,
        **{f"failures_{fault}": of.failures.get(fault, 0) for fault in Fault if fault != "none"},
        **_cells("latency", of.latency),
        **_cells("first_token", of.first_token),
        "throttled": of.throttled,
        "input_tokens": of.input_tokens,
        "output_tokens": of.output_tokens,
        "cost_usd": of.cost_usd,
    }


def _inert(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    plain = words.plain(text)
    return f"'{plain}" if plain.lstrip()[:1] in _FORMULA else plain


_FORMULA: Final = frozenset("=+-@")


def _cells(name: str, of: Percentiles) -> dict[str, object]:
    cells: dict[str, object] = {}
    for q, reading in (("p50", of.p50), ("p95", of.p95), ("p99", of.p99)):
        cells[f"{name}_{q}_s"] = None if reading is None else reading.value_s
        cells[f"{name}_{q}_is_lower_bound"] = None if reading is None else reading.lower_bound
    return cells
