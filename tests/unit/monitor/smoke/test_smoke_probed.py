"""What a round comes to."""

from dataclasses import replace

from tests.unit.monitor.smoke.rounds import FINE, LEFT_OUT, MIXED


def test_a_round_counts_what_it_found() -> None:
    """Failures are results that are not ok, whosever fault; who had no probe is apart."""
    assert (len(MIXED.results), MIXED.failed, MIXED.ours, MIXED.skipped) == (3, 2, 1, 1)
    assert not MIXED.ok
    assert FINE.ok


def test_a_target_without_a_probe_spoils_a_round() -> None:
    """Nothing is known of it, which is not the same as fine."""
    assert not replace(FINE, probed=(*FINE.probed, LEFT_OUT)).ok


def test_what_it_cost_is_the_sum_of_what_is_known() -> None:
    """An unknown cost is left out; of none known the sum is unknown, not nothing."""
    assert MIXED.cost_usd == 0.75
    assert replace(MIXED, probed=(LEFT_OUT,)).cost_usd is None
