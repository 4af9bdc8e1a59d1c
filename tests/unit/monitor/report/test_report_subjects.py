"""Whom a report is about."""

from collections.abc import Iterator
from sqlite3 import Connection

import pytest

from aggregator.results import insert_result
from monitor.report.subjects import USUAL_INTERVAL_S, Subject, places, subjects
from probes.result import Operation
from probes.target import Target
from tests.unit.aggregator.samples import result
from tests.unit.monitor.report.outages import START, ledger

TARGET = Target(
    name="chat",
    provider="openai",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt="Say ok.",
    stream=True,
)


@pytest.fixture
def month() -> Iterator[Connection]:
    """Open the month's ledger."""
    with ledger() as connection:
        yield connection


def found(connection: Connection, *targets: Target) -> list[Subject]:
    """Return everybody there is to report on."""
    known = places(connection)
    return list(subjects(connection, targets, known, lambda _name, _provider: True))


def test_places_are_those_of_roll_ups_and_of_results(month: Connection) -> None:
    """Imported results may be in no roll-up, and rolled-up ones long deleted."""
    insert_result(month, result(target="mail", location="there", at=float(START)))
    insert_result(month, result(target="mail", location="yonder", at=float(START)))
    assert places(month) == {"chat": {"here"}, "mail": {"there", "yonder"}}
    month.execute("DELETE FROM results")
    assert places(month) == {"chat": {"here"}}


def test_a_configured_target_says_how_it_is_asked(month: Connection) -> None:
    """Whether the ledger knows it or not."""
    (one,) = found(month, TARGET)
    assert one.asked == "chat, streamed, every 1m, within 30s, its first token within 15s"
    assert (one.interval_s, one.configured) == (60.0, True)


def test_a_target_that_is_gone_is_known_by_its_results(month: Connection) -> None:
    """Its provider, its model, and how far apart its slots were."""
    (gone,) = found(month)
    assert gone == Subject("chat", "openai", "gpt-4o-mini", 900.0, "")
    assert not gone.configured


def test_a_single_slot_tells_no_interval(month: Connection) -> None:
    """Nor do several attempts or places at it."""
    for attempt in (1, 2):
        insert_result(month, result(target="mail", slot=7, attempt=attempt, at=float(START)))
    _, mail = found(month)
    assert (mail.name, mail.interval_s) == ("mail", USUAL_INTERVAL_S)


def test_what_is_rolled_up_alone_has_no_provider(month: Connection) -> None:
    """Roll-ups do not say; the figures are there all the same."""
    month.execute("DELETE FROM results")
    assert found(month) == [Subject("chat", "", "", USUAL_INTERVAL_S, "")]


def test_who_is_not_wanted_is_left_out(month: Connection) -> None:
    """By name or by provider, configured or not."""
    known = places(month)
    assert list(subjects(month, [], known, lambda _, provider: provider == "other")) == []
    assert list(subjects(month, [TARGET], known, lambda name, _: name == "mail")) == []
