"""How a report writes figures, the same in every format for people."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from monitor.report.figures import ErrorBudget, Reading, Report
from monitor.report.incidents import Evidence, Incident

UNKNOWN: Final = "–"


def ratio(value: float | None) -> str:
    """Write a share as percents, rounded down: 99.9996 % is not 100 %."""
    return UNKNOWN if value is None else f"{int(value * 1e5 + 1e-6) / 1e3:.3f} %"


def seconds(reading: Reading | None) -> str:
    """Write a percentile."""
    if reading is None:
        return UNKNOWN
    value_s = reading.value_s
    written = f"{value_s:.2f} s" if value_s >= 1.0 else f"{value_s * 1e3:.0f} ms"
    return f"≥ {written}" if reading.lower_bound else written


def usd(value: float | None) -> str:
    """Write money."""
    return UNKNOWN if value is None else f"${value:,.4f}"


def number(value: int | None) -> str:
    """Write a whole number."""
    return UNKNOWN if value is None else f"{value:,}"


def span(duration_s: float) -> str:
    """Write how long something took."""
    minutes, s = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {s} s" if minutes else f"{s} s"


def day(at: float, zone: tzinfo) -> str:
    """Write a date."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d")


def moment(at: float, zone: tzinfo) -> str:
    """Write a date and time with its zone's distance from UTC."""
    written = datetime.fromtimestamp(at, zone)
    return written.strftime("%Y-%m-%d %H:%M:%S ") + (written.strftime("%Z") or "UTC")


def scope(report: Report, zone: tzinfo) -> str:
    """Say what the report is about: from when to when, and from where."""
    return (
        f"{moment(report.since, zone)} to {moment(report.until, zone)},"
        f" probed from {report.location}."
    )


def counts(numbers: Mapping[str, int]) -> str:
    """Write how often each came, the most frequent first."""
    ordered = sorted(numbers.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {number:,}" for name, number in ordered) or "none"


def budget(left: ErrorBudget) -> str:
    """Write what is left of an error budget."""
    spent = f"{left.spent:,} of {left.allowed:,.1f} failures spent"
    if left.left_ratio is None:
        return spent
    if left.left_ratio < 0:
        return f"{spent}, overspent by {-left.left_ratio:.1%}"
    return f"{spent}, {left.left_ratio:.1%} left"


def evidence(found: Evidence, zone: tzinfo) -> str:
    """Write one answer's marks; the request id is the provider's own words."""
    status = "no status" if found.status is None else f"HTTP {found.status}"
    return f"{moment(found.at, zone)}, {status}, {plain(found.request_id or 'no request id')}"


def plain(text: str) -> str:
    """Return text in one line, without what a terminal or a page would act upon."""
    return "".join(c if c.isprintable() else " " for c in text)


def incident(of: Incident, zone: tzinfo) -> str:
    """Write when an incident was, and how much of it."""
    return (
        f"{moment(of.start_at, zone)} to {moment(of.end_at, zone)} ({span(of.duration_s)}):"
        f" {of.failures:,} {'failure' if of.failures == 1 else 'failures'}"
    )


def notes(report: Report, zone: tzinfo) -> list[str]:
    """Write what this report does not know."""
    said = []
    if report.evidence_is_short:
        since = (
            "no single result is kept"
            if report.results_since is None
            else f"single results are kept since {moment(report.results_since, zone)}"
        )
        said.append(f"Incidents and stated limits are not known for the whole range: {since}.")
    if report.incidents_left_out:
        said.append(f"{report.incidents_left_out:,} shorter incidents are not listed.")
    return said
