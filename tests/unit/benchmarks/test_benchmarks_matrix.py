"""Which client is measured under which load."""

import pytest

from benchmarks.cells import LEAD_S, Cell, Pattern
from benchmarks.latency import RATES, Size, matrix
from benchmarks.seat import offsets


@pytest.mark.parametrize("size", Size)
def test_sonde_is_never_alone_with_a_plain_load(size: Size) -> None:
    """Every plain load without a blocked loop also goes to a client of somebody else's."""
    loads = [(name, cell) for name, cell in matrix(size) if not cell.tls and not cell.blocked]
    ours = {cell for name, cell in loads if name == "sonde"}
    assert ours == {cell for name, cell in loads if name in ("sdk", "blackbox")} | {
        cell for cell in ours if cell.chunks and cell.rate > 50
    }


@pytest.mark.parametrize("size", [Size.DEFAULT, Size.FULL])
def test_every_target_has_a_cell(size: Size) -> None:
    """All rates, even and in bursts, plain and TLS, kept and fresh, blocked, streamed."""
    cells = [cell for name, cell in matrix(size) if name == "sonde"]
    plain = {(c.rate, c.pattern, c.fresh) for c in cells if not (c.tls or c.blocked or c.chunks)}
    assert plain == {(r, p, f) for r in RATES for p in Pattern for f in (False, True)}
    assert {(c.tls, c.fresh) for c in cells if c.tls} == {(True, False), (True, True)}
    assert {c.rate for c in cells if c.blocked and not c.tls and not c.chunks} == set(RATES)
    assert {c.blocked for c in cells if c.chunks} == {False, True}


@pytest.mark.parametrize(
    ("size", "most_minutes"), [(Size.QUICK, 3), (Size.DEFAULT, 6), (Size.FULL, 15)]
)
def test_no_size_takes_longer_than_it_says(size: Size, most_minutes: float) -> None:
    """Half a second a run for what is in flight."""
    assert sum(LEAD_S + cell.seconds + 0.5 for _, cell in matrix(size)) / 60 <= most_minutes


def test_blackbox_gets_only_what_it_can_do() -> None:
    """It connects anew for each probe and knows no streams; its loop is not ours to block."""
    for name, cell in matrix(Size.FULL):
        if name == "blackbox":
            assert cell.fresh
            assert not cell.chunks
            assert not cell.blocked


def test_even_probes_are_spread_and_bursts_are_not() -> None:
    """Of each second's probes, lead and all."""
    assert list(offsets(Cell(rate=2, seconds=1.0))) == [0.0, 0.5, 1.0, 1.5]
    burst = Cell(rate=2, seconds=1.0, pattern=Pattern.BURST)
    assert list(offsets(burst)) == [0.0, 0.0, 1.0, 1.0]
