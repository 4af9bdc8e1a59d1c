"""How clients are held against the truth server's log."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.cells import Cell, Findings, Sample
from benchmarks.judging import Spread, judge, limit_ms
from benchmarks.truth_log import Row

WHOLE = Row.of("0,7,chat,1000000000,20000,1200000000,1200000000,50000,9000,")
STREAM = Row.of("1,8,stream,2000000000,0,2200000000,2240000000,0,9000,0 20000000 40000000")


def findings(*samples: Sample, **changes: Any) -> Findings:
    """Make findings of these samples. Any: fields of several types."""
    settings: dict[str, Any] = {"samples": samples, "lost": 0, "cpu_s": 0.0, "probes": 0}
    return Findings(**(settings | changes))


def rows(*each: Row) -> dict[int, Row]:
    return {row.id: row for row in each}


def test_a_line_of_the_log_is_read_in_seconds() -> None:
    """The log is in nanoseconds; chunks are offsets from the first one."""
    assert (WHOLE.id, WHOLE.kind, WHOLE.arrived) == (7, "chat", 1.0)
    assert WHOLE.took_s == pytest.approx(0.2)
    assert (WHOLE.chunks_s, WHOLE.gap_s) == ((), None)
    assert STREAM.first_s == pytest.approx(0.2)
    assert STREAM.gap_s == pytest.approx(0.02)


def test_an_error_is_absolute_and_in_ms() -> None:
    """Too short is as wrong as too long."""
    samples = (Sample(id=7, whole_s=0.199), Sample(id=7, whole_s=0.203))
    spread = judge(findings(*samples), rows(WHOLE)).whole
    assert spread is not None
    assert (spread.p50, spread.p99, spread.worst) == pytest.approx((1.0, 3.0, 3.0))


def test_no_figure_is_no_spread() -> None:
    """What a client cannot tell has no error, which is not an error of 0."""
    judgement = judge(findings(Sample(id=7, whole_s=0.2)), rows(WHOLE))
    assert (judgement.answer, judgement.first_token, judgement.inter_token) == (None, None, None)


def test_a_spread_is_by_nearest_rank() -> None:
    """The p99 of a hundred figures is the 99th, not something between two."""
    assert Spread.of(range(1, 101)) == Spread(50, 99, 100)
    assert Spread.of([]) is None


@pytest.mark.parametrize(
    ("sample", "wrong", "tainted"),
    [
        (Sample(id=7, whole_s=0.2004), 0, 0),
        (Sample(id=7, whole_s=0.2006), 1, 0),
        (Sample(id=7, whole_s=0.2006, tainted=True), 0, 1),
        (Sample(id=7, whole_s=0.21, answer_s=0.2), 0, 0),
        (Sample(id=7, whole_s=0.21, answer_s=0.21), 1, 0),
        (Sample(id=8, whole_s=0.24, first_token_s=0.201), 1, 0),
        (Sample(id=8, whole_s=0.24, first_token_s=0.201, stream_tainted=True), 0, 1),
        (Sample(id=8, whole_s=0.24, first_token_s=0.2, inter_token_s=0.0206), 1, 0),
    ],
)
def test_silently_wrong_is_off_and_not_marked(sample: Sample, wrong: int, tainted: int) -> None:
    """Only what a client stands by can be silently wrong; connecting is a true part of a whole."""
    judgement = judge(findings(sample), rows(WHOLE, STREAM))
    assert (judgement.silently_wrong, judgement.tainted) == (wrong, tainted)


def test_everything_without_a_good_answer_failed() -> None:
    """A refused probe, one the log does not know, and those that never ended: all are failures."""
    samples = (Sample(id=None, ok=False), Sample(id=9), Sample(id=7, ok=False), Sample(id=7))
    judgement = judge(findings(*samples, lost=2), rows(WHOLE))
    assert (judgement.samples, judgement.failed) == (1, 5)


def test_a_row_that_is_not_sure_of_itself_judges_nobody() -> None:
    """A send that took long may have left late: no error, not silently wrong, but counted."""
    unsure = replace(WHOLE, unsure_s=0.0002)
    judgement = judge(findings(Sample(id=7, whole_s=0.3)), rows(unsure))
    assert (judgement.whole, judgement.silently_wrong) == (None, 0)
    assert (judgement.samples, judgement.unsure) == (1, 1)


def test_other_than_kernel_stamps_are_counted_where_there_are_stamps() -> None:
    """Clients that know no stamps are not blamed for them."""
    samples = [Sample(id=7, whole_s=0.2, stamps=each) for each in ("", "kernel", "user", "none")]
    assert judge(findings(*samples), rows(WHOLE)).not_kernel == 2


def test_cpu_is_for_one_probe_and_unknown_without_any() -> None:
    """It is divided by the probes it was spent on, answered or not."""
    assert judge(findings(cpu_s=0.5, probes=250), {}).cpu_ms == pytest.approx(2.0)
    assert judge(findings(), {}).cpu_ms is None


@pytest.mark.parametrize(
    ("cell", "limit"),
    [
        (Cell(rate=50), 0.3),
        (Cell(rate=50, blocked=True), 0.5),
        (Cell(rate=50, tls=True), 0.6),
        (Cell(rate=50, tls=True, fresh=True, blocked=True), 1.2),
        (Cell(rate=50, tls=True, chunks=20), 0.5),
    ],
)
def test_limits_follow_the_targets(cell: Cell, limit: float) -> None:
    """A blocked loop may cost precision, TLS costs more already."""
    assert limit_ms(cell) == limit
