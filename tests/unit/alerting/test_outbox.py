"""The outbox as a table: what is due, in which order, and what marks do."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerting import outbox
from alerting.notification import News, Notification
from alerting.retry import LONGEST_WAIT_S
from alerting.routing.group import Timing
from alerting.routing.router import Group
from alerting.routing.store import save_groups
from alerting.store import ALERTING
from tests.unit.alerting.groups import GROUP
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED, firing, resolved


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Make a database with this package's tables."""
    database = sqlite3.connect(":memory:")
    for script in ALERTING.migrations:
        database.executescript(script)
    yield database
    database.close()


def due_ids(connection: sqlite3.Connection, channel: str = "team", now: float = NOW) -> list[str]:
    """Return the ids that are due."""
    return [row.id for row in outbox.due(connection, channel, now, 100)]


def status_of(connection: sqlite3.Connection, identity: str) -> tuple[str, int, str]:
    """Return a row's status, attempts and error."""
    row: tuple[str, int, str] = connection.execute(
        "SELECT status, attempts, last_error FROM outbox WHERE id = ?", (identity,)
    ).fetchone()
    return row


def test_every_notification_goes_to_every_channel(connection: sqlite3.Connection) -> None:
    """One row per notification and channel, each due at once and in order of entry."""
    added = outbox.enqueue(connection, (firing("a"), firing("b")), ("team", "ops"), NOW)
    assert added == 4
    assert due_ids(connection, "team") == ["msg_a_firing_1", "msg_b_firing_1"]
    assert due_ids(connection, "ops") == ["msg_a_firing_1", "msg_b_firing_1"]
    assert due_ids(connection, "pager") == []


def test_channels_may_be_an_iterator(connection: sqlite3.Connection) -> None:
    """The second notification gets its channels too when they come from a generator."""
    names = (name for name in ("team", "ops"))
    assert outbox.enqueue(connection, (firing("a"), firing("b")), names, NOW) == 4


def test_offering_again_changes_nothing(connection: sqlite3.Connection) -> None:
    """A notification is queued once per channel, even after it was sent."""
    outbox.enqueue(connection, (FIRING,), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 1)
    outbox.mark_sent(connection, row.seq, NOW)
    assert outbox.enqueue(connection, (FIRING,), ("team",), NOW) == 0
    assert due_ids(connection) == []


def test_resolved_waits_for_firing(connection: sqlite3.Connection) -> None:
    """Rows of one alert leave in their order: the second is not due while the first is queued."""
    outbox.enqueue(connection, (FIRING, RESOLVED), ("team",), NOW)
    assert due_ids(connection) == ["msg_firing"]
    (row,) = outbox.due(connection, "team", NOW, 10)
    outbox.mark_retry(connection, row, NOW + 5, "busy")
    assert due_ids(connection) == []
    outbox.mark_sent(connection, row.seq, NOW)
    assert due_ids(connection) == ["msg_resolved"]


def test_a_refused_firing_does_not_hold_resolved_for_ever(connection: sqlite3.Connection) -> None:
    """Dead is settled: the next row of the alert goes out."""
    outbox.enqueue(connection, (FIRING, RESOLVED), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 10)
    outbox.mark_dead(connection, row.seq, "no_service")
    assert due_ids(connection) == ["msg_resolved"]
    assert status_of(connection, "msg_firing") == ("dead", 1, "no_service")


def test_order_is_per_channel(connection: sqlite3.Connection) -> None:
    """A channel that is behind holds up no other."""
    outbox.enqueue(connection, (FIRING, RESOLVED), ("team", "ops"), NOW)
    (row,) = outbox.due(connection, "team", NOW, 10)
    outbox.mark_sent(connection, row.seq, NOW)
    assert due_ids(connection, "team") == ["msg_resolved"]
    assert due_ids(connection, "ops") == ["msg_firing"]


def test_other_alerts_pass_a_failing_one(connection: sqlite3.Connection) -> None:
    """A row that waits for its next attempt holds its own alert only."""
    outbox.enqueue(connection, (firing("a"), firing("b"), resolved("b")), ("team",), NOW)
    first = outbox.due(connection, "team", NOW, 1)[0]
    outbox.mark_retry(connection, first, NOW + 60, "busy")
    assert due_ids(connection) == ["msg_b_firing_1"]
    assert due_ids(connection, now=NOW + 60) == ["msg_b_firing_1", "msg_a_firing_1"]
    assert outbox.next_due_at(connection, "team") == 0


def test_next_due_is_the_earliest_wait(connection: sqlite3.Connection) -> None:
    """None without rows; else the earliest moment, rows behind others of their alert left out."""
    assert outbox.next_due_at(connection, "team") is None
    outbox.enqueue(connection, (FIRING, RESOLVED), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 10)
    outbox.mark_retry(connection, row, NOW + 60, "busy")
    assert outbox.next_due_at(connection, "team") == NOW + 60


def test_new_rows_are_due_under_any_clock(connection: sqlite3.Connection) -> None:
    """A wall clock set back a day does not hold back what was queued before."""
    outbox.enqueue(connection, (FIRING,), ("team",), NOW)
    assert due_ids(connection, now=NOW - 86_400) == ["msg_firing"]


def test_a_wait_longer_than_any_is_over(connection: sqlite3.Connection) -> None:
    """A retry noted under a clock that was far ahead is due, one within the limit is not."""
    outbox.enqueue(connection, (FIRING,), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 1)
    outbox.mark_retry(connection, row, NOW + LONGEST_WAIT_S + 1, "busy")
    assert due_ids(connection) == ["msg_firing"]
    outbox.mark_retry(connection, row, NOW + LONGEST_WAIT_S, "busy")
    assert due_ids(connection) == []


def test_the_limit_is_kept(connection: sqlite3.Connection) -> None:
    """Never more rows than asked for."""
    outbox.enqueue(connection, [firing(str(n)) for n in range(5)], ("team",), NOW)
    assert len(outbox.due(connection, "team", NOW, 3)) == 3


def test_marks_count_attempts_and_do_not_undo_each_other(connection: sqlite3.Connection) -> None:
    """A settled row stays settled, whatever comes late."""
    outbox.enqueue(connection, (FIRING,), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 1)
    outbox.mark_retry(connection, row, NOW, "busy")
    outbox.mark_sent(connection, row.seq, NOW + 1)
    outbox.mark_retry(connection, row, NOW, "late")
    outbox.mark_dead(connection, row.seq, "late")
    assert status_of(connection, "msg_firing") == ("sent", 2, "")


def test_a_failure_noted_twice_counts_once(connection: sqlite3.Connection) -> None:
    """A write that timed out and is repeated does not make the next wait longer."""
    outbox.enqueue(connection, (FIRING,), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 1)
    for _ in range(3):
        outbox.mark_retry(connection, row, NOW + 1, "busy")
    assert status_of(connection, "msg_firing") == ("queued", 1, "busy")


def test_settled_rows_hold_nothing_up(connection: sqlite3.Connection) -> None:
    """What was sent but could not be marked is not due again, and the next of its alert is."""
    outbox.enqueue(connection, (FIRING, RESOLVED), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 10)
    (next_row,) = outbox.due(connection, "team", NOW, 10, settled={row.seq})
    assert next_row.id == "msg_resolved"


def test_numbers_are_never_used_again(connection: sqlite3.Connection) -> None:
    """The newest number is known when its row is pruned: what is offered later comes after it."""
    assert outbox.last_seq(connection) == 0
    outbox.enqueue(connection, (firing("a"), firing("b")), ("team",), NOW)
    for row in outbox.due(connection, "team", NOW, 10):
        outbox.mark_sent(connection, row.seq, NOW)
    outbox.prune(connection, NOW + 1, 10)
    assert outbox.last_seq(connection) == 2


def test_places_are_those_of_queued_rows(connection: sqlite3.Connection) -> None:
    """Only what is still to be sent on the channel, and only of the alerts asked for."""
    outbox.enqueue(connection, (firing("a"), firing("b"), resolved("a")), ("team", "ops"), NOW)
    first = outbox.due(connection, "team", NOW, 1)[0]
    outbox.mark_sent(connection, first.seq, NOW)
    assert outbox.places(connection, "team", {"a", "c"}) == (
        outbox.Place("a", 5, "msg_a_resolved_1"),
    )


def test_errors_are_stored_clean(connection: sqlite3.Connection) -> None:
    """What a receiver wrote is one short line, keys masked."""
    outbox.enqueue(connection, (FIRING,), ("team",), NOW)
    (row,) = outbox.due(connection, "team", NOW, 1)
    outbox.mark_retry(connection, row, NOW, "bad\nxoxb-12345-67890-abcdef \x1b[31m" + "x" * 900)
    stored = status_of(connection, "msg_firing")[2]
    assert len(stored) <= 200
    assert stored.isprintable()
    assert "12345" not in stored


def test_rows_of_removed_channels_are_given_up(connection: sqlite3.Connection) -> None:
    """Only queued rows of unknown channels die, and they are named."""
    outbox.enqueue(connection, (firing("a"), firing("b")), ("team", "old"), NOW)
    first = outbox.due(connection, "old", NOW, 1)[0]
    outbox.mark_sent(connection, first.seq, NOW)
    (gone,) = outbox.abandon_unknown_channels(connection, ("team",))
    assert (gone.id, gone.channel) == ("msg_b_firing_1", "old")
    assert outbox.pending_counts(connection) == {"team": 2}
    assert outbox.abandon_unknown_channels(connection, ("team",)) == ()


def test_no_channel_at_all_gives_up_every_row(connection: sqlite3.Connection) -> None:
    """An empty list of channels is a list like any other."""
    outbox.enqueue(connection, (firing("a"),), ("old", "older"), NOW)
    gone = outbox.abandon_unknown_channels(connection, ())
    assert [row.channel for row in gone] == ["old", "older"]


def test_pruning_spares_what_is_queued(connection: sqlite3.Connection) -> None:
    """Settled rows beyond an age go, a few at a time; queued and newer ones stay."""
    outbox.enqueue(connection, [firing(str(n)) for n in range(4)], ("team",), NOW)
    outbox.enqueue(connection, (firing("new"),), ("team",), NOW + 100)
    rows = outbox.due(connection, "team", NOW, 100)
    for row in (rows[0], rows[1], rows[4]):
        outbox.mark_sent(connection, row.seq, NOW)
    outbox.mark_dead(connection, rows[2].seq, "no")
    assert outbox.prune(connection, NOW + 50, 2) == 2
    assert outbox.prune(connection, NOW + 50, 2) == 1
    assert outbox.prune(connection, NOW + 50, 2) == 0
    assert due_ids(connection) == ["msg_3_firing_1"]
    assert status_of(connection, "msg_new_firing_1")[0] == "sent"


def test_pruning_spares_the_newest_word_on_a_group_that_is_open(
    connection: sqlite3.Connection,
) -> None:
    """A receiver that forgets is told from it for as long as the alert fires; then it goes too."""
    shared = (("provider", "wäre"),)
    rows = [replace(group(n), group=shared) for n in (1, 2)]
    outbox.enqueue(connection, rows, ("team", "ops"), NOW)
    outbox.enqueue(connection, (firing("a"),), ("team",), NOW)
    connection.execute("UPDATE outbox SET status = 'sent'")
    connection.execute("UPDATE outbox SET payload = '{' WHERE seq = 5")
    save_groups(connection, (Group(("team", shared), Timing()),))
    assert outbox.prune(connection, NOW + 1, 10) == 4
    assert [each.id for each in outbox.standing(connection, "team")] == ["msg_2"]
    save_groups(connection, ())
    assert outbox.prune(connection, NOW + 1, 10) == 1


@pytest.mark.parametrize("payload", ["", "{", "[]", "3", "{}", '{"labels": [1]}', "null"])
def test_what_is_no_notification_is_refused(payload: str) -> None:
    """A damaged payload is a ValueError, whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"."):
        outbox.decode(payload)


def test_a_group_comes_back_whole() -> None:
    """Every alert of it, with its annotations, as it was written."""
    assert outbox.decode(outbox.encode(GROUP)) == GROUP


def group(number: int, *ends: str) -> Notification:
    """Return the `number`-th message about one group: something fires, these are over."""
    others = tuple(own(resolved(name)) for name in ends)
    return replace(FIRING, id=f"msg_{number}", group_id="group", others=others)


def own(notification: Notification) -> News:
    """Return a notification's own news."""
    return notification.alerts[0]


def status(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return what became of each message."""
    return connection.execute("SELECT id, status FROM outbox ORDER BY seq").fetchall()


def test_a_newer_message_takes_the_place_of_those_that_failed(
    connection: sqlite3.Connection,
) -> None:
    """It tells of the ends that they told of; what it knows better stays as it has it."""
    outbox.enqueue(connection, (group(1, "a", "b"), group(2, "b")), ("team",), NOW)
    connection.execute("UPDATE outbox SET attempts = 1")
    newer, older = outbox.supersede(connection, "team", group(3, "a"), NOW + 10)
    assert older == 2
    assert [each.fingerprint for each in newer.others] == ["a", "b"]
    assert status(connection) == [("msg_1", "dead"), ("msg_2", "dead")]


def test_a_message_that_was_held_up_gives_way_as_well(connection: sqlite3.Connection) -> None:
    """One that has waited for a minute without an attempt: its channel is limited."""
    outbox.enqueue(connection, (group(1),), ("team",), NOW)
    assert outbox.supersede(connection, "team", group(2), NOW + outbox.STALE_S - 1)[1] == 0
    assert outbox.supersede(connection, "team", group(2), NOW + outbox.STALE_S)[1] == 1


def run(number: int, thread: str, *, over: bool = False) -> Notification:
    """Return the `number`-th message about a group, in one of its runs."""
    made = replace(RESOLVED, others=()) if over else FIRING
    return replace(made, id=f"msg_{number}", group_id="group", thread=thread)


def test_the_end_of_a_run_that_was_heard_of_gives_way_to_no_other_run(
    connection: sqlite3.Connection,
) -> None:
    """What was opened under the name of one run is closed under it, before the next begins."""
    outbox.enqueue(connection, (run(1, "first"),), ("team",), NOW)
    outbox.mark_sent(connection, 1, NOW)
    outbox.enqueue(connection, (run(2, "first"), run(3, "first", over=True)), ("team",), NOW)
    connection.execute("UPDATE outbox SET attempts = 1 WHERE seq > 1")
    newer, older = outbox.supersede(connection, "team", run(4, "second"), NOW + 9)
    assert (newer, older) == (run(4, "second"), 1)
    outbox.enqueue(connection, (newer,), ("team",), NOW + 9)
    assert due_ids(connection, now=NOW + 9) == ["msg_3"]


def test_the_end_of_a_run_that_nobody_heard_of_is_no_message(
    connection: sqlite3.Connection,
) -> None:
    """Nothing is open under its name; the message of the next run tells of it."""
    outbox.enqueue(connection, (run(1, "first", over=True),), ("team",), NOW)
    connection.execute("UPDATE outbox SET attempts = 1")
    over = replace(run(2, "second"), fingerprint="another")
    newer, older = outbox.supersede(connection, "team", over, NOW + 9)
    assert ([each.fingerprint for each in newer.others], older) == ([FIRING.fingerprint], 1)


def test_what_gave_way_while_it_was_being_sent_was_sent(connection: sqlite3.Connection) -> None:
    """The channel has it, whatever was thought of it meanwhile; sent once, it stays as it is."""
    outbox.enqueue(connection, (group(1),), ("team",), NOW)
    connection.execute("UPDATE outbox SET attempts = 1")
    assert outbox.supersede(connection, "team", group(2), NOW)[1] == 1
    for _ in range(2):
        outbox.mark_sent(connection, 1, NOW + 1)
        assert status_of(connection, "msg_1") == ("sent", 2, "")


def test_what_is_elsewhere_or_settled_gives_way_to_nothing(connection: sqlite3.Connection) -> None:
    """Other channels, other groups, what was sent, and the same message offered again."""
    other = replace(group(4), group_id="other")
    outbox.enqueue(connection, (group(1), group(2), other), ("team", "ops"), NOW)
    connection.execute("UPDATE outbox SET attempts = 1")
    outbox.mark_sent(connection, 1, NOW)
    newer, older = outbox.supersede(connection, "team", group(2), NOW + 1)
    assert (newer, older) == (group(2), 0)
    assert [each for _, each in status(connection)].count("queued") == 5


def test_a_damaged_message_gives_way_too(connection: sqlite3.Connection) -> None:
    """It could not have been sent either, and stops nobody."""
    outbox.enqueue(connection, (group(1, "a"),), ("team",), NOW)
    connection.execute("UPDATE outbox SET attempts = 1, payload = '{}'")
    assert outbox.supersede(connection, "team", group(2), NOW + 1) == (group(2), 1)
