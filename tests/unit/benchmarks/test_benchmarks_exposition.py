"""Reading figures from an exposition."""

from math import inf

import pytest

from benchmarks.exposition import buckets, quantile, since, total

TEXT = """\
# TYPE late histogram
late_bucket{le="0.1"} 90.0
late_bucket{le="0.2"} 99.0
late_bucket{le="+Inf"} 100.0
late_count 100.0
skipped_total{target="a",reason="late"} 2.0
skipped_total{target="b",reason="late"} 3.0
skipped_created 1.7e9
"""


def test_a_total_is_over_all_label_sets_and_none_without_any() -> None:
    """A name that is not there is unknown, not 0; a longer name is another one."""
    assert total(TEXT, "skipped_total") == 5.0
    assert total(TEXT, "late_count") == 100.0
    assert total(TEXT, "late") is None


def test_buckets_come_by_their_bound() -> None:
    """Cumulative, as they stand."""
    assert buckets(TEXT, "late") == {0.1: 90.0, 0.2: 99.0, inf: 100.0}


@pytest.mark.parametrize(
    ("q", "expected"), [(0.45, 0.05), (0.9, 0.1), (0.945, 0.15), (0.99, 0.2), (0.999, 0.2)]
)
def test_a_quantile_is_linear_within_its_bucket(q: float, expected: float) -> None:
    """And the last finite bound where it lies beyond."""
    assert quantile(buckets(TEXT, "late"), q) == pytest.approx(expected)


def test_nothing_has_no_quantile() -> None:
    """An empty histogram, or none."""
    assert quantile({}, 0.5) is None
    assert quantile({0.1: 0.0, inf: 0.0}, 0.5) is None


def test_between_two_looks_is_the_difference() -> None:
    """A bucket the first look did not have counts from 0."""
    assert since({0.1: 5.0, inf: 7.0}, {0.1: 4.0}) == {0.1: 1.0, inf: 7.0}
