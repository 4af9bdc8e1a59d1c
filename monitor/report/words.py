"""How a report writes figures, the same in every format for people."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from math import floor
from typing import Final

from monitor.report.beside import Beside, Said
from monitor.report.figures import ErrorBudget, Reading, Report, TargetReport, Timing
from monitor.report.incidents import Evidence, Incident, Stretch

UNKNOWN: Final = "–"


def ratio(value: float | None) -> str:
    """Write a share as percents, rounded down: 99.9996 % is not 100 %."""
    return UNKNOWN if value is None else f"{int(value * 1e5 + 1e-6) / 1e3:.3f} %"


def objective(value_ratio: float | None) -> str:
    """Write an objective as it was given: a rounded one would not be what the budget is of."""
    return UNKNOWN if value_ratio is None else f"{100.0 * value_ratio:.10g} %"


def seconds(reading: Reading | None) -> str:
    """Write a percentile."""
    if reading is None:
        return UNKNOWN
    value_s = reading.value_s
    if value_s >= 1.0:
        written = f"{value_s:.2f} s"
    else:
        written = f"{value_s * 1e3:.{0 if value_s >= 0.01 else 1}f} ms"
    return f"≥ {written}" if reading.lower_bound else written


def usd(value: float | None) -> str:
    """Write money; what is little is not nothing."""
    if value is None:
        return UNKNOWN
    return "< $0.0001" if 0.0 < value < 0.0001 else f"${value:,.4f}"


def number(value: int | None) -> str:
    """Write a whole number."""
    return UNKNOWN if value is None else f"{value:,}"


def span(duration_s: float) -> str:
    """Write how long something took."""
    if duration_s < 1.0:
        return "< 1 s"
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
        f" probed from {', '.join(map(plain, report.locations)) or 'nowhere'}."
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
    percents = floor(left.left_ratio * 1e3 + 1e-6) / 10  # a failure spent is never 100 % left
    if percents < 0:
        return f"{spent}, overspent by {-percents:.1f} %"
    return f"{spent}, {percents:.1f} % left"


def evidence(found: Evidence, zone: tzinfo) -> str:
    """Write one failure's marks; the request id is the provider's own words."""
    status = "no status" if found.status is None else f"HTTP {found.status}"
    return (
        f"{moment(found.at, zone)}, {plain(found.verdict)}, {status},"
        f" {plain(found.request_id or 'no request id')}"
    )


def plain(text: str) -> str:
    """Return text in one line, without what a terminal or a page would act upon."""
    return "".join(c if c.isprintable() else " " for c in text)


def incident(of: Incident, zone: tzinfo) -> str:
    """Write when an incident was, and how much of it."""
    unasked = f" ({of.refused:,} of them slots that were not asked)" if of.refused else ""
    return (
        f"{moment(of.start_at, zone)} to {moment(of.end_at, zone)} ({span(of.duration_s)}):"
        f" {of.failures:,} {'failure' if of.failures == 1 else 'failures'}{unasked},"
        f" {of.good_between or 'no'} good {'result' if of.good_between == 1 else 'results'} between"
        f"{', at the beginning of the report: it may be older' if of.may_be_older else ''}"
        f"{', at the end of the report: it may go on' if of.may_go_on else ''}"
    )


def no_incident(report: Report) -> str:
    """Write that there is none, and no more than is known."""
    if not report.evidence_is_short:
        return "None found."
    if report.evidence_is_gone:
        return "Not known: no single result of that time is kept."
    return "None found in the single results that are kept."


def what(of: Incident) -> str:
    """Write what failed, in verdicts and HTTP statuses."""
    statuses = counts({f"HTTP {status}": number for status, number in of.statuses.items()})
    return f"{counts(of.verdicts)}; statuses: {statuses}"


def page(of: Incident, zone: tzinfo) -> Iterator[str]:
    """Write what the provider's status page said meanwhile: a line for people, then its words."""
    if of.page is None:
        yield "The provider's status page: not watched then, so nothing is known of it."
        return
    yield f"The provider's status page{_silence(of.page)}:"
    yield from (said(each, zone) for each in of.page.said)
    if of.page.left_out:
        yield f"and {of.page.left_out:,} more"


def _silence(of: Beside) -> str:
    admitted = " said nothing of it" if of.silent else ""
    gaps = "" if of.watched_throughout else " (not read all the while)"
    return f"{admitted}{gaps}"


def said(of: Said, zone: tzinfo) -> str:
    """Write one thing a page said, and for how long; a title is the provider's own words."""
    told = "could not be read" if of.state == "unknown" else plain(of.state)
    titled = f" “{plain(of.title)}”" if of.title else ""
    until = "until" if of.seen_to_end else "and still at"
    return (
        f"{plain(of.page)}: {told}{titled}, from {moment(of.first_at, zone)}"
        f" {until} {moment(of.until_at, zone)}"
    )


def whose(of: Incident) -> str:
    """Write whom an incident is of, and where it was seen."""
    return f"{plain(of.target)} at {plain(of.provider)}, from {plain(of.location)}"


def troubles(report: Report, zone: tzinfo) -> Iterator[str]:
    """Write when our own side was in the way: what failed then is not the provider's."""
    if report.evidence_is_gone:
        yield "not known: no single result of that time is kept"
    elif not report.troubles:
        yield "never, as far as single results are kept"
    yield from (trouble(each, zone) for each in report.troubles)
    if report.troubles_left_out:
        yield f"and {report.troubles_left_out:,} shorter times"


def made(report: Report, zone: tzinfo) -> str:
    """Write when and by what the report was made."""
    return f"Made {moment(report.made_at, zone)} by Sonde {report.version}."


def trouble(of: Stretch, zone: tzinfo) -> str:
    """Write when our own side was in the way, and of how much."""
    return (
        f"{moment(of.start_at, zone)} to {moment(of.end_at, zone)}"
        f" ({span(of.end_at - of.start_at)}) at {plain(of.location)}:"
        f" {of.results:,} {'slot' if of.results == 1 else 'slots'}"
    )


def asked(of: TargetReport) -> str:
    """Write what is asked of whom, and how."""
    who = f"{plain(of.model)} at {plain(of.provider)}" if of.provider else "Model not known"
    return f"{who}; {of.asked or 'not configured any more'}"


def coverage(target: TargetReport, report: Report) -> str:
    """Write how much of what was due was measured, and what of it our own side spoiled."""
    of = target.total
    absent = of.due - of.results - of.spoiled
    return (
        f"{of.results:,} results of {of.due:,} slots due, on {len(target.days):,} of"
        f" {report.days:,} days; {of.refused:,} of the results are slots not asked while a breaker"
        f" was open; {of.spoiled:,} slots failed through the monitor, {absent:,} had no result,"
        f" {of.held_back:,} more were held back by choice; {of.tainted:,} results tainted by the"
        " monitor's lateness"
    )


def timing(of: Timing) -> str:
    """Write how single results were timed."""
    return (
        f"of the attempts kept, {of.kernel:,} timed by the kernel, {of.user:,} by our own clock,"
        f" {of.none:,} without an answer; {of.interrupted:,} interrupted by a clock step or suspend"
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
    if report.pages_since is None:
        said.append("What status pages said is not known: none was read.")
    elif report.pages_since > report.since:
        since = moment(report.pages_since, zone)
        said.append(f"What status pages said is known since {since}.")
    if report.incidents_left_out:
        said.append(f"{report.incidents_left_out:,} shorter incidents are not listed.")
    return said
