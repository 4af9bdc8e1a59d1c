"""Presets are data, each true to its provider."""

import pytest

from probes.prices import PRICES
from probes.providers import PRESETS, TokenParameter
from probes.result import Verdict


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_found_under_its_own_name(name: str) -> None:
    """The registry's key is the preset's name; a known address has no slash behind it.

    A service on the internet is asked by https, and has a page that is too.
    """
    preset = PRESETS[name]
    assert preset.name == name
    for url in (preset.base_url, preset.status_page and preset.status_page.url):
        assert url is None or url.startswith("https://" if preset.hosted else "http://localhost")
    assert preset.base_url is None or not preset.base_url.endswith("/")


def test_prices_belong_to_presets() -> None:
    """No price list is kept for a preset that does not exist."""
    assert set(PRICES) <= set(PRESETS)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_presets_own_errors_are_failures(name: str) -> None:
    """Keyed by a status of HTTP, or by a code or type; none of them is a success."""
    for word, verdict in PRESETS[name].errors.items():
        assert isinstance(word, str) or 400 <= word <= 599
        assert verdict is not Verdict.OK


def test_what_people_run_themselves_needs_no_key() -> None:
    """And only that: a service has accounts."""
    own = {name for name, preset in PRESETS.items() if not preset.hosted}
    assert own == {"compatible", "ollama", "vllm"}


def test_xai_is_given_time() -> None:
    """The reasoning models of xAI get a longer interval and deadline than the general default."""
    xai = PRESETS["xai"]
    assert (xai.interval_s, xai.deadline_s) == (120.0, 90.0)
    assert xai.base_url == "https://api.x.ai/v1"


def test_compatible_servers_are_asked_with_the_old_parameter() -> None:
    """`max_tokens` is what every server understands; OpenAI's own models want the newer name."""
    assert PRESETS["compatible"].token_parameter is TokenParameter.MAX_TOKENS
    assert PRESETS["openai"].token_parameter is TokenParameter.MAX_COMPLETION_TOKENS
    assert PRESETS["compatible"].base_url is None


@pytest.mark.parametrize(
    ("preset", "key"), [("openai", "sk-proj-1"), ("xai", "xai-1"), ("compatible", "anything")]
)
def test_a_key_of_the_right_shape_raises_no_complaint(preset: str, key: str) -> None:
    """A key with the provider's prefix, or of a provider without one, is accepted."""
    assert PRESETS[preset].key_complaint(key) is None


@pytest.mark.parametrize(("preset", "certain"), [("openai", False), ("xai", True)])
def test_a_key_of_another_shape_is_complained_of_without_repeating_it(
    preset: str, certain: bool
) -> None:
    """The complaint names the prefix and never the key; only xAI's prefix is a certainty."""
    complaint = PRESETS[preset].key_complaint("gsk_something")
    assert complaint is not None
    assert str(PRESETS[preset].key_prefix) in complaint
    assert "gsk_something" not in complaint
    assert PRESETS[preset].key_prefix_is_certain is certain
