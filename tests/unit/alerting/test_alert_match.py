"""Which series a match selects."""

from dataclasses import replace

import pytest

from alerting.match import EVERYTHING, Match, labels_of
from tests.unit.alerting.windows import CHAT

LABELS = {"provider": "openai", "operation": "chat", "model": "gpt-4o-mini", "team": "ml"}


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ((), True),
        ((("provider", ("openai",)),), True),
        ((("provider", ("OpenAI",)),), False),
        ((("provider", ("grok", "open*")),), True),
        ((("model", ("gpt-4?-mini",)),), True),
        ((("model", ("gpt-[45]o*",)),), True),
        ((("model", ("gpt-[!4]o*",)),), False),
        ((("provider", ("openai",)), ("operation", ("embeddings",))), False),
        ((("provider", ("!grok",)),), True),
        ((("provider", ("!openai",)),), False),
        ((("model", ("gpt-*", "!*-mini")),), False),
        ((("model", ("!*-mini", "gpt-*")),), False),
        ((("model", ("gpt-*", "!*-nano")),), True),
        ((("provider", ()),), True),
        ((("tier", ("*",)),), True),
        ((("tier", ("gold",)),), False),
        ((("tier", ("!gold",)),), True),
        ((("tier", ("!",)),), False),
        ((("team", ("!",)),), True),
    ],
)
def test_matches(fields: tuple[tuple[str, tuple[str, ...]], ...], matches: bool) -> None:
    """All fields must match; one positive pattern suffices, any negative hit excludes."""
    assert Match(fields).matches(LABELS) is matches


def test_is_a_value() -> None:
    """Equal matches are one key of a mapping; the empty one selects all."""
    assert {Match(): 1}[EVERYTHING] == 1
    assert EVERYTHING.matches({})


def test_built_in_labels_stand_above_own_ones() -> None:
    """A target's own label cannot pose as its provider."""
    target = replace(CHAT, labels=(("provider", "someone else"), ("team", "ml")))
    assert labels_of(target, "fra1") == {
        "team": "ml",
        "target": "gpt-chat",
        "provider": "openai",
        "preset": "openai",
        "model": "gpt-4o-mini",
        "operation": "chat",
        "location": "fra1",
    }
