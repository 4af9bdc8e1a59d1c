"""Definitions of the statistics, on samples one can reckon by hand."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from aggregator.statistics import distribution
from aggregator.summary import Distribution, enough


class Given:
    """Samples to describe, which says how often it was asked for them."""

    def __init__(self, *values: float) -> None:
        self.values = values
        self.asked = 0

    def figures(self, _column: int) -> NDArray[np.float64] | None:
        self.asked += 1
        return np.array(self.values, np.float64)


class Unknown:
    """A series that never had the figure."""

    def figures(self, _column: int) -> NDArray[np.float64] | None:
        return None


def described(*values: float, censored_from: float | None = None) -> Distribution:
    """Describe the values, which must be there."""
    found = distribution(Given(*values), 0, censored_from)
    assert found is not None
    return found


def test_nothing_has_no_distribution() -> None:
    """No samples: no statistics at all, rather than zeros."""
    assert distribution(Given(), 0) is None
    assert distribution(Given(math.nan, math.nan), 0) is None
    assert distribution(Unknown(), 0) is None


def test_absent_figures_are_not_samples() -> None:
    """NaN stands for a sample without the figure: it is in no statistic."""
    found = described(math.nan, 3.0, math.nan, 1.0)
    assert (found.n, found.mean, found.std, found.max) == (2, 2.0, 1.0, 3.0)
    assert list(found.samples) == [1.0, 3.0]


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
    found = described(1.0, 30.0, 2.0, 20.0, censored_from=20.0)
    assert found.censored_from == 20.0
    assert found.lower_bound(20.0)
    assert found.lower_bound(found.max)
    assert not found.lower_bound(2.0)


def test_nothing_censored_bounds_nothing() -> None:
    """Without censored samples every value is exact."""
    found = described(1.0, 2.0)
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


def test_what_nobody_asks_for_is_not_worked_out() -> None:
    """Quantiles take the samples once; mean and spread once more, together, and are then kept."""
    given = Given(3.0, 1.0, 2.0)
    found = distribution(given, 0)
    assert found is not None
    assert (found.n, found.max, found.quantiles, given.asked) == (3, 3.0, {}, 1)
    assert (found.std, found.mean, given.asked) == (pytest.approx(math.sqrt(2 / 3)), 2.0, 2)
    assert (found.mean, found.std, given.asked) == (2.0, pytest.approx(math.sqrt(2 / 3)), 2)
    assert (found.above(1.5), found.below(1.5), given.asked) == (2, 1, 3)


def test_the_mean_may_be_read_first() -> None:
    """Whichever of the two is read first, both are there."""
    assert described(1.0, 3.0).mean == 2.0
    assert described(1.0, 3.0).std == 1.0


def test_samples_cannot_be_changed() -> None:
    """They are handed on to whoever asks."""
    samples = described(1.0, 2.0).samples
    assert isinstance(samples, np.ndarray)
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 5.0


def test_nothing_else_is_made_up() -> None:
    """A figure that does not exist is an error, as of any value."""
    with pytest.raises(AttributeError, match="median"):
        getattr(described(1.0), "median")  # noqa: B009 - the type has no such name
