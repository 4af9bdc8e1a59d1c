"""What is kept in memory for one channel: order, bounds, and what is remembered."""

from alerting.volatile import SETTLED_LIMIT, Volatile
from tests.unit.alerting.messages import firing, resolved


def head_ids(volatile: Volatile) -> list[str]:
    """Return the ids of what may go out next."""
    return [kept.notification.id for kept in volatile.heads()]


def test_one_of_each_alert_may_go_in_order_of_arrival() -> None:
    """A later one of the same alert waits until the earlier is settled."""
    volatile = Volatile()
    for notification in (firing("a"), resolved("a"), firing("b")):
        assert volatile.add(notification, 0, 0.0) is None
    assert head_ids(volatile) == ["msg_a_firing_1", "msg_b_firing_1"]
    volatile.settle(volatile.heads()[0])
    assert head_ids(volatile) == ["msg_a_resolved_1", "msg_b_firing_1"]
    assert len(volatile) == 2


def test_what_never_failed_goes_first() -> None:
    """One that fails again and again does not keep others from their first attempt."""
    volatile = Volatile()
    volatile.add(firing("a"), 0, 0.0)
    volatile.add(firing("b"), 0, 0.0)
    volatile.retry(volatile.heads()[0], 7.0)
    assert head_ids(volatile) == ["msg_b_firing_1", "msg_a_firing_1"]
    assert [kept.next_at for kept in volatile.heads()] == [0.0, 7.0]


def test_the_oldest_goes_but_never_the_one_being_sent() -> None:
    """A full memory takes the newest news, and does not tear away what is on its way."""
    volatile = Volatile(limit=2)
    volatile.add(firing("a"), 0, 0.0)
    volatile.add(firing("b"), 0, 0.0)
    in_hand = volatile.heads()[0]
    volatile.take(in_hand)
    assert volatile.add(firing("c"), 0, 0.0) == firing("b")
    volatile.retry(in_hand, 1.0)
    assert volatile.add(firing("d"), 0, 0.0) == firing("a")
    assert [kept.notification.id for kept in volatile.left()] == [
        "msg_c_firing_1", "msg_d_firing_1",
    ]  # fmt: skip


def test_rows_that_came_later_wait_and_earlier_ones_do_not() -> None:
    """The place between the rows is that of the newest row at the time."""
    volatile = Volatile()
    volatile.add(firing("a"), 5, 0.0)
    assert volatile.holds_back("a", 6)
    assert not volatile.holds_back("a", 5)
    assert not volatile.holds_back("b", 6)
    volatile.settle(volatile.heads()[0])
    assert not volatile.holds_back("a", 6)


def test_what_became_of_it_is_remembered_for_a_while() -> None:
    """Sent and given up are told apart; the oldest memories go."""
    volatile = Volatile()
    for number in range(SETTLED_LIMIT + 1):
        volatile.add(firing("a", number), 0, 0.0)
        volatile.settle(volatile.heads()[0], "refused" if number == 1 else "")
    assert volatile.fate("msg_a_firing_0") is None
    assert volatile.fate("msg_a_firing_1") == "refused"
    assert volatile.fate(f"msg_a_firing_{SETTLED_LIMIT}") == ""
    assert volatile.add(firing("a", 1), 0, 0.0) is None
    assert len(volatile) == 0
