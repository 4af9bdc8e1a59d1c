"""Groups in the ledger."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerting.routing.group import Timing
from alerting.routing.router import Decision, Event, Group, Member
from alerting.routing.store import load_groups, log_decisions, prune_log, save_groups
from alerting.state import Firing, Pending
from alerting.store import ALERTING, save_states
from tests.unit.alerting.routing.routed import identity, over

FIRES, PENDING, LOST = (identity(target=name) for name in ("fires", "pending", "lost"))
ENDED = identity(target="ended")
STATES = {FIRES: Firing(0.0, 0.0), PENDING: Pending(0.0)}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Make a database with this package's tables."""
    database = sqlite3.connect(":memory:")
    for script in ALERTING.migrations:
        database.executescript(script)
    yield database
    database.close()


def group(*members: tuple[str, Member], channel: str = "team") -> Group:
    """Return a group of targets."""
    alerts = {identity(target=name): member for name, member in members}
    return Group((channel, (("provider", "openai"),)), Timing(), alerts, 5.0, 2, 1.0)


def loaded(connection: sqlite3.Connection) -> tuple[Group, ...]:
    """Return the groups, as a start with rules of other names finds them."""
    return load_groups(connection, lambda _: None)


def test_a_group_comes_back_as_it_was(connection: sqlite3.Connection) -> None:
    """What was told, what ended, who is silenced, and when it all began."""
    told, quiet = Member(1.0, told=True), Member(2.0, muted="silence 1")
    end = over(ENDED, 9.0)
    kept = group(("fires", told), ("ended", replace(told, over=end)))
    other = group(("fires", quiet), channel="ops")
    save_states(connection, STATES, 9.0)
    save_groups(connection, (kept, other))
    assert sorted(loaded(connection), key=lambda each: each.key, reverse=True) == [kept, other]


def test_an_alert_that_neither_fires_nor_ended_is_in_no_group(
    connection: sqlite3.Connection,
) -> None:
    """Its state was lost with a damaged ledger: when it fires again, that is news."""
    told = Member(1.0, told=True)
    save_states(connection, STATES, 9.0)
    save_groups(connection, (group(("fires", told), ("pending", told), ("lost", told)),))
    assert [list(each.members) for each in loaded(connection)] == [[FIRES]]


def test_half_a_group_is_none(connection: sqlite3.Connection) -> None:
    """Alerts whose group was lost join anew, and a group without alerts is over."""
    save_states(connection, STATES, 9.0)
    save_groups(connection, (group(("fires", Member(1.0))), group(channel="ops")))
    connection.execute("DELETE FROM alert_groups WHERE channel = 'team'")
    assert loaded(connection) == ()


def test_old_decisions_are_forgotten_a_few_at_a_time(connection: sqlite3.Connection) -> None:
    """So that nobody waits long for the ledger; what is younger stays."""
    for at in (1.0, 2.0, 3.0, 4.0):
        log_decisions(connection, [Decision(FIRES, Event.TOLD, "team", "first")], at)
    assert [prune_log(connection, 4.0, 2) for _ in range(3)] == [2, 1, 0]
    assert connection.execute("SELECT at FROM alert_log").fetchall() == [(4.0,)]
