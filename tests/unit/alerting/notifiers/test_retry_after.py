"""Retry-After in its two forms, and the ones that are none."""

import pytest

from alerting.notifiers.retry_after import retry_after_s

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("0", 0.0), ("1.5", 1.5),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0), ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_seconds_and_dates(header: str, seconds: float) -> None:
    """A number is seconds, a date is counted from now, a date gone by asks for nothing."""
    assert retry_after_s(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [None, "", "-1", "nan", "inf", "1e9", "soon", "9" * 30, "٣", "Wed, 99 Oct 2015 07:28:00 GMT"],
)
def test_nonsense_is_no_answer(header: str | None) -> None:
    """What is neither is as if it were not there: no NaN, no negative, no year of waiting."""
    assert retry_after_s(header, NOW) is None
