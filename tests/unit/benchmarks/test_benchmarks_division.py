"""How replicas divide slots, in virtual time."""

from benchmarks.division import Replica, divide

TARGETS = [f"target-{number}" for number in range(600)]
INTERVAL_S = 6.0


def test_every_slot_is_claimed_and_the_shares_are_even() -> None:
    """With nobody busy each of three has about a third, and slots are not late."""
    replicas = [Replica(name) for name in ("a", "b", "c")]
    found = divide(TARGETS, INTERVAL_S, replicas, claim_s=4e-5, probe_s=6e-4, rounds=3)
    assert len(found.claimed) == found.claims.total() == found.slots == 1_800
    assert all(500 < found.claims[each.name] < 700 for each in replicas)
    assert max(found.late_s) < 0.03


def test_one_alone_takes_all() -> None:
    """There is nobody to leave a slot to."""
    found = divide(TARGETS, INTERVAL_S, [Replica("a")], claim_s=4e-5, probe_s=6e-4)
    assert found.claims == {"a": 600}


def test_a_busy_replica_yields() -> None:
    """One that cannot do its share has less of it, and slots are claimed in time all the same."""
    replicas = [Replica("a", speed=0.05), Replica("b"), Replica("c")]
    found = divide(TARGETS, INTERVAL_S, replicas, claim_s=4e-5, probe_s=2e-3, rounds=10)
    assert found.claims["a"] < 0.8 * min(found.claims["b"], found.claims["c"])
    assert len(found.claimed) == found.slots
    assert sorted(found.late_s)[int(0.99 * found.slots)] < 0.3


def test_slots_that_crowd_are_seen() -> None:
    """The most that fall due in one second are counted."""
    found = divide(TARGETS, INTERVAL_S, [Replica("a")], claim_s=0.0, probe_s=0.0)
    assert 100 <= found.most_in_a_second < 150
    assert found.seconds == INTERVAL_S
