"""Published prices: US dollars per million tokens, by preset and model.

A row is input, output, cached input (None: no discount is published) and the day of the page that
last confirmed it: often somebody else's list that was checked against the vendor's. The address is
the vendor's page where the price belongs. A price that no page could be found for, or of which
pages disagree, is not confirmed: then the dearest that was read stands here. A vendor's name for
its newest model (`-latest`) changes its price without notice and is never confirmed.

What has no row here (Azure's deployments, OpenRouter's resold models, servers of your own) is said
in the configuration.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from probes.target import Price

_Row = tuple[float, float, float | None, date]


def _table(source: str, rows: Mapping[str, _Row], *, confirmed: bool = True) -> dict[str, Price]:
    return {
        model: Price(
            input_usd=input_usd,
            output_usd=output_usd,
            cached_input_usd=cached_usd,
            as_of=as_of,
            source=source,
            confirmed=confirmed,
        )
        for model, (input_usd, output_usd, cached_usd, as_of) in rows.items()
    }


_OPENAI_URL: Final = "https://developers.openai.com/api/docs/pricing"
_XAI_URL: Final = "https://docs.x.ai/docs/models"
_ANTHROPIC_URL: Final = "https://platform.claude.com/docs/en/about-claude/pricing"
_GEMINI_URL: Final = "https://ai.google.dev/gemini-api/docs/pricing"
_DEEPSEEK_URL: Final = "https://api-docs.deepseek.com/quick_start/pricing"
_GROQ_URL: Final = "https://groq.com/pricing/"
_MISTRAL_URL: Final = "https://mistral.ai/pricing/"

_OPENAI: Final = _table(
    _OPENAI_URL,
    {
        "gpt-5.5": (5.00, 30.00, 0.50, date(2026, 5, 4)),
        "gpt-5.4": (2.50, 15.00, 0.25, date(2026, 5, 4)),
        "gpt-5.4-mini": (0.75, 4.50, 0.075, date(2026, 5, 4)),
        "gpt-5.4-nano": (0.20, 1.25, 0.02, date(2026, 5, 4)),
        "gpt-5.1": (1.25, 10.00, 0.125, date(2025, 11, 13)),
        "gpt-5": (1.25, 10.00, 0.125, date(2025, 11, 13)),
        "gpt-5-mini": (0.25, 2.00, 0.025, date(2025, 11, 13)),
        "gpt-5-nano": (0.05, 0.40, 0.005, date(2025, 11, 13)),
        "gpt-4o": (2.50, 10.00, 1.25, date(2026, 5, 27)),
        # The first snapshot keeps the price it came out at, and has no cheaper cache. Of the list
        # that says so only the month is known.
        "gpt-4o-2024-05-13": (5.00, 15.00, None, date(2025, 8, 1)),
        "gpt-4o-mini": (0.15, 0.60, 0.075, date(2026, 5, 27)),
        "gpt-4.1": (2.00, 8.00, 0.50, date(2026, 6, 21)),
        "gpt-4.1-mini": (0.40, 1.60, 0.10, date(2026, 6, 21)),
        "gpt-4.1-nano": (0.10, 0.40, 0.025, date(2026, 4, 6)),
        "o1": (15.00, 60.00, 7.50, date(2025, 7, 4)),
        "o3": (2.00, 8.00, 0.50, date(2025, 7, 12)),
        "o3-mini": (1.10, 4.40, 0.55, date(2025, 7, 4)),
        "o4-mini": (1.10, 4.40, 0.275, date(2025, 7, 4)),
        "text-embedding-3-small": (0.02, 0.0, None, date(2026, 6, 21)),
        "text-embedding-3-large": (0.13, 0.0, None, date(2026, 4, 6)),
        "text-embedding-ada-002": (0.10, 0.0, None, date(2025, 7, 4)),
    },
)

_GROK_CODE: Final = (0.20, 1.50, 0.02, date(2026, 1, 19))
_GROK_FAST: Final = (0.20, 0.50, 0.05, date(2026, 1, 19))
_GROK_4: Final = (3.00, 15.00, 0.75, date(2025, 7, 12))
_XAI: Final = _table(
    _XAI_URL,
    {
        "grok-code-fast-1": _GROK_CODE,
        "grok-code-fast": _GROK_CODE,  # its aliases
        "grok-code-fast-1-0825": _GROK_CODE,
        "grok-4.5": (2.00, 6.00, 0.50, date(2026, 7, 8)),
        "grok-4.3": (1.25, 2.50, 0.20, date(2026, 5, 12)),
        "grok-4-1-fast-reasoning": _GROK_FAST,
        "grok-4-1-fast-non-reasoning": _GROK_FAST,
        "grok-4-fast-reasoning": _GROK_FAST,
        "grok-4-fast-non-reasoning": _GROK_FAST,
        "grok-4": _GROK_4,
        "grok-4-0709": _GROK_4,
        "grok-3": (3.00, 15.00, 0.75, date(2025, 7, 12)),
        "grok-3-mini": (0.30, 0.50, 0.075, date(2025, 7, 12)),
    },
)

_CHECKED: Final = date(2026, 10, 10)
_ANTHROPIC: Final = _table(
    _ANTHROPIC_URL,
    {
        # With prompts of up to 100,000 tokens, more than any probe has.
        "claude-haiku-5-5": (0.10, 0.50, 0.01, date(2026, 10, 24)),
        "claude-haiku-4-5": (1.00, 5.00, 0.10, _CHECKED),
        "claude-sonnet-5-5": (2.00, 10.00, 0.10, date(2026, 10, 24)),
        "claude-sonnet-5": (2.00, 10.00, 0.20, _CHECKED),
        "claude-sonnet-4-6": (3.00, 15.00, 0.30, _CHECKED),
        "claude-sonnet-4-5": (3.00, 15.00, 0.30, _CHECKED),
        "claude-opus-5": (5.00, 25.00, 0.50, _CHECKED),
        "claude-opus-4-5": (5.00, 25.00, 0.50, _CHECKED),
    },
)

_GEMINI: Final = _table(
    _GEMINI_URL,
    {
        # With prompts of up to 200,000 tokens.
        "gemini-2.5-pro": (1.25, 10.00, 0.31, date(2025, 6, 23)),
        "gemini-2.5-flash": (0.30, 2.50, 0.075, date(2025, 6, 22)),
    },
)

_DEEPSEEK: Final = _table(
    _DEEPSEEK_URL,
    {
        "deepseek-chat": (0.28, 0.42, 0.028, date(2025, 12, 9)),
        "deepseek-reasoner": (0.28, 0.42, 0.028, date(2025, 12, 9)),
        "deepseek-v4-flash": (0.14, 0.28, 0.0028, date(2026, 5, 12)),
        "deepseek-v4-pro": (0.435, 0.87, 0.003625, date(2026, 6, 2)),
    },
)

_GROQ: Final = _table(
    _GROQ_URL,
    {
        "llama-3.1-8b-instant": (0.05, 0.08, None, date(2026, 9, 26)),
        "llama-3.3-70b-versatile": (0.59, 0.79, None, date(2026, 1, 25)),
    },
)

_MISTRAL: Final = _table(
    _MISTRAL_URL,
    {
        "mistral-small-latest": (0.20, 0.60, None, date(2026, 9, 26)),
        "mistral-large-latest": (2.00, 6.00, None, date(2025, 7, 4)),
    },
    confirmed=False,
)

PRICES: Final[Mapping[str, Mapping[str, Price]]] = MappingProxyType(
    {
        "openai": MappingProxyType(_OPENAI),
        "xai": MappingProxyType(_XAI),
        "anthropic": MappingProxyType(_ANTHROPIC),
        "gemini": MappingProxyType(_GEMINI),
        "deepseek": MappingProxyType(_DEEPSEEK),
        "groq": MappingProxyType(_GROQ),
        "mistral": MappingProxyType(_MISTRAL),
    }
)
