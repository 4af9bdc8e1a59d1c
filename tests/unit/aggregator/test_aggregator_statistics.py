"""Definitions of the statistics, on samples one can reckon by hand."""

import numpy as np
import pytest

from aggregator.statistics import distribution
from aggregator.summary import Distribution, enough


def described(*values: float, censored: tuple[bool, ...] | None = None) -> Distribution:
    """Describe the values, which must be there."""
    marks = None if censored is None else np.array(censored, np.bool_)
    found = distribution(np.array(values, np.float64), marks)
    assert found is not None
    return found


def test_nothing_has_no_distribution() -> None:
    """No samples: no statistics at all, rather than zeros."""
    assert distribution(np.empty(0)) is None


def test_moments_are_those_of_the_population() -> None:
    """Mean, population standard deviation and maximum of a textbook sample."""
    found = described(2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0)
    assert (found.n, found.mean, found.std, found.max) == (8, 5.0, 2.0, 9.0)


def test_quantile_is_the_lower_neighbour() -> None:
    """p50 of an even number of samples is one of them, the lower of the middle two."""
    assert described(6.0, 1.0, 5.0, 2.0, 4.0, 3.0).quantile(0.5) == 3.0


def test_one_outlier_among_fifteen_makes_no_p95() -> None:
    """The maximum of fifteen samples is not their p95."""
    assert described(*[1.0] * 14, 60.0).quantile(0.95) == 1.0


@pytest.mark.parametrize(("q", "needed"), [(0.5, 5), (0.95, 5), (0.99, 20), (0.999, 200)])
def test_quantile_needs_enough_samples(q: float, needed: int) -> None:
    """Below its number of samples a quantile is absent, from it on it is there."""
    assert described(*range(needed - 1)).quantile(q) is None
    assert described(*range(needed)).quantile(q) is not None
    assert enough(needed, q)
    assert not enough(needed - 1, q)


@pytest.mark.parametrize("value", [0.1, 30.0, 1 / 3, 1e-9])
def test_mean_of_equal_samples_is_that_sample(value: float) -> None:
    """Rounding never moves the mean outside its samples: all at the deadline is the deadline."""
    for n in range(1, 40):
        found = described(*[value] * n)
        assert found.mean == found.max == value
        assert found.std == 0.0


def test_censored_samples_mark_bounds_from_the_smallest() -> None:
    """What is at or above the smallest censored sample is only a lower bound."""
    found = described(1.0, 30.0, 2.0, 20.0, censored=(False, True, False, True))
    assert found.censored_from == 20.0
    assert found.lower_bound(20.0)
    assert found.lower_bound(found.max)
    assert not found.lower_bound(2.0)


@pytest.mark.parametrize("censored", [None, (False, False)])
def test_nothing_censored_bounds_nothing(censored: tuple[bool, ...] | None) -> None:
    """Without censored samples every value is exact."""
    found = described(1.0, 2.0, censored=censored)
    assert found.censored_from is None
    assert not found.lower_bound(found.max)


def test_samples_beyond_a_value_can_be_counted() -> None:
    """How many samples lie above or below a value, those equal to it in neither."""
    found = described(3.0, 1.0, 2.0, 2.0, 9.0)
    assert (found.above(2.0), found.below(2.0)) == (2, 1)
    assert (found.above(9.0), found.below(9.5)) == (0, 5)
    assert list(found.samples) == [1.0, 2.0, 2.0, 3.0, 9.0]


def test_samples_that_were_not_kept_cannot_be_counted() -> None:
    """A distribution without its samples says so instead of counting none."""
    bare = Distribution(n=3, mean=1.0, std=0.0, max=1.0, quantiles={})
    assert bare.above(0.0) is None
    assert bare.below(2.0) is None


def test_input_is_left_alone() -> None:
    """Samples are views of a ring: describing them must not sort them."""
    values = np.array([3.0, 1.0, 2.0])
    distribution(values)
    assert values.tolist() == [3.0, 1.0, 2.0]
