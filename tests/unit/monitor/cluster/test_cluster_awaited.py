"""Slots of others: heard of, or lost once."""

from monitor.cluster import awaited
from monitor.cluster.awaited import TOLD_S, Awaited
from probes.target import Slot
from tests.unit.aggregator.samples import embedding_target

TARGET = embedding_target(deadline_s=10.0)
DUE = 10.0 + TOLD_S


def test_a_slot_without_news_is_lost_once() -> None:
    """Not before its probe could have ended and been told, and not twice."""
    slots = Awaited()
    slots.expect(TARGET, Slot(1, 60.0), now=100.0)
    slots.expect(TARGET, Slot(1, 60.0), now=101.0)
    assert list(slots.lost(100.0 + DUE - 0.01)) == []
    assert list(slots.lost(100.0 + DUE)) == [(TARGET.name, Slot(1, 60.0))]
    assert list(slots.lost(1_000.0)) == []
    assert len(slots) == 0


def test_news_of_a_slot_end_the_wait() -> None:
    """Of that slot and target alone."""
    slots = Awaited()
    for number in (1, 2):
        slots.expect(TARGET, Slot(number, 60.0 * number), now=0.0)
    slots.heard(TARGET.name, 1)
    slots.heard("other", 2)
    slots.heard(TARGET.name, 99)
    assert list(slots.lost(DUE)) == [(TARGET.name, Slot(2, 120.0))]


def test_the_soonest_is_lost_first() -> None:
    """Whatever the order in which they were taken."""
    slots = Awaited()
    slow, quick = embedding_target(name="slow", deadline_s=60.0), TARGET
    slots.expect(slow, Slot(1, 0.0), now=0.0)
    slots.expect(quick, Slot(1, 0.0), now=1.0)
    assert [name for name, _ in slots.lost(1_000.0)] == [quick.name, slow.name]


def test_there_is_a_bound() -> None:
    """What is beyond it is counted and not awaited."""
    slots = Awaited()
    for number in range(awaited.MOST + 2):
        slots.expect(TARGET, Slot(number, 0.0), now=0.0)
    assert (len(slots), slots.overlooked) == (awaited.MOST, 2)
