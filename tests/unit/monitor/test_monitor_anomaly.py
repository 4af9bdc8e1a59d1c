"""What is unusual, as rules hear of it: learnt from roll-ups, judged on windows."""

import math
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS
from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.rollup.table import ROLLUPS, Level, add, series_of
from aggregator.window import Windows
from alerting.expression import parse
from alerting.metric import Anomalous
from alerting.rule import Rule
from monitor.anomaly import Anomalies, asked_for
from monitor.clock import Clock
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target

NOW = 20_000 * 86_400.0
TARGET = Target(
    name="a", provider="p", preset="openai", model="m", operation=Operation.CHAT, prompt="hi"
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    opened = Ledger.open(tmp_path / "a.db", (RESULTS, ROLLUPS), inline=True)
    yield opened
    await opened.close()


def rule(when: str) -> Rule:
    return Rule(name="Unusual", when=parse(when))


RULES = (rule("latency.p50 is anomalous"), rule("tokens_per_s.p50 is anomalous"))
LATENCY = "latency.p50 is anomalous"


async def remembered(ledger: Ledger, hours: int) -> None:
    """Write hours of answers that took about a second, the last of them over just now."""
    random = Random(1)

    def write(connection: sqlite3.Connection) -> None:
        series = series_of(connection, "a", "here")
        for ago in range(1, hours + 1):
            bucket = Bucket()
            for _ in range(20):
                figures = (math.exp(random.gauss(0.0, 0.1)), None, None, 50.0)
                bucket.add(Attempt(True, Verdict.OK, Fault.NONE, False, figures, (1, 1, 0), None))
            add(connection, Level.HOUR, series, int(NOW // 3600) - ago, bucket)

    await ledger.write(write)


class Watching:
    """Anomalies with their windows and a clock that stands where it is set."""

    def __init__(self, ledger: Ledger, rules: tuple[Rule, ...] = RULES) -> None:
        self.now = NOW + 300
        self.windows = Windows(longest_s=3600)
        clock = Clock(lambda: self.now, lambda: self.now)
        self.anomalies = Anomalies(rules, [TARGET], "here", ledger, self.windows, 3600, clock)

    async def probes(self, latency_s: float, count: int = 15) -> None:
        """Take in a probe a minute, and judge every five."""
        for number in range(1, count + 1):
            self.now += 60
            self.windows.ingest(answered(self.now, latency_s), self.now)
            if number % 5 == 0:
                await self.anomalies.judge()

    def said(self) -> dict[str, float]:
        found = self.anomalies.facts(self.now)
        return {str(fact): float(value) for fact, _, value in found if isinstance(value, float)}


def answered(at: float, latency_s: float) -> ProbeResult:
    return ProbeResult(
        target="a",
        provider="p",
        model="m",
        operation=Operation.CHAT,
        location="here",
        slot=int(at),
        slot_at=at,
        at=at,
        verdict=Verdict.OK,
        fault=Fault.NONE,
        total_s=latency_s,
    )


async def test_a_past_that_came_back_late_is_learnt(ledger: Ledger) -> None:
    """A new ledger's roll-ups are rebuilt after the start: until that is told nothing is usual."""
    watching = Watching(ledger)
    await watching.anomalies.learn()
    await remembered(ledger, 8 * 24)
    await watching.anomalies.learn()
    await watching.probes(3.0, 30)
    assert watching.said() == {}
    watching.anomalies.grown("a")
    await watching.anomalies.learn()
    await watching.probes(3.0, 30)
    assert watching.said() == {LATENCY: 1.0}


async def test_three_times_the_usual_is_told_and_explained(ledger: Ledger) -> None:
    """A week is learnt from the roll-ups; then three windows in a row are unusual."""
    await remembered(ledger, 8 * 24)
    watching = Watching(ledger)
    await watching.anomalies.learn()
    await watching.probes(1.0, 30)
    assert watching.said() == {LATENCY: 0.0}
    await watching.probes(3.0, 30)
    assert watching.said() == {LATENCY: 1.0}
    (finding,) = watching.anomalies.findings.values()
    assert finding.explained("s").startswith("3 s; usual for Fri 1h UTC: ")


async def test_while_learning_nothing_is_said(ledger: Ledger) -> None:
    """Three days are no week: rules hear nothing, people how far it is."""
    await remembered(ledger, 3 * 24)
    watching = Watching(ledger)
    await watching.anomalies.learn()
    await watching.probes(9.0)
    assert watching.said() == {}
    (finding,) = watching.anomalies.findings.values()
    assert finding.explained("s") == "learning: 3 of 7 days"


async def test_an_hour_is_learnt_once_it_is_over_and_rolled_up(ledger: Ledger) -> None:
    """The hour under way waits; read again, nothing is asked of the ledger twice."""
    await remembered(ledger, 6 * 24)
    watching = Watching(ledger)
    await watching.anomalies.learn()
    await ledger.close()
    await watching.anomalies.learn()


async def test_without_enough_samples_nothing_is_said(ledger: Ledger) -> None:
    """What was said before is not said on when nobody answers any more."""
    await remembered(ledger, 8 * 24)
    watching = Watching(ledger)
    await watching.anomalies.learn()
    await watching.probes(1.0, 20)
    assert watching.said() == {LATENCY: 0.0}
    watching.now += 7_200
    await watching.anomalies.judge()
    assert watching.said() == {}


async def test_nothing_is_watched_that_no_rule_asks_for(ledger: Ledger) -> None:
    """Without a rule no hour is read, and nothing is kept."""
    watching = Watching(ledger, (rule("drift.events > 1"),))
    await ledger.close()
    await watching.anomalies.learn()
    await watching.probes(1.0)
    assert watching.said() == {}


def test_what_ends_an_alert_is_watched_too() -> None:
    """A rule that asks in `clear` alone would never hear, and its alerts never end."""
    ending = replace(rule("drift.events > 1"), clear=parse("not tokens_per_s.p50 is anomalous"))
    assert [str(each.fact) for each in asked_for([ending])] == ["tokens_per_s.p50 is anomalous"]


def test_percentiles_of_what_is_measured_can_be_watched() -> None:
    """Each once, whichever rules ask; the language knows no other."""
    asked = asked_for(
        [
            *RULES,
            rule("latency.p50 is anomalous and tokens_per_s.p95 is anomalous"),
            rule("drift.events > 1"),
        ]
    )
    found = {str(each.fact): each.statistic for each in asked}
    assert sorted(found) == sorted(
        [LATENCY, "tokens_per_s.p50 is anomalous", "tokens_per_s.p95 is anomalous"]
    )
    assert found[LATENCY].more_is_worse
    assert not found["tokens_per_s.p50 is anomalous"].more_is_worse
    assert isinstance(next(asked_for(RULES)).fact, Anomalous)


async def test_what_was_learnt_is_known_by_another_plan(ledger: Ledger) -> None:
    """Who is watched as before is judged as before; who is asked for more is learnt anew."""
    await remembered(ledger, 24 * 21)
    clock = Clock(lambda: NOW, lambda: NOW)
    windows = Windows(3600.0)

    def plan(*rules: Rule) -> Anomalies:
        return Anomalies(rules, (TARGET,), "here", ledger, windows, 3600.0, clock)

    before, same, more = plan(RULES[0]), plan(RULES[0]), plan(*RULES)
    await before.learn()
    same.take_over(before)
    more.take_over(before)
    assert same._learnt == before._learnt
    assert same._watches == before._watches
    assert more._learnt == {"a": 0}
