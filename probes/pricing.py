"""What a probe costs, from published prices and the provider's own count of tokens.

A price that is not known is None, and so is the cost: unknown is not free. A model resolves to an
entry by its exact name, or by its name with a snapshot date (`gpt-4o-mini-2024-07-18`); a longer
name is another model at another price, so prefixes never match.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Final

from probes.reading import Usage
from probes.target import Price

_TOKENS_PER_PRICE: Final = 1_000_000

_SNAPSHOT: Final = re.compile(r"-[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
"""https://platform.openai.com/docs/models: a snapshot is the model's name and a date."""

_openai = partial(Price, source="https://platform.openai.com/docs/pricing")
_xai = partial(Price, source="https://x.ai/news/grok-code-fast-1")

# `source` is the vendor's page where the price belongs; `as_of` the day of the page, often somebody
# else's, that last confirmed it. Not confirmed by any page at all, and entered from memory with the
# day they are said to date from: grok-code-fast-1, gpt-4o-2024-05-13, and what the gpt-4.1 family
# asks for cached input.
_JUNE: Final = date(2026, 6, 21)
_MAY: Final = date(2026, 5, 27)
_APRIL: Final = date(2026, 4, 6)
_GROK_CODE: Final = _xai(
    # The launch price. xAI's list of prices does not show the model any more, though it answers.
    input_usd=0.20,
    output_usd=1.50,
    cached_input_usd=0.02,
    as_of=date(2025, 8, 28),
)

PRICES: Final[Mapping[str, Mapping[str, Price]]] = MappingProxyType(
    {
        "openai": MappingProxyType(
            {
                "gpt-4o": _openai(
                    input_usd=2.50, output_usd=10.00, cached_input_usd=1.25, as_of=_MAY
                ),
                # The first snapshot keeps the price it came out at, and has no cheaper cache.
                "gpt-4o-2024-05-13": _openai(
                    input_usd=5.00, output_usd=15.00, as_of=date(2024, 8, 6)
                ),
                "gpt-4o-mini": _openai(
                    input_usd=0.15, output_usd=0.60, cached_input_usd=0.075, as_of=_MAY
                ),
                "gpt-4.1": _openai(
                    input_usd=2.00, output_usd=8.00, cached_input_usd=0.50, as_of=_JUNE
                ),
                "gpt-4.1-mini": _openai(
                    input_usd=0.40, output_usd=1.60, cached_input_usd=0.10, as_of=_JUNE
                ),
                "gpt-4.1-nano": _openai(
                    input_usd=0.10, output_usd=0.40, cached_input_usd=0.025, as_of=_APRIL
                ),
                "text-embedding-3-small": _openai(input_usd=0.02, output_usd=0.0, as_of=_JUNE),
                "text-embedding-3-large": _openai(input_usd=0.13, output_usd=0.0, as_of=_APRIL),
            }
        ),
        "xai": MappingProxyType(
            {
                "grok-code-fast-1": _GROK_CODE,
                "grok-code-fast": _GROK_CODE,  # its aliases
                "grok-code-fast-1-0825": _GROK_CODE,
            }
        ),
    }
)
"""Dollars per million tokens, by preset and model."""


def price_of(preset: str, model: str) -> Price | None:
    """Return the published price of a model under a preset, or None when it is not known."""
    prices = PRICES.get(preset, {})
    return prices.get(model) or prices.get(_SNAPSHOT.sub("", model))


def cost_usd(price: Price | None, usage: Usage) -> float | None:
    """Return what an exchange cost in dollars; None when the price or a token count is unknown.

    Cached tokens are part of the input and reasoning tokens part of the output. An answer that
    does not mention cached tokens had none. Counts that contradict each other are unknown ones.
    """
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached_tokens = usage.cached_tokens or 0
    if cached_tokens > usage.input_tokens:
        return None
    cached_usd = price.input_usd if price.cached_input_usd is None else price.cached_input_usd
    fresh_tokens = usage.input_tokens - cached_tokens
    return (
        fresh_tokens * price.input_usd
        + cached_tokens * cached_usd
        + usage.output_tokens * price.output_usd
    ) / _TOKENS_PER_PRICE
