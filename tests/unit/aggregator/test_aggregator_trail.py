"""The trail: what is kept, what is let go, and that a block never changes behind its reader."""

import math

from aggregator.trail import ABSENT, LIMIT, SMALLEST, Trail


def filled(number: int, keep_s: float) -> Trail:
    """Return a trail that got samples at 0, 1, 2, … with their code in turn 0…9."""
    trail = Trail(keep_s, codes=1, figures=2)
    for at in range(number):
        trail.append(float(at), (at % 10,), (float(at), ABSENT))
    return trail


def test_wanted_samples_are_kept() -> None:
    """A trail grows for as long as its samples can still be asked for."""
    trail = filled(SMALLEST * 5 + 3, keep_s=1e9)
    assert trail.block.times.tolist() == list(range(SMALLEST * 5 + 3))
    assert trail.overwritten == 0


def test_aged_samples_are_let_go() -> None:
    """Only a part of what no window asks for stays, and its going is no loss."""
    trail = filled(50 * SMALLEST, keep_s=10.0)
    times = trail.block.times.tolist()
    assert times == list(range(50 * SMALLEST - len(times), 50 * SMALLEST))
    assert SMALLEST <= len(times) <= 2 * SMALLEST
    assert trail.overwritten == 0


def test_room_beside_many_samples_is_a_quarter() -> None:
    """A long trail is no longer than five quarters of what is wanted of it."""
    keep_s = 40.0 * SMALLEST
    trail = filled(400 * SMALLEST, keep_s)
    assert keep_s <= len(trail.block.times) <= keep_s * 1.25 + 1


def test_the_newest_stay_however_old() -> None:
    """A pause longer than any window leaves as many samples as a summary looks back on."""
    trail = filled(SMALLEST, keep_s=10.0)
    trail.append(1e6, (7,), (ABSENT, ABSENT))
    assert trail.block.times.tolist() == [*range(SMALLEST), 1e6]
    for _ in range(SMALLEST):
        trail.append(2e6, (7,), (ABSENT, ABSENT))
    assert len(trail.block.times) >= SMALLEST


def test_limit_costs_the_oldest_and_counts_them() -> None:
    """At least LIMIT samples are kept, at most a quarter more; those lost are counted."""
    trail = Trail(1e9)
    for at in range(2 * LIMIT):
        trail.append(float(at))
    kept = len(trail.block.times)
    assert LIMIT <= kept <= LIMIT + LIMIT // 4
    assert trail.overwritten == 2 * LIMIT - kept
    assert trail.block.times[-1] == 2 * LIMIT - 1.0


def test_aged_samples_are_no_loss_at_the_limit() -> None:
    """What goes at the limit and was not wanted any more is not counted."""
    trail = Trail(float(LIMIT))
    for at in range(2 * LIMIT):
        trail.append(float(at))
    assert trail.overwritten == 0


def test_figures_come_with_the_first_sample_that_has_them() -> None:
    """Until then their column takes no memory; older samples then lack them."""
    trail = filled(3, keep_s=1e9)
    assert trail.block.figures[1] is None
    trail.append(3.0, (3,), (ABSENT, 2.5))
    first, second = trail.block.figures
    assert first is not None
    assert second is not None
    assert first[:3].tolist() == [0.0, 1.0, 2.0]
    assert math.isnan(first[3])
    assert [math.isnan(figure) for figure in second] == [True, True, True, False]
    assert second[3] == 2.5


def test_columns_stay_in_step() -> None:
    """Whatever was let go, a sample keeps its own time, code and figure."""
    block = filled(7 * SMALLEST + 5, keep_s=100.0).block
    codes, (figures, nothing) = block.codes[0], block.figures
    assert figures is not None
    assert figures.tolist() == block.times.tolist()
    assert list(codes) == [int(at) % 10 for at in block.times]
    assert nothing is None


def test_a_block_holds_what_it_held() -> None:
    """Whoever has a block reads the same samples of it after any number of new ones."""
    trail = filled(SMALLEST - 1, keep_s=1.0)
    block = trail.block
    seen = (block.times[:], bytes(block.codes[0]), block.times[5])
    for at in range(SMALLEST, 4 * SMALLEST):
        trail.append(float(at), (0,), (0.0, 1.0))
    stop = SMALLEST - 1
    assert trail.block is not block
    assert (block.times[:stop], bytes(block.codes[0][:stop]), block.times[5]) == seen
