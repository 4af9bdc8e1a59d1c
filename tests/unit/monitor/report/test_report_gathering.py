"""A report of a month in a ledger."""

from collections.abc import Iterator
from dataclasses import replace
from sqlite3 import Connection

import pytest

from aggregator.results import insert_result
from monitor.report.answers import DIFFERENT_AT_MOST, LIMITS_AT_MOST, answers
from monitor.report.figures import Report, StatedLimit
from monitor.report.gathering import Question, gather, whole_days
from monitor.report.incidents import Stretch
from monitor.report.subjects import Subject
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import Saying, Words, note
from probes.result import Fault, RateLimit, StampQuality
from tests.unit.aggregator.samples import result, timeout
from tests.unit.monitor.report.outages import DAY, START, SUBJECT, ledger, reported

END = START + 30 * DAY


@pytest.fixture
def month() -> Iterator[Connection]:
    """Open the month's ledger."""
    with ledger() as connection:
        yield connection


def asked(connection: Connection, since: float = START, until: float = END) -> Report:
    """Make a report, a day after the month."""
    return reported(connection, since=since, until=until)


def test_outages_are_incidents(month: Connection) -> None:
    """Each with its beginning, end, number and evidence, the refused slot among them."""
    errors, timeouts = asked(month).incidents
    assert (errors.start_at, errors.duration_s) == (START + 10 * DAY + 3_600, 7_200.0)
    assert (errors.failures, errors.verdicts) == (9, {"server_error": 9})
    assert [each.request_id for each in errors.evidence] == [f"req_{n}" for n in range(964, 969)]
    assert (timeouts.failures, timeouts.verdicts) == (32, {"timeout": 32})
    assert {each.request_id for each in timeouts.evidence} == {None}


def test_an_incident_at_an_end_of_the_range_may_reach_beyond(month: Connection) -> None:
    """It began on the day before, or goes on: the report knows only of its own days."""
    errors, timeouts = asked(month).incidents
    assert {each.may_be_older or each.may_go_on for each in (errors, timeouts)} == {False}
    (timeouts,) = asked(month, since=START + 20 * DAY).incidents
    assert (timeouts.may_be_older, timeouts.may_go_on) == (True, False)
    (_, timeouts) = reported(month, now=timeouts.end_at + 60.0).incidents
    assert (timeouts.may_be_older, timeouts.may_go_on) == (False, True)


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


def test_limits_are_read_however_they_were_written(month: Connection) -> None:
    """Imported ones are stored as another program wrote them, if they are what they should be."""
    before = asked(month).targets[0].limits[0].times
    found = result(
        slot=10**6, at=float(END - 10), rate_limits=(RateLimit("requests", 500, 9, 1.0),)
    )
    insert_result(month, found)
    month.execute("UPDATE results SET rate_limits = char(10) || ' ' || rate_limits || ' '")
    assert asked(month).targets[0].limits[0].times == before + 1


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
    report = reported(month, now=END - 100.0)
    assert report.until == END - 100.0


def test_a_range_is_widened_to_whole_days() -> None:
    """And a whole one stays as it is."""
    assert whole_days(DAY + 1.0, 2 * DAY + 1.0) == (DAY, 3 * DAY)
    assert whole_days(DAY, 2 * DAY) == (DAY, 2 * DAY)


GONE = Subject("gone", "openai", "gpt-4o", 900.0, "")


def test_a_target_that_is_gone_is_reported_if_it_left_anything(month: Connection) -> None:
    """One that left nothing in the range would be an empty section about nobody."""
    at = float(START + 5 * DAY)
    assert [each.name for each in reported(month, SUBJECT, GONE).targets] == ["chat"]
    insert_result(month, timeout(9.0, target="gone", slot=1, at=at))
    chat, gone = sorted(reported(month, SUBJECT, GONE).targets, key=lambda each: each.name)
    assert (chat.asked, gone.asked) == (SUBJECT.asked, "")
    assert gone.total.results == 1


def test_the_worst_target_comes_first(month: Connection) -> None:
    """And last who has no result at all."""
    insert_result(month, timeout(9.0, target="gone", slot=1, at=float(START)))
    nothing = replace(SUBJECT, name="nothing")
    report = reported(month, nothing, SUBJECT, GONE)
    assert [each.name for each in report.targets] == ["gone", "chat", "nothing"]


def test_locations_are_told_apart_and_together(month: Connection) -> None:
    """Percentiles of all are over all samples: not between those of the places, as a mean is."""
    for n in range(100):
        said = {"slot": n, "at": float(START + 60 * n), "location": "there"}
        insert_result(month, result(**said, total_s=50.0))
    (target,) = reported(month, locations=("here", "there"), until=START + DAY).targets
    here, there = target.locations
    assert (here.location, there.location) == ("here", "there")
    assert target.total.results == here.total.results + there.total.results == 196
    p50, slow = target.total.latency.p50, there.total.latency.p50
    assert p50 is not None
    assert slow is not None
    assert p50.value_s == slow.value_s == pytest.approx(50.0, rel=0.01)


def test_each_location_has_its_own_incidents(month: Connection) -> None:
    """The same minute may be bad here and there; they are two observations."""
    at = float(START + 10 * DAY + 3_600)
    insert_result(month, timeout(9.0, slot=964, at=at, location="there"))
    found = reported(month, locations=("here", "there")).incidents
    assert [each.location for each in found] == ["here", "there", "here"]


def test_our_own_trouble_is_no_incident_and_stands_beside_one(month: Connection) -> None:
    """What failed while our way out was shut is not the provider's, and a vendor may know it."""
    at = float(START + 10 * DAY + 3_600 + 60)
    for slot, fault in ((1, Fault.NETWORK), (2, Fault.MONITOR)):
        failed = timeout(9.0, slot=10**6 + slot, at=at + slot)
        insert_result(month, replace(failed, fault=fault))
    report = reported(month)
    assert len(report.incidents) == 2
    assert report.incidents[0].troubles == (Stretch("here", at + 1, at + 11, 2),)
    assert report.troubles == report.incidents[0].troubles
    assert report.targets[0].total.spoiled == 1


def test_good_results_within_an_incident_are_counted(month: Connection) -> None:
    """Failures came no further apart than the rule allows; some answers were good all the same."""
    at = float(START + 10 * DAY + 3_600 + 60)
    insert_result(month, result(slot=10**6 + 1, at=at))
    assert [each.good_between for each in reported(month).incidents] == [1, 0]


def test_what_the_page_said_stands_beside_an_incident(month: Connection) -> None:
    """Of its provider, and only where somebody looked."""
    begin = float(START + 10 * DAY)
    for n in range(100):
        words = frozenset({Words(PageState.OPERATIONAL)})
        note(month, Saying("openai", "status.example.com", begin + 300 * n, words), 1e9)
    report = reported(month)
    errors, timeouts = report.incidents
    assert errors.page is not None
    assert errors.page.silent
    assert errors.page.watched_throughout
    assert timeouts.page is None
    assert report.pages_since == begin


def test_how_results_were_timed_is_counted(month: Connection) -> None:
    """By whose clock, or by none, so that they add up; and how many were interrupted."""
    at = float(START + 5 * DAY)
    kinds = (StampQuality.USER, StampQuality.KERNEL, StampQuality.KERNEL, StampQuality.NONE)
    for n, stamps in enumerate(kinds):
        insert_result(month, result(slot=10**6 + n, at=at, stamps=stamps, interrupted=n == 2))
    before = reported(month, until=START + DAY).targets[0].timing
    after = reported(month, since=START + 5 * DAY, until=START + 6 * DAY).targets[0].timing
    assert after.user == before.user + 1
    assert after.kernel == before.kernel + 2
    assert after.none == before.none + 1
    assert after.interrupted == 1


def test_limits_without_end_take_no_more_memory(month: Connection) -> None:
    """After a thousand different ones, new ones are not counted."""
    for n in range(DIFFERENT_AT_MOST + 10):
        limits = (RateLimit("tokens", n, None, None), RateLimit("tokens", n, 3, None))
        insert_result(month, result(target="mail", slot=n, at=float(START + n), rate_limits=limits))
    limits, _ = answers(month, "mail", ("here",), START, START + DAY)
    assert len(limits) == LIMITS_AT_MOST
    assert {(each.times, each.least_remaining) for each in limits} == {(2, 3)}


def test_it_says_how_far_it_is(month: Connection) -> None:
    """After each target."""
    heard: list[int] = []
    asked = Question(START, END, ("here",))
    gather(month, [SUBJECT, GONE], asked, END, "1", heard.append)
    assert heard == [1, 2]
    assert not month.in_transaction
