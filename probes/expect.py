"""Whether a complete answer is the one that was expected."""

from collections.abc import Iterable
from dataclasses import replace

from probes.reading import Reading
from probes.result import Fault, Verdict
from probes.sanitise import sanitise
from probes.target import Expectation


def judge(reading: Reading, expectation: Expectation, *, secrets: Iterable[str] = ()) -> Reading:
    """Return the reading, turned into a content mismatch when it is not what was expected.

    Only an `ok` reading is judged: an answer that failed is not also wrong. An answer that our own
    token limit cut off (`length`) may lack the expected text through our fault, not the provider's.
    """
    if reading.verdict is not Verdict.OK:
        return reading
    complaint = _text_complaint(reading, expectation) or _vector_complaint(reading, expectation)
    if complaint is None:
        return reading
    return replace(
        reading,
        verdict=Verdict.CONTENT_MISMATCH,
        fault=Fault.REQUEST if reading.finish_reason == "length" else Fault.PROVIDER,
        detail=sanitise(complaint, secrets),
    )


def _text_complaint(reading: Reading, expectation: Expectation) -> str | None:
    wanted = expectation.contains
    if wanted is None or wanted.casefold() in reading.text.casefold():
        return None
    return f'no "{wanted}" in the answer: {reading.text}'


def _vector_complaint(reading: Reading, expectation: Expectation) -> str | None:
    if expectation.dimensions is None:
        return None
    found = 0 if reading.vector is None else len(reading.vector)
    if found == expectation.dimensions:
        return None
    return f"{found} dimensions instead of {expectation.dimensions}"
