"""Maintenance sections -> Maintenance values."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from alerting.match import Match
from alerting.routing.maintenance import Maintenance, Once, Weekly, parse_every, parse_moment
from alerting.routing.silence import known_labels
from alerting.rule import Rule
from monitor.config.document import KeyPath
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import MaintenanceSection, RootSection
from probes.target import Target

USUAL_TIMEZONE: Final = "UTC"


def compile_maintenance(
    root: RootSection, targets: Sequence[Target], rules: Sequence[Rule], findings: Findings
) -> tuple[Maintenance, ...]:
    """Return the times at which alerts are kept quiet."""
    known = known_labels(targets, rules)
    return tuple(
        made
        for index, section in enumerate(root.maintenance)
        for made in _maintenance(("maintenance", index), section, known, findings)
    )


def _maintenance(
    path: KeyPath, section: MaintenanceSection, known: Sequence[str], findings: Findings
) -> Iterator[Maintenance]:
    for name in section.match:
        if name not in known:
            told = f"no alert has a label of this name{did_you_mean(name, known)}"
            findings.bad((*path, "match", name), f"{told}; there is {', '.join(known)}", key=True)
    times = _times(path, section, findings)
    if times is not None:
        timezone = section.timezone or USUAL_TIMEZONE
        fields = tuple(sorted((name, tuple(said)) for name, said in section.match.items()))
        written = section.every or f"{section.from_} to {section.until}"
        yield Maintenance(Match(fields), times, timezone, f"{written} {timezone}")


def _times(path: KeyPath, section: MaintenanceSection, findings: Findings) -> Weekly | Once | None:
    once = (section.from_, section.until)
    if section.every is not None and once == (None, None):
        try:
            return parse_every(section.every)
        except ValueError as error:
            findings.bad((*path, "every"), str(error))
            return None
    if section.every is not None or None in once:
        findings.bad(path, "expected either every, or from and until")
        return None
    begin = _moment((*path, "from"), section.from_ or "", findings)
    end = _moment((*path, "until"), section.until or "", findings)
    if begin is None or end is None:
        return None
    if end <= begin:
        findings.bad((*path, "until"), "it ends before it begins")
        return None
    return Once(begin, end)


def _moment(path: KeyPath, text: str, findings: Findings) -> datetime | None:
    try:
        return parse_moment(text)
    except ValueError as error:
        findings.bad(path, str(error))
        return None
