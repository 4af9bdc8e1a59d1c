"""A report of a month in a ledger."""

from collections.abc import Iterator
from sqlite3 import Connection

import pytest

from aggregator.results import insert_result
from monitor.report.figures import Report, StatedLimit
from monitor.report.gathering import LIMITS_AT_MOST, Question, gather, whole_days
from probes.result import RateLimit
from tests.unit.aggregator.samples import result, timeout
from tests.unit.monitor.report.outages import DAY, START, TARGET, ledger

END = START + 30 * DAY


@pytest.fixture
def month() -> Iterator[Connection]:
    """Open the month's ledger."""
    with ledger() as connection:
        yield connection


def asked(connection: Connection, since: float = START, until: float = END) -> Report:
    """Make a report, a day after the month."""
    return gather(connection, [TARGET], Question(since, until, "here", 0.995), END + DAY)


def test_outages_are_incidents(month: Connection) -> None:
    """Each with its beginning, end, number and evidence, the refused slot among them."""
    errors, timeouts = asked(month).incidents
    assert (errors.start_at, errors.duration_s) == (START + 10 * DAY + 3_600, 7_200.0)
    assert (errors.failures, errors.verdicts) == (9, {"server_error": 9})
    assert [each.request_id for each in errors.evidence] == [f"req_{n}" for n in range(964, 969)]
    assert (timeouts.failures, timeouts.evidence) == (32, ())


def test_days_add_up(month: Connection) -> None:
    """A day without any result is absent, and the total is that of the days."""
    (target,) = asked(month).targets
    assert START + 25 * DAY not in [day.at for day in target.days]
    assert target.total.results == sum(day.figures.results for day in target.days) == 2_785
    assert target.total.failures == {"provider": 41}
    assert target.total.cost_usd == pytest.approx(2.744)


def test_what_is_in_no_roll_up_yet_is_counted(month: Connection) -> None:
    """Incidents come from results: without their newest minute, figures would contradict them."""
    before = asked(month).targets[0].total
    insert_result(month, result(slot=10**6 + 1, at=float(END - 10)))
    after = asked(month).targets[0].total
    assert (after.results, after.due) == (before.results + 1, before.due + 1)


def test_limits_are_what_headers_stated(month: Connection) -> None:
    """Each value once, with how often and when."""
    (target,) = asked(month).targets
    assert target.limits == (StatedLimit("requests", 500, 493, 2_744, START, END - 900),)


def test_a_provider_that_states_a_new_limit_each_time_is_cut_short(month: Connection) -> None:
    """Its most frequent ones are shown."""
    for n in range(50):
        limit = RateLimit("tokens", n, None, None)
        at = float(END - DAY + n)
        insert_result(month, result(slot=10**6 + n, at=at, rate_limits=(limit,)))
    (target,) = asked(month).targets
    assert len(target.limits) == LIMITS_AT_MOST
    assert target.limits[0].bucket == "requests"


def test_what_is_outside_the_range_is_not_in_it(month: Connection) -> None:
    """Its end belongs to the next."""
    report = asked(month, START + 11 * DAY, START + 20 * DAY)
    assert report.incidents == ()
    assert len(report.targets[0].days) == 9


def test_other_places_and_confirming_attempts_make_no_incident(month: Connection) -> None:
    """A report speaks of one location, and of slots' own attempts."""
    at = float(START + 5 * DAY)
    insert_result(month, timeout(9.0, slot=1, at=at, location="there"))
    insert_result(month, timeout(9.0, slot=1, at=at, attempt=2))
    assert len(asked(month).incidents) == 2


def test_it_says_how_far_back_single_results_reach(month: Connection) -> None:
    """Roll-ups are kept longer than what incidents are made of."""
    assert not asked(month).evidence_is_short
    month.execute("DELETE FROM results WHERE at < ?", (START + DAY,))
    assert asked(month).results_since == START + DAY
    assert asked(month).evidence_is_short
    month.execute("DELETE FROM results")
    assert asked(month).results_since is None
    assert asked(month).evidence_is_short


def test_a_report_of_today_ends_now(month: Connection) -> None:
    """Not at a midnight to come."""
    report = gather(month, [TARGET], Question(START, END, "here"), END - 100.0)
    assert report.until == END - 100.0


def test_a_range_is_widened_to_whole_days() -> None:
    """And a whole one stays as it is."""
    assert whole_days(DAY + 1.0, 2 * DAY + 1.0) == (DAY, 3 * DAY)
    assert whole_days(DAY, 2 * DAY) == (DAY, 2 * DAY)
