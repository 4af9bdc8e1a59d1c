"""From a configuration and a ledger to what its rules would have done."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aggregator.part import COST
from alerting.consequence import natures_of
from alerting.metric import Measured, Plain
from alerting.routing.route import Route
from alerting.routing.router import Router
from alerting.rule import Rule
from alerting.trial.beats import Beats
from alerting.trial.messages import messages
from alerting.trial.replay import looked_at, replay, series_about
from alerting.trial.telling import Told, told
from alerting.trial.witness import COLUMNS
from monitor.backtest.outcome import Outcome, episodes, outcome, unplayed
from monitor.backtest.reading import Range, Recorded, recorded
from monitor.config.values import Config
from monitor.report.incidents import Incident, incidents
from monitor.routing import labelling
from probes.target import Target


@dataclass(frozen=True, slots=True)
class Question:
    """What a backtest is asked. Wall times, seconds since the epoch."""

    since: float
    until: float
    targets: frozenset[str]
    """Names of those whose alerts and incidents are wanted."""
    rules: frozenset[str]
    """Names of the rules to be tried."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backtest is."""

    doing: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it."""

    source: str
    """The configuration's name."""
    since: float
    until: float
    results: int
    targets: int
    """How many targets were read, those among them that an alert of a provider looks at."""
    oldest_at: float | None
    """When the oldest result of those targets in the range was had; None without any."""
    messages: Mapping[str, int]
    """How many messages each channel would have got of the alerts asked for."""
    outcome: Outcome


def backtest(
    connection: sqlite3.Connection,
    config: Config,
    asked: Question,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> Backtest:
    """Try a configuration's rules over recorded results; see `docs/testing-rules.md`.

    Windows are full at the beginning as far as results are kept. Reads in short statements, so that
    a daemon may go on meanwhile.
    """
    named = [rule for rule in config.rules if rule.name in asked.rules]
    # All are tried: what fires of one decides what people are told of others.
    rules = config.rules
    series = series_about(rules, config.targets, config.location, asked.targets)
    wanted = [t for t in config.targets if t.name in asked.targets | looked_at(series)]
    longest_s = max([rule.over_s for rule in rules], default=0.0)
    where = Range(asked.since - longest_s, asked.until, config.location)
    read = recorded(
        connection,
        [target.name for target in wanted],
        where,
        _columns(rules),
        lambda done, of: progress(Progress("results read", done, of)),
    )
    histories = {name: each.history for name, each in read.items()}
    beats = Beats(asked.since, config.evaluate_every_s, asked.until)
    changes = replay(
        series, histories, beats, lambda done: progress(Progress("rules", done, len(series)))
    )
    news = list(told(changes, beats, natures_of(config.rules)))
    alerts = episodes(changes, news)
    found = [
        incident
        for target in wanted
        if target.name in asked.targets
        for incident in _incidents(target, config.location, read[target.name], asked.since)
    ]
    oldest_at = min((each.history.first_at for each in read.values() if each.rows), default=None)
    return Backtest(
        source=config.source,
        since=asked.since,
        until=asked.until,
        results=sum(each.rows for each in read.values()),
        targets=len(wanted),
        oldest_at=oldest_at,
        messages=_messages(
            config, (each for each in news if each.transition.alertname in asked.rules), beats
        ),
        outcome=outcome(named, unplayed(named), alerts, found, asked.until),
    )


def _columns(rules: Sequence[Rule]) -> frozenset[int]:
    """Return the figures these rules look at: others need not be read."""
    metrics = {metric for rule in rules for metric in rule.sources.metrics}
    measured = {COLUMNS[each.measure] for each in metrics if isinstance(each, Measured)}
    return frozenset(measured | ({COST} if Plain.COST in metrics else set()))


def _incidents(target: Target, location: str, of: Recorded, since: float) -> list[Incident]:
    every = incidents(target.name, target.provider, location, target.interval_s, of.failures())
    return [each for each in every if each.start_at >= since]


def _messages(config: Config, news: Iterable[Told], beats: Beats) -> Mapping[str, int]:
    """Count messages by channel: as routes group them, without silences and maintenance."""
    routes = config.routes or tuple(Route((each.name,), goes_on=True) for each in config.channels)
    router = Router(routes, labelling(config.targets, config.location))
    counts = dict.fromkeys((each.name for each in config.channels), 0)
    for _, message in messages(news, router, beats):
        counts[message.channel] += 1
    return counts
