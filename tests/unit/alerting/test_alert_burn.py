"""Burn rates of two windows: what is so, what is sure, and the rates that page."""

import pytest

from aggregator.slo import Tally
from alerting.burn import TIERS, Burn, Slo

SLO = Slo("a", 0.995)
DAY_S = 86_400


def burn(long: Tally, short: Tally) -> Burn:
    return Burn(long, short, SLO.allowed_ratio)


def test_the_rate_is_the_lower_of_both_windows() -> None:
    """The long window says that it matters, the short one that it is still so."""
    assert burn(Tally(60, 100), Tally(1, 10)).rate == pytest.approx(20)
    assert burn(Tally(5, 100), Tally(10, 10)).rate == pytest.approx(10)


def test_an_empty_window_is_unknown() -> None:
    """Without an answer in either window there is no rate, and nothing to rely on."""
    for empty in (burn(Tally(), Tally(1, 1)), burn(Tally(1, 1), Tally())):
        assert empty.rate is None
        assert empty.sure_rate is None
        assert empty.known is None


def test_one_failure_of_few_probes_is_not_sure_to_page() -> None:
    """One of twelve is 8 %: a rate of 17, of which no more than 4 is sure."""
    known = burn(Tally(1, 12), Tally(1, 1)).known
    assert known is not None
    assert known.high > 14.4
    assert known.low < 6


def test_an_outage_is_sure() -> None:
    """Eight failures in a row among sixty page."""
    known = burn(Tally(8, 60), Tally(5, 5)).known
    assert known is not None
    assert known.low > 14.4


def test_what_is_over_is_known_to_be_over() -> None:
    """A short window without a failure burns nothing, whatever the long one holds."""
    known = burn(Tally(30, 60), Tally(0, 5)).known
    assert known is not None
    assert (known.low, known.high) == (0.0, 0.0)


def test_the_rates_are_those_of_the_workbook() -> None:
    """14.4, 6 and 1 for thirty days; a twelfth is the short window; a week's are its own."""
    assert [tier.times(SLO.over_s) for tier in TIERS] == pytest.approx([14.4, 6.0, 1.0])
    assert all(tier.long_s == 12 * tier.short_s for tier in TIERS)
    assert [tier.times(7 * DAY_S) for tier in TIERS] == pytest.approx([3.36, 1.4, 7 / 30])
    assert [tier.pages for tier in TIERS] == [True, True, False]
