"""Which alerts a channel was not told of, from the outbox."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

import pytest

from alerting import outbox
from alerting.notification import Notification, Status
from alerting.store import ALERTING
from monitor.api.unheard import unheard
from tests.unit.alerting.groups import GROUP, OVER
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED

OWN = FIRING.fingerprint
REFUSED = "given up after 1 attempt: HTTP 404"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        for script in ALERTING.migrations:
            made.executescript(script)
        yield made


def written(connection: sqlite3.Connection, what: Notification, became: str, at: float) -> None:
    """Write a message to `ops`, and what became of it: sent, dead, retried or queued."""
    what = replace(what, id=f"{what.id}_{at}")
    outbox.enqueue(connection, (what,), ("ops",), at)
    seq = outbox.last_seq(connection)
    if became == "sent":
        outbox.mark_sent(connection, seq, at)
    elif became == "dead":
        outbox.mark_dead(connection, seq, "HTTP 404")
    elif became == "retried":
        connection.execute(
            "UPDATE outbox SET attempts = 2, last_error = 'refused' WHERE seq = ?", (seq,)
        )


def found(connection: sqlite3.Connection, since: float = NOW) -> Mapping[str, str]:
    return {fingerprint: why for (_, fingerprint), why in unheard(connection, since).items()}


@pytest.mark.parametrize(
    ("became", "why"),
    [
        (["dead"], REFUSED),
        (["retried"], "waiting after 2 attempts: refused"),
        (["dead", "retried"], "waiting after 2 attempts: refused"),
        (["retried", "queued"], "waiting for the message before it"),
        (["queued"], None),
        (["sent"], None),
        (["sent", "dead"], None),
        (["dead", "sent"], None),
    ],
)
def test_what_became_of_its_messages(
    connection: sqlite3.Connection, became: list[str], why: str | None
) -> None:
    """Known once one arrived; a first message that is on its way is not late yet."""
    for number, each in enumerate(became):
        written(connection, FIRING, each, NOW + number)
    assert found(connection).get(OWN) == why


def test_all_alerts_of_a_message_share_its_fate(connection: sqlite3.Connection) -> None:
    """Those that fire: of one that is over nobody need be told that it fires."""
    written(connection, GROUP, "dead", NOW)
    firing = {each.fingerprint for each in GROUP.alerts if each.status is Status.FIRING}
    assert found(connection) == dict.fromkeys(firing, REFUSED)


def test_an_earlier_time_does_not_count(connection: sqlite3.Connection) -> None:
    """That the same alert was told of before it was over says nothing of now."""
    for number, (what, became) in enumerate(
        [(FIRING, "sent"), (RESOLVED, "sent"), (FIRING, "dead")]
    ):
        written(connection, what, became, NOW + number)
    assert found(connection) == {OWN: REFUSED}
    assert found(connection, NOW + 3) == {}


def test_what_is_over_is_nobodys_concern(connection: sqlite3.Connection) -> None:
    """The message that would have said that it fires is history."""
    written(connection, GROUP, "dead", NOW)
    written(connection, OVER, "dead", NOW + 1)
    assert OWN not in found(connection)


def test_a_row_that_cannot_be_read_is_passed_over(connection: sqlite3.Connection) -> None:
    """Nobody knows whom it told of."""
    written(connection, FIRING, "dead", NOW)
    connection.execute("UPDATE outbox SET payload = '{}'")
    assert found(connection) == {}
