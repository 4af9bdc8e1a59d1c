"""States in the ledger: written when changed, read back as they were."""

import sqlite3
from collections.abc import Iterator

import pytest

from alerting.engine import Identity
from alerting.inhibition import Held, Reason
from alerting.state import Firing, Inactive, Pending, State
from alerting.store import (
    ALERTING,
    load_held,
    load_states,
    save_evaluation,
    save_held,
    save_states,
)

A = Identity("Down", (("alertname", "Down"), ("target", "a")))
B = Identity("Down", (("alertname", "Down"), ("target", "b")))
NAMESAKE = Identity("Down", (("alertname", "Down"), ("target", 'a"],["x","y')))
NOW = 1_700_000_000.123456


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Make a database with this package's tables."""
    database = sqlite3.connect(":memory:")
    for script in ALERTING.migrations:
        database.executescript(script)
    yield database
    database.close()


def test_a_new_ledger_holds_nothing(connection: sqlite3.Connection) -> None:
    """Never evaluated is None, not the epoch."""
    assert load_states(connection) == ({}, None)
    assert load_held(connection) == {}


def test_what_is_held_back_comes_back(connection: sqlite3.Connection) -> None:
    """The newest mapping is the whole truth, identities and reasons included."""
    both = {A: Held(Reason.ACCOUNT), NAMESAKE: Held(Reason.MONITOR_EGRESS, NOW / 3)}
    save_held(connection, both)
    assert load_held(connection) == both
    save_held(connection, {B: Held(Reason.ACCOUNT)})
    assert load_held(connection) == {B: Held(Reason.ACCOUNT)}


@pytest.mark.parametrize(
    "state", [Pending(NOW / 3), Firing(NOW / 3, NOW), Firing(NOW / 3, NOW, NOW / 7), Firing(0, 0)]
)
def test_states_come_back_exactly(connection: sqlite3.Connection, state: State) -> None:
    """Every field, to the last bit, under an identity that equals the one it was stored by."""
    save_states(connection, {A: state, NAMESAKE: Pending(1.0)}, NOW)
    assert load_states(connection) == ({A: state, NAMESAKE: Pending(1.0)}, NOW)


def test_what_is_not_given_is_forgotten(connection: sqlite3.Connection) -> None:
    """The mapping is the whole truth: absent and inactive alerts leave no row."""
    save_states(connection, {A: Pending(1.0), B: Pending(1.0)}, NOW)
    assert save_states(connection, {B: Inactive()}, NOW + 5) == 2
    assert load_states(connection) == ({}, NOW + 5)


def test_only_changes_are_written(connection: sqlite3.Connection) -> None:
    """An evaluation that changed nothing moves its own time and no alert's row."""
    states: dict[Identity, State] = {A: Firing(1.0, 2.0), B: Pending(3.0)}
    assert save_states(connection, states, NOW) == 2
    assert save_states(connection, states, NOW + 5) == 0
    assert save_states(connection, {**states, B: Firing(3.0, 4.0)}, NOW + 10) == 1
    assert load_states(connection) == ({A: Firing(1.0, 2.0), B: Firing(3.0, 4.0)}, NOW + 10)


def test_an_evaluation_without_changes_moves_its_time_alone(
    connection: sqlite3.Connection,
) -> None:
    """States that are known to be stored need not be compared to say when they were looked at."""
    save_states(connection, {A: Firing(1.0, 2.0)}, NOW)
    before = connection.total_changes
    save_evaluation(connection, NOW + 5)
    assert connection.total_changes == before + 1
    assert load_states(connection) == ({A: Firing(1.0, 2.0)}, NOW + 5)
