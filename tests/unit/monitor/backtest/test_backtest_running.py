"""A configuration's rules over a ledger's past."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.ledger_file import open_reader
from alerting.expression import parse
from alerting.quorum import Quorum
from alerting.rule import Rule, Subject
from monitor.backtest.running import Backtest, Progress, Question, backtest
from monitor.backtest.words import table
from monitor.config.load import load
from monitor.config.values import Config
from tests.unit.monitor.backtest.pasts import BEGAN, MINUTES, write

UNTIL = BEGAN + 60.0 * MINUTES


def config(folder: Path) -> Config:
    return load(folder / "sonde.yaml", {}, cwd=folder, strict=False).config


def tried(
    folder: Path, of: Config, targets: str = "ab", since: float = BEGAN, **said: frozenset[str]
) -> Backtest:
    rules = said.get("rules", frozenset(rule.name for rule in of.rules))
    asked = Question(since, UNTIL, frozenset(targets), rules)
    with closing(open_reader(folder / "past.db")) as connection:
        return backtest(connection, of, asked)


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """A folder with a ledger and its configuration."""
    write(tmp_path)
    return tmp_path


def test_an_outage_is_one_alert_told_after_three_failures(past: Path) -> None:
    """At the beat behind the third result, until the beat behind the first good one."""
    found = tried(past, config(past))
    rows = {each.name: each for each in found.outcome.rules}
    down = rows["Down"]
    assert (down.alerts, down.told, down.firing, down.incidents) == (1, 1, 0, 1)
    assert down.first_at == down.last_at == BEGAN + 60.0 * 102 + 5.0
    assert down.median_s == down.longest_s == down.total_s == 8 * 60.0
    assert rows["HighLatency"].alerts == 0
    assert rows["HighLatency"].median_s is None
    (seen,) = found.outcome.seen
    assert (seen.rule, seen.after_s, seen.late) == ("Down", 125.0, False)
    assert seen.incident.failures == 10
    assert found.outcome.missed == ()
    assert (found.results, found.targets) == (2 * MINUTES, 2)
    assert found.oldest_at == BEGAN + 2.0


def test_what_nobody_was_told_of_is_missed(past: Path) -> None:
    """When the one rule that is tried looks elsewhere."""
    found = tried(past, config(past), rules=frozenset({"HighLatency"}))
    assert [each.name for each in found.outcome.rules] == ["HighLatency"]
    (missed,) = found.outcome.missed
    assert (missed.rule, missed.after_s, missed.late) == (None, None, False)


def test_rules_on_what_is_not_recorded_are_named(past: Path) -> None:
    """Wholly, or in part: the rest of a rule is tried."""
    own = (
        Rule(name="Cut", when=parse("egress.failing or failures >= 2"), over_s=300.0),
        Rule(name="Money", when=parse("budget.used > 80%"), subject=Subject.PROVIDER),
        Rule(name="Most", when=parse("failures >= 2"), over_s=300.0, quorum=Quorum(2, 3)),
    )
    found = tried(past, replace(config(past), rules=own))
    assert found.outcome.unplayed == {
        "Cut": "egress.failing taken for unknown: it is not in the recorded results",
        "Money": "not tried: budget.used is not in the recorded results",
        "Most": "not tried: it asks several locations, and one is read",
    }
    assert [each.alerts for each in found.outcome.rules] == [2, 0, 0]


def test_one_target_is_tried_with_those_its_alerts_look_at(past: Path) -> None:
    """An alert of a provider is of all its targets; alerts and incidents of others are left out."""
    rule = Rule(name="Any", when=parse("failures >= 1"), over_s=300.0, subject=Subject.PROVIDER)
    alone = replace(rule, name="Own", subject=Subject.TARGET)
    found = tried(past, replace(config(past), rules=(rule, alone)), targets="b")
    assert [each.alerts for each in found.outcome.rules] == [2, 1]
    assert found.outcome.seen == ()
    assert found.targets == 2
    only = tried(past, replace(config(past), rules=(alone,)), targets="b")
    assert only.targets == 1


def test_windows_are_full_at_the_beginning(past: Path) -> None:
    """What was before the range counts in its windows, not as its incident."""
    found = tried(past, config(past), since=BEGAN + 60.0 * 108)
    rows = {each.name: each for each in found.outcome.rules}
    assert rows["Down"].first_at == BEGAN + 60.0 * 108
    assert found.outcome.seen == ()


def test_messages_are_counted_as_routes_group_them(past: Path) -> None:
    """One that it fires, one that it is over; what one rule alone sends where one is asked for."""
    channel = 'notify: {channels: {ops: {type: webhook, url: "${HOOK}"}}}\n'
    with (past / "sonde.yaml").open("a") as file:
        file.write(channel)
    of = load(past / "sonde.yaml", {"HOOK": "https://ops.example/h"}, cwd=past, strict=False).config
    found = tried(past, of, rules=frozenset({"Down"}))
    assert found.messages == {"ops": 2}
    assert "messages, as routes group alerts: 2 to ops" in list(table(found))
    assert tried(past, of, rules=frozenset({"HighLatency"})).messages == {"ops": 0}


def test_a_time_without_results_has_no_alerts(past: Path) -> None:
    """Nothing is made up of it."""
    of = config(past)
    asked = Question(BEGAN - 9e6, BEGAN - 8e6, frozenset("ab"), frozenset({"Down"}))
    told: list[Progress] = []
    with closing(open_reader(past / "past.db")) as connection:
        found = backtest(connection, of, asked, told.append)
    assert (found.results, found.oldest_at) == (0, None)
    assert [each.alerts for each in found.outcome.rules] == [0]
    last = told[-1]
    assert (last.doing, last.done) == ("rules", last.of)


def test_speeds_and_costs_are_read_where_a_rule_looks_at_them(past: Path) -> None:
    """Columns nobody looks at are not read; a rule on them would find nothing."""
    own = (
        Rule(name="Slow", when=parse("tokens_per_s.p50 < 10"), over_s=300.0),
        Rule(name="Dear", when=parse("cost > 1 USD/h"), over_s=300.0),
        Rule(name="Long", when=parse("latency.max >= 2s"), over_s=300.0),
    )
    found = tried(past, replace(config(past), rules=own))
    assert [each.alerts for each in found.outcome.rules] == [0, 0, 2]
    assert [each.firing for each in found.outcome.rules] == [0, 0, 2]
