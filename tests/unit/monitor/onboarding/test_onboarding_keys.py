"""Which keys are found in an environment, and what options ask for."""

import pytest

from monitor.onboarding.usual import USUAL, Key, keys_in, stand_in
from monitor.onboarding.wish import Watched, WishError, watched_from, watched_of
from probes.pricing import price_of
from probes.providers import PRESETS


def test_every_preset_has_its_usual_things() -> None:
    """A new preset needs a line, or `sonde init` cannot offer it."""
    assert set(USUAL) == set(PRESETS)


def test_the_usual_models_have_a_price_where_their_vendor_publishes_one() -> None:
    """What the first day costs is then known."""
    published = {"openai", "xai", "anthropic", "gemini", "deepseek", "groq", "mistral"}
    assert {name for name, each in USUAL.items() if price_of(name, each.model)} == published
    assert price_of("openai", USUAL["openai"].embedding) is not None


def test_a_key_is_found_by_its_variable() -> None:
    """An empty one is none; of two names for one key the first is taken."""
    environ = {"OPENAI_API_KEY": "sk-1", "XAI_API_KEY": "", "GOOGLE_API_KEY": "g"}
    assert list(keys_in(environ)) == [
        Key("openai", "OPENAI_API_KEY"),
        Key("gemini", "GOOGLE_API_KEY"),
    ]
    both = {"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}
    assert list(keys_in(both)) == [Key("gemini", "GEMINI_API_KEY")]


@pytest.mark.parametrize(
    ("value", "preset"),
    [
        ("sk-proj-1", "openai"),
        ("sk-svcacct-1", "openai"),
        ("sk-ant-1", "anthropic"),
        ("sk-or-1", "openrouter"),
        ("gsk_1", "groq"),
        ("xai-1", "xai"),
        ("sk-1", None),
        ("xai-1 and more", None),
        ("hello", None),
    ],
)
def test_a_key_is_found_by_its_shape(value: str, preset: str | None) -> None:
    """Where only one provider's keys look so: a bare `sk-` is several providers'."""
    expected = [] if preset is None else [Key(preset, "TOKEN", by_shape=True)]
    assert list(keys_in({"TOKEN": value})) == expected


def test_a_stand_in_looks_like_a_key() -> None:
    """The loader finds nothing odd about it."""
    for name, preset in PRESETS.items():
        assert preset.key_complaint(stand_in(name)) is None


def test_options_are_of_the_provider_before_them() -> None:
    """What is not said is usual; a variable that is set is taken before the usual one."""
    said = [
        ("provider", "openai"),
        ("model", "a"),
        ("model", "b"),
        ("provider", "xai"),
        ("key_env", "GROK"),
        ("provider", "groq"),
        ("embedding", "e"),
        ("provider", "openai"),
    ]
    assert watched_from(said, [Key("openai", "MINE", by_shape=True)]) == (
        Watched(preset="openai", variable="MINE", models=("a", "b")),
        Watched(preset="xai", variable="GROK", models=("grok-4.3",)),
        Watched(preset="groq", variable="GROQ_API_KEY", embeddings=("e",)),
        watched_of(Key("openai", "MINE")),
    )


def test_a_base_url_alone_is_a_server_of_ones_own() -> None:
    """It needs no key."""
    said = [("base_url", "http://localhost:8000/v1"), ("model", "m")]
    assert watched_from(said, []) == (
        Watched(preset="compatible", base_url="http://localhost:8000/v1", models=("m",)),
    )


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ([("model", "m")], "--model m: of which provider"),
        ([("key_env", "K")], "--key-env K: of which provider"),
        ([("provider", "nobody")], "there are openai, azure"),
        ([("provider", "azure"), ("model", "m")], "needs --base-url, its endpoint's address"),
        ([("provider", "vllm"), ("model", "m")], "needs --base-url, its server's address"),
        ([("base_url", "http://a/v1")], "needs --model"),
    ],
)
def test_what_does_not_go_together_is_told(said: list[tuple[str, str]], problem: str) -> None:
    """In a line that says what is missing."""
    with pytest.raises(WishError, match=problem):
        watched_from(said, [])
