"""A complete answer is compared with what was expected of it."""

import pytest

from probes.expect import judge
from probes.reading import Reading
from probes.result import DETAIL_LIMIT, Fault, Verdict
from probes.target import Expectation


def _answer(text: str = "", **parts: object) -> Reading:
    # Reading's fields are many and typed apart; a test names only the one it is about.
    return Reading(verdict=Verdict.OK, fault=Fault.NONE, text=text, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "contains"), [("It is OK.", "ok"), ("STRASSE", "straße"), ("x", ""), ("x", None)]
)
def test_expected_text_may_differ_in_case(text: str, contains: str | None) -> None:
    """Letter case does not matter, and nothing expected is always met."""
    reading = _answer(text)
    assert judge(reading, Expectation(contains=contains)) is reading


def test_missing_text_is_the_providers_fault() -> None:
    """A complete answer without the expected text is a mismatch, and shows what came instead."""
    reading = judge(_answer("no\nidea", finish_reason="stop"), Expectation(contains="ok"))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.PROVIDER)
    assert reading.detail == 'no "ok" in the answer: no idea'
    assert reading.text == "no\nidea"


def test_text_cut_off_by_our_limit_is_our_fault() -> None:
    """`length` says that we allowed too few tokens."""
    reading = judge(_answer("The word is", finish_reason="length"), Expectation(contains="ok"))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.REQUEST)


def test_text_cut_off_that_meets_the_expectation_is_ok() -> None:
    """`length` alone is no failure: probes ask for few tokens."""
    reading = _answer("ok, and", finish_reason="length")
    assert judge(reading, Expectation(contains="ok")) is reading


@pytest.mark.parametrize(("vector", "found"), [((1.0, 2.0), 2), (None, 0)])
def test_wrong_dimensions_are_a_mismatch(vector: tuple[float, ...] | None, found: int) -> None:
    """A vector of another size, or none, is not what was asked for."""
    reading = judge(_answer(vector=vector), Expectation(dimensions=3))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.PROVIDER)
    assert reading.detail == f"{found} dimensions instead of 3"


def test_right_dimensions_are_ok() -> None:
    """A vector of the expected size passes unchanged."""
    reading = _answer(vector=(1.0, 2.0))
    assert judge(reading, Expectation(dimensions=2)) is reading


def test_a_failed_answer_is_not_judged() -> None:
    """A truncated answer stays truncated, whatever was expected."""
    reading = Reading(verdict=Verdict.TRUNCATED, fault=Fault.PROVIDER, text="o")
    assert judge(reading, Expectation(contains="ok", dimensions=3)) is reading


def test_the_detail_holds_no_secret_and_is_short() -> None:
    """An answer that repeats a key does not carry it into the result."""
    reading = judge(
        _answer("house-key-1 " * 1000), Expectation(contains="ok"), secrets=["house-key-1"]
    )
    assert "house-key-1" not in reading.detail
    assert len(reading.detail) <= DETAIL_LIMIT
