"""How a report writes figures."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from aggregator.rollup.bucket import Bucket
from monitor.report import words
from monitor.report.beside import Beside, Said
from monitor.report.figures import Day, ErrorBudget, Reading, Report, TargetReport, Timing, figures
from monitor.report.incidents import Failure, Incident, Stretch, incidents
from probes.result import Failing, Fault, SkipReason, Verdict


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (1.0, "100.000 %"),
        (0.9999999, "99.999 %"),
        (0.995, "99.500 %"),
        (0.0, "0.000 %"),
    ],
)
def test_a_share_is_never_rounded_up(value: float | None, written: str) -> None:
    """A single failure in a million is not 100 %."""
    assert words.ratio(value) == written


@pytest.mark.parametrize(
    ("reading", "written"),
    [
        (None, "–"),
        (Reading(0.25, lower_bound=False), "250 ms"),
        (Reading(30.0, lower_bound=True), "≥ 30.00 s"),
    ],
)
def test_a_lower_bound_says_so(reading: Reading | None, written: str) -> None:
    """And what is unknown is a dash."""
    assert words.seconds(reading) == written


@pytest.mark.parametrize(
    ("left", "written"),
    [
        (ErrorBudget(10.0, 4, 0.6), "4 of 10.0 failures spent, 60.0 % left"),
        (ErrorBudget(10.0, 15, -0.5), "15 of 10.0 failures spent, overspent by 50.0 %"),
        (ErrorBudget(0.0, 1, None), "1 of 0.0 failures spent"),
    ],
)
def test_a_budget_is_left_or_overspent(left: ErrorBudget, written: str) -> None:
    """A share of nothing is not told."""
    assert words.budget(left) == written


@pytest.mark.parametrize(
    ("duration_s", "written"), [(9.4, "9 s"), (61.0, "1 min 1 s"), (7_260.0, "2 h 1 min")]
)
def test_a_span_is_in_units_for_people(duration_s: float, written: str) -> None:
    """Hours without their seconds."""
    assert words.span(duration_s) == written


@pytest.mark.parametrize(
    ("value_ratio", "written"),
    [(None, "–"), (0.995, "99.5 %"), (0.999999, "99.9999 %"), (0.29, "29 %"), (1.0, "100 %")],
)
def test_an_objective_is_written_as_it_was_given(value_ratio: float | None, written: str) -> None:
    """Rounded, it would not be the one that the budget was worked out of."""
    assert words.objective(value_ratio) == written


def test_what_a_terminal_would_act_upon_is_taken_out() -> None:
    """Escapes, line ends and marks that turn the text's direction."""
    assert words.plain("a\x1b[2J\n\u202eb") == "a [2J  b"


@pytest.mark.parametrize(("number", "written"), [(1, ": 1 failure, "), (2, ": 2 failures, ")])
def test_failures_are_counted_in_words(number: int, written: str) -> None:
    """One is no plural."""
    failures = [Failure(60.0 * n, 60.0 * n + 1, "reset", Fault.NETWORK) for n in range(number)]
    (one,) = incidents("chat", "openai", "here", 60.0, failures)
    assert written in words.incident(one, UTC)


@pytest.mark.parametrize(
    ("value", "written"), [(None, "–"), (0.00001, "< $0.0001"), (0.0, "$0.0000"), (1.5, "$1.5000")]
)
def test_little_money_is_not_none(value: float | None, written: str) -> None:
    """A cost that rounds to nothing was still paid."""
    assert words.usd(value) == written


@pytest.mark.parametrize(("left_ratio", "written"), [(0.9996, "99.9 %"), (-0.0004, "0.1 %")])
def test_a_spent_budget_is_never_rounded_away(left_ratio: float, written: str) -> None:
    """Neither to all of it being left, nor to nothing being overspent."""
    assert written in words.budget(ErrorBudget(1e4, 1, left_ratio))


def test_what_is_short_takes_some_time() -> None:
    """A refused connection is over in milliseconds, not in none."""
    assert words.span(0.005) == "< 1 s"
    assert words.seconds(Reading(0.0004, lower_bound=False)) == "0.4 ms"


def incident(page: Beside | None) -> Incident:
    """Return an incident with what the page said."""
    (one,) = incidents(
        "chat", "openai", "here", 60.0, [Failure(0.0, 60.0, "reset", Fault.PROVIDER)]
    )
    return replace(one, page=page)


@pytest.mark.parametrize(
    ("silent", "watched", "lead"),
    [
        (True, True, "The provider's status page said nothing of it:"),
        (True, False, "The provider's status page said nothing of it (not read all the while):"),
        (False, True, "The provider's status page:"),
    ],
)
def test_silence_is_claimed_of_who_was_silent(silent: bool, watched: bool, lead: str) -> None:
    """And a gap in the reading is told with it."""
    assert next(words.page(incident(Beside((), 0, silent, watched)), UTC)) == lead


def test_what_a_page_said_is_told_with_its_times() -> None:
    """A page that could not be read is no state; what went on has no end."""
    unread = Said("status.example.com", "unknown", "", 0.0, 60.0, seen_to_end=True)
    trouble = Said("status.example.com", "outage", "Chat", 60.0, 120.0, seen_to_end=False)
    _, first, second, more = words.page(
        incident(Beside((unread, trouble), 3, silent=False, watched_throughout=False)), UTC
    )
    assert first == (
        "status.example.com: could not be read, from 1970-01-01 00:00:00 UTC"
        " until 1970-01-01 00:01:00 UTC"
    )
    assert second == (
        "status.example.com: outage “Chat”, from 1970-01-01 00:01:00 UTC"
        " and still at 1970-01-01 00:02:00 UTC"
    )
    assert more == "and 3 more"


def test_a_page_nobody_watched_said_nothing_that_is_known() -> None:
    """That is not silence."""
    (line,) = words.page(incident(None), UTC)
    assert "not watched then" in line


def report(**said: Any) -> Report:  # Any: fields of all types
    """Return an empty report of an hour."""
    nothing = Report(0.0, 3_600.0, 3_600.0, "1", ("here",), None, 0.0, 0.0, (), (), 0, (), 0)
    return replace(nothing, **said)


def test_our_own_trouble_is_told_or_its_absence() -> None:
    """And how often it was, beyond what is listed."""
    assert list(words.troubles(report(), UTC)) == ["never, as far as single results are kept"]
    stretch = Stretch("here", 0.0, 60.0, 1)
    assert list(words.troubles(report(troubles=(stretch,), troubles_left_out=2), UTC)) == [
        "1970-01-01 00:00:00 UTC to 1970-01-01 00:01:00 UTC (1 min 0 s) at here: 1 slot",
        "and 2 shorter times",
    ]


@pytest.mark.parametrize(
    ("pages_since", "said"),
    [(0.0, []), (60.0, ["What status pages said is known since 1970-01-01 00:01:00 UTC."]),
     (None, ["What status pages said is not known: none was read."])],
)  # fmt: skip
def test_it_says_since_when_pages_are_known(pages_since: float | None, said: list[str]) -> None:
    """Before that, what they said is unknown."""
    assert words.notes(report(pages_since=pages_since), UTC) == said


@pytest.mark.parametrize(
    ("results_since", "said"),
    [
        (0.0, "None found."),
        (60.0, "None found in the single results that are kept."),
        (3_600.0, "Not known: no single result of that time is kept."),
        (None, "Not known: no single result of that time is kept."),
    ],
)
def test_no_incident_is_claimed_of_what_is_known(results_since: float | None, said: str) -> None:
    """Results that are gone, or were never there, say nothing."""
    assert words.no_incident(report(results_since=results_since)) == said


def test_our_own_trouble_is_not_denied_without_results() -> None:
    """As little as incidents are."""
    said = ["not known: no single result of that time is kept"]
    assert list(words.troubles(report(results_since=None), UTC)) == said


@pytest.mark.parametrize(
    ("older", "goes_on", "said"),
    [
        (False, False, "between"),
        (True, False, "between, at the beginning of the report: it may be older"),
        (False, True, "between, at the end of the report: it may go on"),
    ],
)
def test_an_incident_that_may_reach_beyond_says_so(older: bool, goes_on: bool, said: str) -> None:
    """Its beginning or end is then the report's, not the vendor's."""
    found = replace(incident(None), may_be_older=older, may_go_on=goes_on)
    assert words.incident(found, UTC).endswith(said)


def test_what_was_not_asked_is_told() -> None:
    """A share of slots that were due says nothing of those that we chose not to ask."""
    bucket = Bucket()
    bucket.skip(SkipReason.BREAKER, Failing(Verdict.TIMEOUT, Fault.PROVIDER))
    for reason in (SkipReason.BUDGET, SkipReason.THROTTLED_BY_US, SkipReason.LATE):
        bucket.skip(reason)
    total = figures(bucket, 1)
    target = TargetReport(
        "a", "", "", "", total, (), None, (Day(0, total),), (), Timing()
    )  # fmt: skip
    assert words.coverage(target, report(until=2.5 * 86_400)) == (
        "1 results of 2 slots due, on 1 of 3 days; 1 of the results are slots not asked while a"
        " breaker was open; 0 slots failed through the monitor, 1 had no result, 2 more were held"
        " back by choice; 0 results tainted by the monitor's lateness"
    )


def test_a_target_nobody_knows_any_more_says_so() -> None:
    """Roll-ups outlive what says whom a target asked."""
    gone = TargetReport("a", "", "", "", figures(Bucket(), 1), (), None, (), (), Timing())
    assert words.asked(gone) == "Model not known; not configured any more"
