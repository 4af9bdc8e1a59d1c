"""What a probe costs, from published prices and the provider's own count of tokens.

A price that is not known is None, and so is the cost: unknown is not free. A model resolves to an
entry by its exact name, or by its name with a snapshot date (`gpt-4o-mini-2024-07-18`); a longer
name is another model at another price, so prefixes never match.
"""

import re
from typing import Final

from probes.prices import PRICES
from probes.reading import Usage
from probes.target import Price

_TOKENS_PER_PRICE: Final = 1_000_000

_SNAPSHOT: Final = re.compile(r"-([0-9]{4}-[0-9]{2}-[0-9]{2}|20[0-9]{6})\Z", re.ASCII)
"""A snapshot is the model's name and a date: https://platform.openai.com/docs/models, and without
dashes https://platform.claude.com/docs/en/about-claude/models/overview."""


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
