"""Figures as bars."""

import pytest

from alerting.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ([0.0, 1.0, 2.0, 7.0], "▁▂▃█"),
        ([1.0, None, 1.0], "█·█"),
        ([0.0, 0.0], "▁▁"),
        ([None, 1.0], ""),
        ([], ""),
    ],
)
def test_a_bar_for_each_value(values: list[float | None], row: str) -> None:
    """From nothing to the greatest; gaps are shown, and one value alone is no course."""
    assert sparkline(values) == row
