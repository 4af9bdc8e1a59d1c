"""The models of a key, listed or one by one."""

import json

import pytest

from probes.model_list import read_models
from probes.reading import Listing, Usage
from probes.result import Fault, Verdict


def _read(answer: object) -> tuple[Verdict, Listing | None]:
    reading = read_models(json.dumps(answer).encode())
    return reading.verdict, reading.listing


@pytest.mark.parametrize(
    ("answer", "models", "whole"),
    [
        ({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}, {"a", "b"}, True),
        ({"data": [{"id": "models/gemini"}]}, {"gemini"}, True),
        ({"data": [{"id": "a", "aliases": ["b", 3]}]}, {"a", "b"}, True),
        ({"data": [{"id": "a", "aliases": None}], "has_more": True}, {"a"}, False),
    ],
)
def test_a_list_says_which_models_there_are(answer: object, models: set[str], whole: bool) -> None:
    """By every name they go by; and whether that was all."""
    assert _read(answer) == (Verdict.OK, Listing(frozenset(models), whole))


def test_one_model_is_the_one_that_was_asked_for() -> None:
    """It is free, whatever the model costs."""
    reading = read_models(b'{"id": "a", "object": "model"}')
    assert (reading.verdict, reading.fault, reading.listing) == (Verdict.OK, Fault.NONE, None)
    assert reading.usage == Usage(input_tokens=0, output_tokens=0)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"data": []}, Verdict.EMPTY),
        ({"data": {}}, Verdict.PROTOCOL_ERROR),
        ({"data": [3]}, Verdict.PROTOCOL_ERROR),
        ({"data": [{"name": "a"}]}, Verdict.PROTOCOL_ERROR),
        ({"id": 3}, Verdict.PROTOCOL_ERROR),
        ({}, Verdict.PROTOCOL_ERROR),
        ([], Verdict.PROTOCOL_ERROR),
        ({"error": {"code": "invalid_api_key"}}, Verdict.AUTH),
    ],
)
def test_what_is_neither(answer: object, verdict: Verdict) -> None:
    """A 200 alone proves nothing."""
    assert _read(answer) == (verdict, None)
