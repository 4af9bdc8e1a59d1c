"""Durations and sizes."""

import pytest

from monitor.config.durations import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("500ms", 0.5),
        ("30s", 30.0),
        ("1.5m", 90.0),
        ("1h30m", 5400.0),
        ("1m500ms", 60.5),
        ("14d", 1_209_600.0),
        ("2w", 1_209_600.0),
        ("2y", 63_072_000.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """Numbers with units, the larger units first."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "30", "s", "-5s", "5 s", " 5s", "5s ", "30m1h", "5s5s", "5S", "1e3s", ".5s", "5.s", "٣s"],
)
def test_texts_that_are_no_durations(text: str) -> None:
    """No bare numbers, no spaces, no unit twice or out of order, no other digits."""
    with pytest.raises(ValueError, match="expected a duration with its unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1 B", 1),
        ("2 GiB", 2 * 1024**3),
        ("2GiB", 2 * 1024**3),
        ("500 MB", 500_000_000),
        ("1.5 kB", 1500),
        ("1 tib", 1024**4),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """Decimal and binary units, letter case aside."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "5", "GiB", "-1 GiB", "1  GiB", "1 XB", "1 PiB", "1,5 GiB"])
def test_texts_that_are_no_sizes(text: str) -> None:
    """A size has one number and one unit."""
    with pytest.raises(ValueError, match="expected a size with its unit"):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.5, "500ms"),
        (30.0, "30s"),
        (5400.0, "1h30m"),
        (60.25, "1m250ms"),
        (86_400.0 * 90, "90d"),
        (0.0001, "0s"),
    ],
)
def test_durations_are_written_as_they_are_read(seconds: float, text: str) -> None:
    """The text is the shortest the configuration would take."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(2 * 1024**3, "2 GiB"), (1536, "1.5 KiB"), (1024**4, "1 TiB"), (512, "512 B")],
)
def test_sizes_are_written_in_binary_units(size: int, text: str) -> None:
    """The largest unit that leaves at least one."""
    assert format_size(size) == text
