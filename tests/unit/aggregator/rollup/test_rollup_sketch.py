"""A distribution in logarithmic bins: what it states exactly, and what within a percent."""

import math

import pytest

from aggregator.rollup.packing import Unpacking
from aggregator.rollup.sketch import ERROR_RATIO, Sketch, bin_of, middle


def sketch(*samples: int, censored: tuple[int, ...] = ()) -> Sketch:
    made = Sketch()
    for sample in samples:
        made.add(sample)
    for sample in censored:
        made.add(sample, censored=True)
    return made


def again(made: Sketch) -> Sketch:
    into = bytearray()
    made.pack(into)
    reading = Unpacking(bytes(into))
    found = Sketch.unpack(reading)
    assert reading.done
    return found


@pytest.mark.parametrize("sample", [1, 2, 3, 49, 50, 51, 10**6, 123_456_789, 10**21])
def test_a_bins_middle_is_near_each_of_its_samples(sample: int) -> None:
    """No sample is further than the promised percent from what stands for it."""
    assert abs(middle(bin_of(sample)) - sample) <= sample * ERROR_RATIO * (1 + 1e-9)


def test_zeros_have_a_bin_of_their_own() -> None:
    """A figure of 0 is one, and its quantile is exactly that."""
    found = sketch(*[0] * 5).distribution(1.0)
    assert found is not None
    assert (found.quantile(0.5), found.max, found.mean, found.std) == (0.0, 0.0, 0.0, 0.0)


def test_nothing_has_no_distribution() -> None:
    """Without a sample there is no statistic, and merging nothing changes nothing."""
    empty, one = sketch(), sketch(7)
    one.merge(empty)
    assert empty.distribution(1.0) is None
    assert one == sketch(7)


def test_count_mean_deviation_and_maximum_are_exact() -> None:
    """Only quantiles are approximate; units are applied to all of it."""
    samples = [3, 100, 2_000, 5, 70_000]
    found = sketch(*samples).distribution(1e-3)
    assert found is not None
    mean = sum(samples) / 5
    assert found.n == 5
    assert found.mean == pytest.approx(mean * 1e-3, rel=1e-12)
    assert found.max == 70_000 * 1e-3
    deviation = math.sqrt(sum((sample - mean) ** 2 for sample in samples) / 5)
    assert found.std == pytest.approx(deviation * 1e-3, rel=1e-12)


def test_quantiles_beyond_the_samples_are_absent() -> None:
    """The rule of windows holds: p95 from 5 samples, p99 from 20, and none from 4."""
    few, some, more = (sketch(*range(1, n + 1)).distribution(1.0) for n in (4, 5, 20))
    assert few is not None
    assert some is not None
    assert more is not None
    assert not few.quantiles
    assert set(some.quantiles) == {0.5, 0.95}
    assert set(more.quantiles) == {0.5, 0.95, 0.99}


def test_all_the_same_is_stated_exactly() -> None:
    """A quantile is never outside what was measured."""
    found = sketch(*[1_234_567] * 20).distribution(1.0)
    assert found is not None
    assert set(found.quantiles.values()) == {1_234_567.0}


def test_a_quantile_in_the_bin_of_a_lower_bound_is_one() -> None:
    """The mark is never lost in the rounding of a bin: `censored_from` gives way to it."""
    found = sketch(*range(1, 20), censored=(1_000_000,) * 20).distribution(1.0)
    assert found is not None
    for q in (0.5, 0.95, 0.99):
        value = found.quantile(q)
        assert value is not None
        assert found.lower_bound(value)
    assert found.lower_bound(found.max)
    assert found.censored_from == pytest.approx(1_000_000, rel=ERROR_RATIO)


def test_the_smallest_lower_bound_is_kept_exactly() -> None:
    """Of several deadlines the smallest counts, whichever sketch had it."""
    one, other = sketch(5, censored=(30, 20)), sketch(censored=(25,))
    other.merge(one)
    assert other.censored_from == 20


@pytest.mark.parametrize(
    "made",
    [
        sketch(0),
        sketch(742_113),
        sketch(censored=(30_000_000,)),
        sketch(1, 1, 1),
        sketch(*range(0, 10**6, 997)),
        sketch(5, 10**18, censored=(7, 9)),
        sketch(*[3] * 200, *[10**9] * 70_000),
    ],
)
def test_it_comes_back_as_it_was(made: Sketch) -> None:
    """Packing loses nothing."""
    assert again(made) == made


def test_a_lone_sample_takes_little_more_than_itself() -> None:
    """Most minutes hold one probe: half a second is three bytes, and one says that it is alone."""
    into = bytearray()
    sketch(500_000).pack(into)
    assert len(into) == 4
