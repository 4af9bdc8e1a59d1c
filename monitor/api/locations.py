"""How a target does at each location of the group, with more than one."""

from collections.abc import Iterator, Sequence

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.evaluate import judge
from alerting.render import fault_of
from alerting.rule import Severity, Subject
from alerting.series import matching
from alerting.words import listed
from monitor.api.figures import figures_of
from monitor.api.levels import LEVELS, Level, Seen, level_of
from monitor.api.models.targets import AtLocation, TargetNow
from monitor.api.sources import Sources
from monitor.elsewhere import patience_s
from monitor.road import shown_window
from probes.result import Fault
from probes.target import Target

_LOUD = tuple(Severity)


def locations_of(sources: Sources, target: Target, now: TargetNow) -> list[AtLocation]:
    """Return one target at every location, as configured; none where there is but ours."""
    config = sources.config
    if len(config.locations) < 2:
        return []
    return [
        AtLocation(location=each, own=True, level=now.level, figures=now.figures)
        if each == config.location
        else _elsewhere(sources, target, each)
        for each in config.locations
    ]


def _elsewhere(sources: Sources, target: Target, location: str) -> AtLocation:
    at = sources.clock.steady()
    windows = sources.elsewhere.reporting(location, at - patience_s(sources.config.targets))
    if windows is None:
        return AtLocation(location=location, own=False, level="unknown", figures=None)
    summary = windows.summary((target.name,), shown_window(sources.config.windows_s), at)
    seen = Seen(_ok(summary), _loudest(sources, target, windows, location, at))
    return AtLocation(
        location=location, own=False, level=level_of(seen), figures=figures_of(summary)
    )


def _ok(summary: Summary) -> bool | None:
    newest = summary.recent_faults[-1:]
    return newest == (Fault.NONE,) if summary.n and newest else None


def _loudest(
    sources: Sources, target: Target, windows: Windows, location: str, at: float
) -> Severity | None:
    """Return how loud the loudest rule is that is true of a target there; no hold is waited for.

    The alerts themselves are that location's own.
    """
    found = (
        rule.severity
        for rule in sources.config.rules
        if rule.subject is Subject.TARGET
        and rule.sources.windowed
        and rule.sources.single
        and rule.quorum is None
        and fault_of(rule.when)
        and matching(rule, (target,), location)
        and judge(rule, windows.summary((target.name,), rule.over_s, at), firing=False).breached
    )
    return max(found, key=_LOUD.index, default=None)


def standing(locations: Sequence[AtLocation]) -> str:
    """Return where a target does how, the worst first: `down in fra1, ok in iad1 and sin1`."""
    return ", ".join(_groups(locations))


def _groups(locations: Sequence[AtLocation]) -> Iterator[str]:
    for level in LEVELS:
        some = [each.location for each in locations if each.figures and each.level == level]
        if some:
            yield f"{_word(level)} in {listed(some)}"
    silent = [each.location for each in locations if each.figures is None]
    if silent:
        yield f"no report from {listed(silent)}"


def _word(level: Level) -> str:
    return "fine" if level == "ok" else level
