"""How an alert of our location stands at the others: whether it is one region or everybody."""

from collections.abc import Mapping, Sequence
from typing import Final

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.alert import Transition
from alerting.evaluate import judge
from alerting.metric import Fact, Value
from alerting.quorum import Vote
from alerting.rule import Rule
from alerting.words import listed
from monitor.breadth import failing_share
from monitor.config.values import Config
from monitor.elsewhere import Elsewhere, patience_s
from monitor.notes import Noting
from probes.result import Fault

LOOKED_AT: Final = 100
"""Targets of a provider that are looked at to say how it does elsewhere: each takes some 15 us of
the loop, and there may be thousands."""


def spread(config: Config, elsewhere: Elsewhere) -> Noting:
    """Make a source of where else an alert's condition is so, with more than one location."""
    others = [each for each in config.locations if each != config.location]
    silent_s = patience_s(config.targets)
    models = {target.name: target.model for target in config.targets}

    def told(transition: Transition) -> Sequence[str]:
        rule = transition.rule
        if not others or rule is None or rule.quorum is not None or not _comparable(rule):
            return ()
        seen = []
        for each in others:
            windows = elsewhere.reporting(each, transition.now - silent_s)
            seen.append(_seen(windows, each, rule, transition, models))
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
    """Say whether other locations can be asked: it looks at a window of its own, and at no other.

    How much of a provider fails is no window, but in them.
    """
    sources = rule.sources
    return sources.single and (sources.windowed or sources.facts == (Fact.PROVIDER_FAILING,))


def _seen(
    windows: Windows | None, location: str, rule: Rule, of: Transition, models: Mapping[str, str]
) -> tuple[Vote, bool]:
    if windows is None:
        return Vote(location, None, reports=False), False
    found: Summary | Value | None
    if rule.sources.windowed:
        found = windows.summary(of.targets, rule.over_s, of.now)
        answers = found.recent_faults[-1:] == (Fault.NONE,)
    else:
        found = _failing(windows, of, models)
        answers = found == 0.0
    if found is None:
        return Vote(location, None), False
    return Vote(location, judge(rule, found, firing=False).breached), answers


def _failing(windows: Windows, of: Transition, models: Mapping[str, str]) -> float | None:
    """Return what part of a provider's models failed in their newest probes; None: none had any.

    There is no waiting for a third failure: what goes on everywhere begins everywhere at once.
    """
    newest: dict[str, bool] = {}
    for name in of.targets[:LOOKED_AT]:
        fault = windows.summary((name,), windows.longest_s, of.now).recent_faults[-1:]
        if fault and name in models:
            failed = fault[0] in (Fault.PROVIDER, Fault.NETWORK)
            newest[models[name]] = failed or newest.get(models[name], False)
    failing = {model for model, failed in newest.items() if failed}
    return failing_share(failing, newest.keys()) if newest else None
