"""Hints are a closed set of sentences of ours, and short."""

import pytest

from probes.errorbody import ErrorFacts
from probes.hints import Hint, hint_of_error, hint_of_key
from probes.result import DETAIL_LIMIT, Verdict


def test_a_hint_is_one_short_printable_line() -> None:
    """It stands in messages, in a cell of the page and in a column."""
    for hint in Hint:
        assert hint.isprintable()
        assert 20 <= len(hint) <= DETAIL_LIMIT
        assert not hint.endswith(".")


def test_only_the_beginning_of_a_message_selects() -> None:
    """An endless message costs no more than a long one."""
    late = ErrorFacts(message="x " * 5000 + "temperature")
    assert hint_of_error(Verdict.INVALID_REQUEST, late, 400) is None


def test_a_servers_words_never_stand_in_a_hint() -> None:
    """They select a sentence; they are none."""
    facts = ErrorFacts(code="model_not_found", message="model my-secret-model was retired")
    assert hint_of_error(Verdict.MODEL_NOT_FOUND, facts, 404) is Hint.MODEL_RETIRED


@pytest.mark.parametrize("key", ["sk-house-key-1", ""])
def test_a_key_of_ordinary_shape_is_not_complained_of(key: str) -> None:
    """Nothing is said where nothing is seen."""
    assert hint_of_key(key) is None
