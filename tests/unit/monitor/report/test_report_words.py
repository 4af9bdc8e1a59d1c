"""How a report writes figures."""

from datetime import UTC

import pytest

from monitor.report import words
from monitor.report.figures import ErrorBudget, Reading
from monitor.report.incidents import Failure, incidents
from probes.result import Fault


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
        (ErrorBudget(10.0, 4, 0.6), "4 of 10.0 failures spent, 60.0% left"),
        (ErrorBudget(10.0, 15, -0.5), "15 of 10.0 failures spent, overspent by 50.0%"),
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


def test_what_a_terminal_would_act_upon_is_taken_out() -> None:
    """Escapes, line ends and marks that turn the text's direction."""
    assert words.plain("a\x1b[2J\n\u202eb") == "a [2J  b"


@pytest.mark.parametrize(("number", "written"), [(1, ": 1 failure"), (2, ": 2 failures")])
def test_failures_are_counted_in_words(number: int, written: str) -> None:
    """One is no plural."""
    failures = [Failure(60.0 * n, 60.0 * n + 1, "reset", Fault.NETWORK) for n in range(number)]
    (one,) = incidents("chat", "openai", 60.0, failures)
    assert words.incident(one, UTC).endswith(written)
