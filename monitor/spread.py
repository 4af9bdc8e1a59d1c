"""How an alert of our location stands at the others: whether it is one region or everybody."""

from collections.abc import Sequence

from aggregator.summary import Summary
from alerting.alert import Transition
from alerting.evaluate import judge
from alerting.quorum import Vote
from alerting.rule import Rule
from alerting.words import listed
from monitor.config.values import Config
from monitor.elsewhere import Elsewhere, patience_s
from monitor.notes import Noting
from probes.result import Fault


def spread(config: Config, elsewhere: Elsewhere) -> Noting:
    """Make a source of where else an alert's condition is so, with more than one location."""
    others = [each for each in config.locations if each != config.location]
    silent_s = patience_s(config.targets)

    def told(transition: Transition) -> Sequence[str]:
        rule = transition.rule
        if not others or rule is None or rule.quorum is not None or not _comparable(rule):
            return ()
        seen = [_seen(elsewhere, each, rule, transition, silent_s) for each in others]
        return (spread_text(transition.alertname, config.location, seen),)

    return told


def spread_text(name: str, own: str, seen: Sequence[tuple[Vote, bool]]) -> str:
    """Say where an alert's condition is so and where it is not.

    `seen`: what the other locations say, and whether the newest probe there was answered.
    """
    so = [own, *(vote.location for vote, _ in seen if vote.breached)]
    fine = [vote.location for vote, _ in seen if vote.breached is False]
    unsure = [vote.location for vote, _ in seen if vote.breached is None and vote.reports]
    silent = [vote.location for vote, _ in seen if not vote.reports]
    text = f"{name} in {listed(so)}"
    if len(so) == 1 and fine:
        answered = all(answers for vote, answers in seen if vote.breached is False)
        verb = "get answers" if len(fine) > 1 else "gets answers"
        text += f" only: {listed(fine)} {verb}" if answered else f" only, not in {listed(fine)}"
    elif fine:
        text += f", not in {listed(fine)}"
    elif not unsure and not silent:
        text = f"{name} everywhere: {listed(so)}"
    text += f"; not known in {listed(unsure)}" if unsure else ""
    return f"{text}; no report from {listed(silent)}" if silent else text


def _comparable(rule: Rule) -> bool:
    """Say whether other locations can be asked: what it looks at is a window, and no other's."""
    return rule.sources.windowed and rule.sources.single


def _seen(
    elsewhere: Elsewhere, location: str, rule: Rule, of: Transition, silent_s: float
) -> tuple[Vote, bool]:
    windows = elsewhere.reporting(location, of.now - silent_s)
    if windows is None:
        return Vote(location, None, reports=False), False
    summary = windows.summary(of.targets, rule.over_s, of.now)
    return Vote(location, judge(rule, summary, firing=False).breached), _answered(summary)


def _answered(summary: Summary) -> bool:
    return summary.recent_faults[-1:] == (Fault.NONE,)
