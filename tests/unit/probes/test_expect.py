"""A complete answer is compared with what was expected of it."""

from dataclasses import replace

import pytest

from probes.answer_schema import AnswerSchema, TextPattern
from probes.expect import judge
from probes.reading import Listing, Reading
from probes.reference import Reference
from probes.result import DETAIL_LIMIT, Fault, Operation, Verdict
from probes.target import Expectation, Target


def _answer(text: str = "", **parts: object) -> Reading:
    # Reading's fields are many and typed apart; a test names only the one it is about.
    return Reading(verdict=Verdict.OK, fault=Fault.NONE, text=text, **parts)  # type: ignore[arg-type]


def _target(operation: Operation = Operation.CHAT, **wanted: object) -> Target:
    return Target(
        name="t",
        provider="p",
        preset="openai",
        model="m",
        operation=operation,
        prompt="?",
        expect=Expectation(**wanted),  # type: ignore[arg-type] # fields of many types
    )


@pytest.mark.parametrize(
    ("text", "contains"), [("It is OK.", "ok"), ("STRASSE", "straße"), ("x", ""), ("x", None)]
)
def test_expected_text_may_differ_in_case(text: str, contains: str | None) -> None:
    """Letter case does not matter, and nothing expected is always met."""
    reading = _answer(text)
    assert judge(reading, _target(contains=contains)) is reading


def test_missing_text_is_the_providers_fault() -> None:
    """A complete answer without the expected text is a mismatch, and shows what came instead."""
    reading = judge(_answer("no\nidea", finish_reason="stop"), _target(contains="ok"))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.PROVIDER)
    assert reading.detail == 'no "ok" in the answer: no idea'
    assert reading.text == "no\nidea"


def test_text_cut_off_by_our_limit_is_our_fault() -> None:
    """`length` says that we allowed too few tokens."""
    reading = judge(_answer("The word is", finish_reason="length"), _target(contains="ok"))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.REQUEST)


def test_text_cut_off_that_meets_the_expectation_is_ok() -> None:
    """`length` alone is no failure: probes ask for few tokens."""
    reading = _answer("ok, and", finish_reason="length")
    assert judge(reading, _target(contains="ok")) is reading


@pytest.mark.parametrize(("vector", "found"), [((1.0, 2.0), 2), (None, 0)])
def test_wrong_dimensions_are_a_mismatch(vector: tuple[float, ...] | None, found: int) -> None:
    """A vector of another size, or none, is not what was asked for."""
    reading = judge(_answer(vector=vector), _target(dimensions=3))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.PROVIDER)
    assert reading.detail == f"{found} dimensions instead of 3"


def test_right_dimensions_are_ok() -> None:
    """A vector of the expected size passes unchanged."""
    reading = _answer(vector=(1.0, 2.0))
    assert judge(reading, _target(dimensions=2)) is reading


def test_a_failed_answer_is_not_judged() -> None:
    """A truncated answer stays truncated, whatever was expected."""
    reading = Reading(verdict=Verdict.TRUNCATED, fault=Fault.PROVIDER, text="o")
    assert judge(reading, _target(contains="ok", dimensions=3)) is reading


def test_the_detail_holds_no_secret_and_is_short() -> None:
    """An answer that repeats a key does not carry it into the result."""
    reading = judge(_answer("house-key-1 " * 1000), _target(contains="ok"), secrets=["house-key-1"])
    assert "house-key-1" not in reading.detail
    assert len(reading.detail) <= DETAIL_LIMIT


@pytest.mark.parametrize(
    ("wanted", "good", "bad", "detail"),
    [
        ({"equals": "ok"}, " ok\n", "ok!", 'not "ok" but: ok!'),
        (
            {"regex": TextPattern("^[0-9]+$")},
            "42",
            "4 2",
            "nothing like ^[0-9]+$ in the answer: 4 2",
        ),
        (
            {"json_schema": AnswerSchema('{"required": ["a"]}')},
            '```json\n{"a": 1}\n```',
            "{}",
            'not as json_schema says: the answer: "a" is a required property',
        ),
    ],
)
def test_each_check_of_the_text(
    wanted: dict[str, object], good: str, bad: str, detail: str
) -> None:
    """What meets the check passes unchanged; what does not is a mismatch that shows the answer."""
    passed = _answer(good)
    assert judge(passed, _target(**wanted)) is passed
    failed = judge(_answer(bad), _target(**wanted))
    assert (failed.verdict, failed.fault) == (Verdict.CONTENT_MISMATCH, Fault.PROVIDER)
    assert failed.detail == detail


def test_an_answer_too_long_to_be_checked_is_our_fault() -> None:
    """A pattern is run over a bounded text only, and the provider is not blamed for the bound."""
    target = replace(_target(regex=TextPattern("y")), max_output_tokens=1_000)
    reading = judge(_answer("x" * 8_193), target)
    assert (reading.verdict, reading.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert "8193 characters" in reading.detail


def test_an_answer_longer_than_we_asked_for_is_not_our_fault() -> None:
    """A server that does not stop at our limit is not what was expected, and must not hide so."""
    reading = judge(_answer("x" * 8_193), _target(regex=TextPattern("y")))
    assert (reading.verdict, reading.fault) == (Verdict.CONTENT_MISMATCH, Fault.PROVIDER)


@pytest.mark.parametrize(
    ("vector", "ok"),
    [((0.6, 0.8), True), ((0.6, 0.8009), True), ((3.0, 4.0), False), ((1e308, 1e308), False)],
)
def test_normalised_vectors_have_the_length_one(vector: tuple[float, ...], ok: bool) -> None:
    """Within a thousandth: providers compute in fewer bits than we do."""
    verdict = judge(_answer(vector=vector), _target(Operation.EMBEDDINGS, normalised=True)).verdict
    assert verdict is (Verdict.OK if ok else Verdict.CONTENT_MISMATCH)


REFERENCE = Reference.of((1.0, 0.0))


@pytest.mark.parametrize(
    ("vector", "cosine", "detail"),
    [
        ((2.0, 0.0), 1.0, ""),
        ((0.0, 1.0), 0.0, "cosine 0.000000 to the reference, below 0.999"),
        ((1.0, 0.0, 0.0), None, "3 dimensions, the reference has 2"),
    ],
)
def test_a_vector_is_compared_with_its_reference(
    vector: tuple[float, ...], cosine: float | None, detail: str
) -> None:
    """The cosine is told whether it is enough or not."""
    target = _target(Operation.EMBEDDINGS, cosine_at_least=0.999)
    reading = judge(_answer(vector=vector), target, REFERENCE)
    assert reading.cosine == (None if cosine is None else pytest.approx(cosine, abs=1e-12))
    assert reading.detail.replace("-0.0", "0.0") == detail
    assert (reading.verdict is Verdict.OK) == (not detail)


def test_without_a_reference_there_is_nothing_to_compare_with() -> None:
    """The first good answer passes: it is what the reference is taken from."""
    target = _target(Operation.EMBEDDINGS, cosine_at_least=0.999)
    reading = _answer(vector=(0.0, 1.0))
    assert judge(reading, target) is reading


def test_the_cosine_is_told_even_if_nothing_is_asked_of_it() -> None:
    """Drift is seen by it, whatever the expectation."""
    assert judge(_answer(vector=(1.0, 0.0)), _target(Operation.EMBEDDINGS), REFERENCE).cosine == 1.0


@pytest.mark.parametrize(
    ("listing", "verdict", "fault"),
    [
        (None, Verdict.OK, Fault.NONE),
        (Listing(frozenset({"m", "n"}), whole=True), Verdict.OK, Fault.NONE),
        (Listing(frozenset({"n"}), whole=True), Verdict.MODEL_NOT_FOUND, Fault.REQUEST),
        (Listing(frozenset({"n"}), whole=False), Verdict.CONTENT_MISMATCH, Fault.REQUEST),
    ],
)
def test_a_model_must_be_in_the_whole_list(
    listing: Listing | None, verdict: Verdict, fault: Fault
) -> None:
    """Absent from a list that was read whole it does not exist; from a part of one, who knows."""
    reading = judge(_answer(listing=listing), _target(Operation.MODELS))
    assert (reading.verdict, reading.fault) == (verdict, fault)


def test_a_model_goes_by_its_name_with_or_without_geminis_prefix() -> None:
    """Chats take both there, so a target may say either."""
    asked = replace(_target(Operation.MODELS), model="models/m")
    assert (
        judge(_answer(listing=Listing(frozenset({"m"}), whole=True)), asked).verdict is Verdict.OK
    )
