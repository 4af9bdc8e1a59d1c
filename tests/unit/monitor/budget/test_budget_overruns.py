"""Two impossible bills on one day are enough."""

from datetime import date, timedelta

from monitor.budget.overruns import Overruns

DAY = date(2026, 6, 1)


def test_one_is_a_slip_and_two_stop_the_provider() -> None:
    """The second overrun of a day stops that provider, and no other."""
    found = Overruns()
    found.add("p", DAY)
    assert not found.stopped("p", DAY)
    found.add("p", DAY)
    assert found.stopped("p", DAY)
    assert not found.stopped("q", DAY)


def test_a_new_day_is_a_new_chance() -> None:
    """Counts are of one day."""
    found = Overruns()
    found.restore("p", DAY, 5)
    tomorrow = DAY + timedelta(days=1)
    assert found.of("p", DAY) == 5
    assert found.of("p", tomorrow) == 0
    found.add("p", tomorrow)
    assert found.of("p", tomorrow) == 1
