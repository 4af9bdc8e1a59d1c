"""Prices resolve exactly or not at all, and an unknown cost is not 0."""

import pytest

from probes.prices import PRICES
from probes.pricing import cost_usd, price_of
from probes.reading import Usage
from probes.target import Price


def test_a_snapshot_costs_what_its_model_costs() -> None:
    """A dated snapshot resolves to the model it is a snapshot of."""
    price = price_of("openai", "gpt-4o-mini-2024-07-18")
    assert price is not None
    assert (price.input_usd, price.output_usd, price.cached_input_usd) == (0.15, 0.60, 0.075)
    assert price == price_of("openai", "gpt-4o-mini")


def test_a_snapshot_without_dashes_costs_the_same() -> None:
    """Anthropic writes the date as one number."""
    assert price_of("anthropic", "claude-haiku-4-5-20251001") == price_of(
        "anthropic", "claude-haiku-4-5"
    )
    assert price_of("anthropic", "claude-haiku-4-5-12345678") is None


def test_a_snapshot_with_its_own_price_keeps_it() -> None:
    """The first gpt-4o snapshot was never made cheaper."""
    price = price_of("openai", "gpt-4o-2024-05-13")
    assert price is not None
    assert price.input_usd == 5.00


@pytest.mark.parametrize(
    ("preset", "model"),
    [
        ("openai", "gpt-4o-mini-audio-preview"),
        ("openai", "gpt-4o-audio-preview-2024-12-17"),
        ("openai", "gpt-4o-mini-2024-07-18-x"),
        ("openai", "gpt-4"),
        ("openai", "my-gpt-4o"),
        ("openai", "gpt-4o-2024-05-1"),
        ("openai", "gpt-4.1-nano-"),
        ("openai", ""),
        ("xai", "gpt-4o"),
        ("compatible", "gpt-4o"),
        ("nobody", "gpt-4o"),
    ],
)
def test_another_model_is_not_guessed(preset: str, model: str) -> None:
    """Neither a shared beginning nor another provider's price list makes a price."""
    assert price_of(preset, model) is None


def test_grok_aliases_share_a_price() -> None:
    """The aliases of one model cost the same."""
    price = price_of("xai", "grok-code-fast-1")
    assert price is not None
    assert (price.input_usd, price.output_usd, price.cached_input_usd) == (0.20, 1.50, 0.02)
    assert price_of("xai", "grok-code-fast-1-0825") == price


def test_every_price_says_where_and_when_it_was_read() -> None:
    """Each entry has a source address and a date, and nothing costs less than nothing."""
    for prices in PRICES.values():
        for price in prices.values():
            assert price.source.startswith("https://")
            assert price.as_of is not None
            assert price.input_usd > 0
            assert price.output_usd >= 0
            assert price.cached_input_usd is None or 0 < price.cached_input_usd < price.input_usd


def test_the_newest_model_of_a_vendor_is_never_a_confirmed_price() -> None:
    """Behind `-latest` stands another model one day, at another price."""
    latest = [
        price
        for prices in PRICES.values()
        for model, price in prices.items()
        if model.endswith("-latest")
    ]
    assert latest
    assert not any(price.confirmed for price in latest)


PRICE = Price(input_usd=2.0, output_usd=8.0, cached_input_usd=0.5)


def test_cached_tokens_cost_the_cached_price() -> None:
    """Cached tokens are part of the input, at their own price; reasoning is part of the output."""
    usage = Usage(input_tokens=1000, cached_tokens=400, output_tokens=100, reasoning_tokens=90)
    expected = (600 * 2.0 + 400 * 0.5 + 100 * 8.0) / 1e6
    assert cost_usd(PRICE, usage) == pytest.approx(expected)


def test_without_a_cached_price_cached_tokens_cost_the_same() -> None:
    """None means no discount, not free."""
    usage = Usage(input_tokens=1000, cached_tokens=400, output_tokens=0)
    assert cost_usd(Price(input_usd=2.0, output_usd=8.0), usage) == pytest.approx(0.002)


def test_embeddings_cost_their_input() -> None:
    """An answer without output tokens is priced by its input."""
    usage = Usage(input_tokens=50, output_tokens=0)
    assert cost_usd(price_of("openai", "text-embedding-3-small"), usage) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("price", "usage"),
    [
        (None, Usage(input_tokens=1, output_tokens=1)),
        (PRICE, Usage()),
        (PRICE, Usage(input_tokens=1)),
        (PRICE, Usage(output_tokens=1)),
        (PRICE, Usage(input_tokens=1, output_tokens=1, cached_tokens=2)),
    ],
)
def test_unknown_cost_is_none(price: Price | None, usage: Usage) -> None:
    """No price, no counts or contradictory counts: unknown, never 0."""
    assert cost_usd(price, usage) is None
