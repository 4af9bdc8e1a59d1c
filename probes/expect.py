"""Whether a complete answer is the one that was expected.

Only an `ok` answer is judged: one that failed is not also wrong. An answer that our own token limit
cut off (`length`) may lack what was expected through our fault, not the provider's. One that is too
long to be checked is our fault too, unless we never asked for so much.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from probes.answer_schema import TooLongError
from probes.model_list import bare
from probes.reading import Reading
from probes.reference import Reference
from probes.result import Fault, Operation, Verdict
from probes.sanitise import sanitise
from probes.target import Expectation, Target

_LENGTH_TOLERANCE: Final = 1e-3
"""How far from 1 the length of a normalised vector may be: 32-bit floats stay within 1e-6, 16-bit
ones, which some servers compute in, within 1e-3."""


_TOKEN_CHARS: Final = 16
"""More characters than an answer has per token: in any language it is fewer than 6 on average."""


def judge(
    reading: Reading,
    target: Target,
    reference: Reference | None = None,
    *,
    secrets: Iterable[str] = (),
) -> Reading:
    """Return the reading, turned into a failure when it is not what was expected.

    Its cosine is filled in whenever there is a vector and a reference to compare it with.
    """
    if reading.verdict is not Verdict.OK:
        return reading
    if reference is not None and reading.vector is not None:
        reading = replace(reading, cosine=reference.cosine(reading.vector))
    if target.operation is Operation.MODELS:
        return _listed(reading, target.model, secrets)
    wanted = target.expect
    try:
        complaint = _text_complaint(reading.text, wanted) or _vector_complaint(
            reading, wanted, reference
        )
    except TooLongError as error:
        if len(reading.text) > _TOKEN_CHARS * target.max_output_tokens:
            detail = f"{error}, and more than max_output_tokens permit"
            return _turned(reading, Verdict.CONTENT_MISMATCH, Fault.PROVIDER, detail, secrets)
        return _turned(reading, Verdict.MONITOR_ERROR, Fault.MONITOR, str(error), secrets)
    if complaint is None:
        return reading
    fault = Fault.REQUEST if reading.finish_reason == "length" else Fault.PROVIDER
    return _turned(reading, Verdict.CONTENT_MISMATCH, fault, complaint, secrets)


def _turned(
    reading: Reading, verdict: Verdict, fault: Fault, detail: str, secrets: Iterable[str]
) -> Reading:
    return replace(reading, verdict=verdict, fault=fault, detail=sanitise(detail, secrets))


def _listed(reading: Reading, model: str, secrets: Iterable[str]) -> Reading:
    listing = reading.listing
    if listing is None or bare(model) in listing.models:
        return reading
    if listing.whole:
        detail = f'"{model}" is not among the {len(listing.models)} models of this key'
        return _turned(reading, Verdict.MODEL_NOT_FOUND, Fault.REQUEST, detail, secrets)
    detail = f'"{model}" is not in the part of the list that the server sent'
    return _turned(reading, Verdict.CONTENT_MISMATCH, Fault.REQUEST, detail, secrets)


def _text_complaint(text: str, wanted: Expectation) -> str | None:
    if wanted.contains is not None and wanted.contains.casefold() not in text.casefold():
        return f'no "{wanted.contains}" in the answer: {text}'
    if wanted.equals is not None and wanted.equals.strip() != text.strip():
        return f'not "{wanted.equals}" but: {text}'
    if wanted.regex is not None and not wanted.regex.found_in(text):
        return f"nothing like {wanted.regex.source} in the answer: {text}"
    if wanted.json_schema is not None:
        complaint = wanted.json_schema.complaint(text)
        return None if complaint is None else f"not as json_schema says: {complaint}"
    return None


def _vector_complaint(
    reading: Reading, wanted: Expectation, reference: Reference | None
) -> str | None:
    vector = reading.vector or ()
    if wanted.dimensions is not None and len(vector) != wanted.dimensions:
        return f"{len(vector)} dimensions instead of {wanted.dimensions}"
    if wanted.normalised:
        length = math.hypot(*vector)
        if not abs(length - 1.0) <= _LENGTH_TOLERANCE:
            return f"a vector of length {length:.6g} instead of 1"
    if wanted.cosine_at_least is None or reference is None:
        return None  # the first good answer becomes the reference
    if reading.cosine is None:
        return f"{len(vector)} dimensions, the reference has {len(reference.vector)}"
    if reading.cosine >= wanted.cosine_at_least:
        return None
    return f"cosine {reading.cosine:.6f} to the reference, below {wanted.cosine_at_least:g}"
