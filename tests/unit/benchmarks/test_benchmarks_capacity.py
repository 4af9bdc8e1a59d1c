"""What groups of replicas cost, on paper."""

from dataclasses import fields, replace

import pytest

from benchmarks.capacity import (
    MEASURED,
    MOST_RATIO,
    Costs,
    Group,
    first_limit,
    load,
    replicas_needed,
)

NOTHING = Costs(**{each.name: 0.0 for each in fields(Costs)})


def test_probes_are_shared_and_claims_are_not() -> None:
    """Each replica asks for every slot, and makes its part of the probes."""
    costs = replace(NOTHING, probe_us=600.0, claim_us=40.0)
    found = load(Group(1_000, 10.0, 3), costs)
    assert found.replica_cpu_ratio == pytest.approx(100 * (600 / 3 + 40) / 1e6)


def test_what_others_found_is_heard_by_each() -> None:
    """A replica tells its part of the results and takes in all others."""
    costs = replace(NOTHING, told_us=20.0, heard_us=120.0)
    found = load(Group(1_000, 10.0, 4), costs)
    assert found.replica_cpu_ratio == pytest.approx(100 * (20 / 4 + 120 * 3 / 4) / 1e6)


def test_one_that_is_alone_pays_for_probes_only() -> None:
    """Without a Redis nothing is claimed, told or kept there."""
    found = load(Group(1_000, 10.0, 0), MEASURED)
    shared = load(Group(1_000, 10.0, 1), MEASURED)
    assert found.replica_cpu_ratio < shared.replica_cpu_ratio
    assert found.redis_cpu_ratio == found.redis_bytes == found.redis_out_bytes_per_s == 0.0


def test_evaluation_and_scrapes_stay_however_many_share() -> None:
    """Every replica evaluates and shows every target: a further one takes nothing of that."""
    costs = replace(NOTHING, standing_us=20.0)
    one, ten = (load(Group(1_000, 10.0, each), costs) for each in (1, 10))
    assert one.replica_cpu_ratio == ten.replica_cpu_ratio == pytest.approx(1_000 * 20 / 1e6)


def test_turns_of_telling_are_as_many_as_fit_into_a_second() -> None:
    """However many results come, they go twenty times a second; few go one by one."""
    costs = replace(NOTHING, turn_us=1_000.0, redis_turn_us=100.0)
    few, many = (load(Group(targets, 10.0, 2), costs) for targets in (50, 50_000))
    assert few.replica_cpu_ratio == pytest.approx(5 * 1_000 / 1e6)
    assert many.replica_cpu_ratio == pytest.approx(20 * 1_000 / 1e6)
    assert many.redis_cpu_ratio == pytest.approx(2 * 20 * 100 / 1e6)


def test_redis_sends_every_result_to_every_replica() -> None:
    """What goes out of Redis grows with the replicas, what it keeps does not."""
    costs = replace(NOTHING, told_bytes=800.0, slot_bytes=200.0)
    one, ten = (load(Group(1_000, 10.0, each), costs) for each in (1, 10))
    assert ten.redis_out_bytes_per_s == pytest.approx(10 * one.redis_out_bytes_per_s)
    assert ten.redis_bytes == one.redis_bytes == pytest.approx(100 * (3_600 * 800 + 120 * 200))


def test_a_ledger_keeps_every_result() -> None:
    """Disk of each replica is that of all results, not of its share."""
    costs = replace(NOTHING, kept_bytes=300.0)
    one, ten = (load(Group(1_000, 10.0, each), costs) for each in (1, 10))
    assert one.ledger_bytes_a_day == ten.ledger_bytes_a_day == pytest.approx(100 * 86_400 * 300)


def test_the_limit_that_comes_first_is_named() -> None:
    """Dear probes fill the core; many targets at long intervals what a configuration may have."""
    dear = Group(5_000, 10.0, 1)
    limit, used_ratio = first_limit(dear, load(dear, replace(NOTHING, probe_us=2_000.0)))
    assert limit == "core of a replica"
    assert used_ratio == pytest.approx(500 * 2_000 / 1e6 / MOST_RATIO)
    many = Group(20_000, 3_600.0, 3)
    assert first_limit(many, load(many, MEASURED)) == ("targets of a configuration", 2.0)


@pytest.mark.parametrize(("heard_us", "needed"), [(0.0, 2), (400.0, 3), (700.0, None)])
def test_replicas_are_added_until_each_has_enough(heard_us: float, needed: int | None) -> None:
    """A further one helps while what it hears costs less than what a core has; then none does."""
    costs = replace(NOTHING, probe_us=1_300.0, heard_us=heard_us)
    assert replicas_needed(10_000, 10.0, costs) == needed
