"""What lies in windows, apart and together."""

import math

from aggregator.part import (
    FAULT,
    FAULTS,
    LATENCY,
    VERDICT,
    Part,
    Parts,
    alike,
    rated,
    together,
    whole,
)
from aggregator.summary import RECENT_FAULTS
from aggregator.trail import ABSENT, Trail
from probes.result import Fault

OK, PROVIDER = FAULTS.index(Fault.NONE), FAULTS.index(Fault.PROVIDER)


def part(*samples: tuple[float, int, float], over_s: float = 100.0, now: float = 50.0) -> Part:
    """Return what lies in the window of a series with these times, faults and latencies."""
    trail = Trail(1000.0, codes=3, figures=5)
    for at, fault, latency_s in samples:
        trail.append(at, (0, fault, 0), (latency_s, ABSENT, ABSENT, ABSENT, ABSENT))
    return Part(trail.block, Trail(1000.0).block, samples[0][0], over_s, now)


def test_a_part_holds_until_its_oldest_sample_leaves() -> None:
    """Nothing that can happen before that changes what lies in the window."""
    one = part((10.0, OK, 1.0), (20.0, OK, 1.0), over_s=60.0, now=30.0)
    assert (one.oldest, one.holds(30.0), one.holds(69.9), one.holds(70.0)) == (10.0, True, True, 0)
    assert not one.holds(29.9)


def test_a_missed_slot_can_be_the_oldest() -> None:
    """What leaves first decides, be it a result or a missed slot."""
    results, missed = Trail(1000.0, codes=3, figures=5), Trail(1000.0)
    results.append(10.0, (0, OK, 0), (1.0, ABSENT, ABSENT, ABSENT, ABSENT))
    for at in (-90.0, 5.0, 20.0):
        missed.append(at)
    assert Part(results.block, missed.block, 10.0, 60.0, 30.0).oldest == 5.0
    assert Part(results.block, missed.block, 10.0, 22.0, 30.0).oldest == 10.0
    gone = Part(results.block, missed.block, 10.0, 5.0, 90.0)
    assert (gone.missed, gone.oldest) == (0, math.inf)


def test_columns_of_several_stay_in_step() -> None:
    """Where a series never had a figure, there are as many absent ones as it has results."""
    both = Parts([part((1.0, PROVIDER, ABSENT), (2.0, PROVIDER, ABSENT)), part((1.0, OK, 3.0))])
    figures = both.figures(LATENCY)
    assert figures is not None
    assert len(figures) == len(both.codes(VERDICT)) == len(both.codes(FAULT)) == 3
    assert [math.isnan(figure) for figure in figures] == [True, True, False]
    assert Parts([part((1.0, PROVIDER, ABSENT))]).figures(LATENCY) is None
    assert Parts([]).figures(LATENCY) is None


def test_newest_faults_of_many_series() -> None:
    """With more series than faults are wanted, only the newest samples of all are told."""
    quiet = [part((1.0, PROVIDER, 1.0), (2.0 + n / 100, OK, 1.0)) for n in range(RECENT_FAULTS)]
    busy = part((1.5, PROVIDER, 1.0), *[(40.0 + n, PROVIDER, 1.0) for n in range(5)])
    found = Parts([*quiet, busy]).recent_faults
    assert found == (Fault.NONE,) * (RECENT_FAULTS - 5) + (Fault.PROVIDER,) * 5


def test_series_without_a_sample_yet_add_no_fault() -> None:
    """A window that ends before a series began knows nothing of it."""
    later = part((60.0, PROVIDER, 1.0), now=50.0)
    assert Parts([later, part((1.0, OK, 1.0))]).recent_faults == (Fault.NONE,)


def test_faults_are_counted_apart() -> None:
    """Kinds that do not occur are not in the counts; the counts of several add up."""
    one, other = part((1.0, OK, 1.0), (2.0, OK, 1.0)), part((1.0, OK, 1.0), (2.0, PROVIDER, 1.0))
    assert whole(one).by_fault == {Fault.NONE: 2}
    assert whole(other).by_fault == {Fault.NONE: 1, Fault.PROVIDER: 1}
    assert together([one, other], 100.0).by_fault == {Fault.NONE: 3, Fault.PROVIDER: 1}
    assert together([], 100.0).by_fault == {}


def test_a_window_watched_from_end_to_end_keeps_its_summary() -> None:
    """Its rate is that of the whole window; until then it is of the part that was watched."""
    one = part(*[(float(n), OK, 1.0) for n in range(40)], over_s=200.0)
    made = whole(one)
    assert made.rate_per_min == 12.0
    assert rated(made, one.first_at, 200.0) is made
    assert rated(made, one.first_at, 100.0).rate_per_min == 24.0
    assert rated(made, one.first_at, 59.0).rate_per_min is None


def test_summaries_of_the_same_samples_are_alike() -> None:
    """Two moments' rates of one summary; samples that only look the same are others."""
    one = part((10.0, 0, 1.0))
    found = whole(one)
    early, later = rated(found, one.first_at, 20.0), rated(found, one.first_at, 105.0)
    assert early is not later
    assert alike(early, later)
    assert alike(found, later)
    assert not alike(found, whole(one))
