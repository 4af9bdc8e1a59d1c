"""The simulation behind the pages of burn rates."""

from random import Random

from benchmarks.burn import WAYS, delay_s, healthy, pages


def test_a_healthy_target_fails_as_often_as_it_may() -> None:
    """Alone or in bursts: half a percent."""
    for burst in (1, 3):
        failed = list(healthy(Random(1), 200_000, burst))
        assert 0.004 < sum(failed) / len(failed) < 0.006


def test_one_failure_pages_only_who_reads_ratios_alone() -> None:
    """A probe every five minutes, a day without a failure, then one."""
    failed = [False] * 288 + [True] + [False] * 12
    paged = {name for name, way in WAYS.items() if any(pages(iter(failed), 300, way))}
    assert paged == {"ratios alone"}


def test_an_outage_of_everything_pages_within_minutes() -> None:
    """However it is read."""
    for way in WAYS.values():
        delay = delay_s(60, 1.0, way, Random(1))
        assert delay is not None
        assert delay <= 600
