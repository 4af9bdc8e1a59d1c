"""What came of rule tests, for a terminal and for scripts."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from monitor.config.durations import format_duration
from monitor.rules_test.running import Complaint, Verdicts


def lines(source: str, verdicts: Sequence[Verdicts]) -> Iterator[str]:
    """Yield a line a test, and under one that failed what was expected and what was."""
    failed = sum(bool(each.complaints) for each in verdicts)
    for each in verdicts:
        yield f"{'FAILED' if each.complaints else 'ok':<7} {each.name}"
        for complaint in each.complaints:
            yield from _complaint(source, complaint)
    yield f"{source}: {len(verdicts)} tests, {failed} failed"


def _complaint(source: str, of: Complaint) -> Iterator[str]:
    yield f"        {source}:{of.line}: at {format_duration(of.at_s)}, {of.kind}"
    for name, alerts in (("expected", of.expected), ("was", of.found), ("besides", of.others)):
        if alerts or name != "besides":
            yield f"          {name + ':':<10} {'; '.join(alerts) or 'none'}"


def as_json(source: str, verdicts: Sequence[Verdicts]) -> dict[str, object]:
    """Return the same for scripts. Times are seconds from the beginning of a test."""
    tests = [
        {
            "name": each.name,
            "passed": not each.complaints,
            "complaints": [asdict(complaint) for complaint in each.complaints],
        }
        for each in verdicts
    ]
    return {"file": source, "passed": not any(each.complaints for each in verdicts), "tests": tests}
