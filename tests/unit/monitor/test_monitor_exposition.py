"""The text format: labels, samples, histograms, families."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.exposition import (
    Buckets,
    Series,
    histogram,
    label_text,
    more_labels,
    several,
    single,
    written,
)

HOSTILE = 'a"b\\c\nd{},= %s é'
LABELS = label_text(("target",), (HOSTILE,))


class Row(Series):
    __slots__ = ("buckets", "counts", "value")

    def __init__(self, labels: str) -> None:
        super().__init__(labels)
        self.buckets: Buckets | None = None
        self.counts: dict[str, int] = {}
        self.value: float | None = None


FAMILIES = (
    single("x_seconds", "gauge", "X.", lambda row: row.value),
    several("y_total", "counter", "Y.", lambda row: row.counts),
    histogram("z_seconds", "Z.", (0.5, 2.0), lambda row: row.buckets),
)


def text(*rows: Row) -> str:
    return "".join(written(FAMILIES, rows))


def test_label_values_are_escaped() -> None:
    """Quotes, backslashes and newlines stay inside their value; anything else is as it was."""
    assert LABELS == r'target="a\"b\\c\nd{},= %s é"'
    row = Row(LABELS)
    row.value = 1.5
    [family, *_] = text_string_to_metric_families(text(row))
    assert family.samples[0].labels == {"target": HOSTILE}


def test_further_labels_stand_behind_the_series_own() -> None:
    """A label text with a comma before it continues one without."""
    assert more_labels(("a", "b"), ("1", "2")) == ',a="1",b="2"'


def test_a_family_is_whole_before_the_next_begins() -> None:
    """Every family has its head once, then all its samples, whatever the number of series."""
    first, second = Row('target="a"'), Row('target="b"')
    first.value, second.value = 1, 2.5
    first.counts = {',kind="k"': 3}
    assert text(first, second) == (
        "# HELP x_seconds X.\n# TYPE x_seconds gauge\n"
        'x_seconds{target="a"} 1\nx_seconds{target="b"} 2.5\n'
        "# HELP y_total Y.\n# TYPE y_total counter\n"
        'y_total{target="a",kind="k"} 3\n'
        "# HELP z_seconds Z.\n# TYPE z_seconds histogram\n"
    )


def test_buckets_are_written_cumulated() -> None:
    """A sample on a bound is within it; the last bucket is the count."""
    row = Row('target="a"')
    row.buckets = Buckets((0.5, 2.0))
    for value in (0.1, 0.5, 0.75, 2.0, 2.5):
        row.buckets.observe(value)
    assert text(row).endswith(
        'z_seconds_bucket{target="a",le="0.5"} 2\n'
        'z_seconds_bucket{target="a",le="2.0"} 4\n'
        'z_seconds_bucket{target="a",le="+Inf"} 5\n'
        'z_seconds_count{target="a"} 5\n'
        'z_seconds_sum{target="a"} 5.85\n'
    )


def test_what_has_no_figure_has_no_sample() -> None:
    """Unknown is absent, and zero is zero."""
    row = Row('target="a"')
    assert "{" not in text(row)
    row.value = 0
    assert 'x_seconds{target="a"} 0\n' in text(row)


def test_names_and_values_belong_together() -> None:
    """A value too few is a bug of ours, not a shorter label set."""
    with pytest.raises(ValueError, match="zip"):
        label_text(("a", "b"), ("1",))


def test_a_piece_is_one_series() -> None:
    """The text comes in pieces of one series, so that whoever writes it can stop between them."""
    rows = tuple(Row(f'target="{number}"') for number in range(50))
    assert len(list(written(FAMILIES, rows))) == len(FAMILIES) * (1 + len(rows))
