"""Durations and lists as people say them."""

import pytest

from alerting.words import duration_text, listed


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (0.4, "0s"), (1, "1s"), (59.4, "59s"), (59.6, "1m"), (60, "1m"), (840, "14m"),
        (90, "1m 30s"), (3600, "1h"), (3900, "1h 5m"), (3601, "1h"), (86_400, "1d"),
        (90_000, "1d 1h"), (90_061, "1d 1h"), (-5, "0s"),
    ],
)  # fmt: skip
def test_two_units_at_most(seconds: float, text: str) -> None:
    """The two largest units say enough; a zero one is left out, and time never runs backwards."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_words_in_a_row(words: tuple[str, ...], text: str) -> None:
    """The last one follows an "and"."""
    assert listed(words) == text
