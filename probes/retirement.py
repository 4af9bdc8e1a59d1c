"""When a model or an API ends: by its answers' headers, and by a table of what was announced.

The table is what the pages named in it said when they were read (AS_OF). It is short of what is not
in it: a model that is absent is *unknown*, not safe.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final

from probes.ratelimit import http_date

AS_OF: Final = date(2026, 11, 21)
"""When the table was compared with its sources."""
WARN_DAYS: Final = 30.0
"""How long before the end it is worth a word: enough to try a successor and to roll it out."""
DAY_S: Final = 86_400.0
_EPOCH: Final = re.compile(r"@(-?[0-9]{1,12})")

_OPENAI: Final = "https://developers.openai.com/api/docs/deprecations"
_XAI: Final = "https://docs.x.ai/developers/migration/may-15-retirement"
_ANTHROPIC: Final = "https://platform.claude.com/docs/en/about-claude/model-deprecations"
_DEEPSEEK: Final = "https://api-docs.deepseek.com/news/news260424"
_MISTRAL: Final = "https://docs.mistral.ai/getting-started/models/models_overview/"
_GEMINI: Final = "https://ai.google.dev/gemini-api/docs/deprecations"


@dataclass(frozen=True, slots=True)
class Retirement:
    """The announced end of a model."""

    on: date
    source: str
    """The page that says so."""

    @property
    def at(self) -> float:
        """Wall time of the beginning of that day, UTC: providers seldom say an hour."""
        return datetime(self.on.year, self.on.month, self.on.day, tzinfo=UTC).timestamp()


_ANNOUNCED: Final = (
    # The dates of 2026-10-23 and later are second-hand: articles of October 2026 that copy the page
    # (https://dev.to/importstatic/every-openai-model-shutdown-date-until-january-2027-and-what-replaces-it-1dfk,
    # https://dev.to/max_bob/openai-api-deprecations-2026-2027-every-shutdown-date-and-recommended-replacement-gpt-4o-2ffm).
    ("openai", date(2026, 2, 17), _OPENAI, "chatgpt-4o-latest"),
    (
        "openai",
        date(2026, 7, 23),
        _OPENAI,
        """gpt-5-chat-latest gpt-5-codex gpt-5.1-chat-latest gpt-5.1-codex gpt-5.1-codex-max
        gpt-5.1-codex-mini gpt-5.2-codex gpt-4o-search-preview-2025-03-11
        gpt-4o-mini-search-preview-2025-03-11 o3-deep-research o3-deep-research-2025-06-26
        o4-mini-deep-research o4-mini-deep-research-2025-06-26""",
    ),
    (
        "openai",
        date(2026, 10, 23),
        _OPENAI,
        """gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-4 gpt-4-0613 gpt-4-1106-preview gpt-4-turbo
        gpt-4-turbo-2024-04-09 gpt-4o-2024-05-13 o1 o1-2024-12-17 o1-pro o1-pro-2025-03-19 o3-mini
        o3-mini-2025-01-31 o4-mini o4-mini-2025-04-16 gpt-4.1-nano gpt-4.1-nano-2025-04-14""",
    ),
    (
        "openai",
        date(2026, 12, 11),
        _OPENAI,
        """gpt-5 gpt-5-2025-08-07 gpt-5-mini gpt-5-mini-2025-08-07 gpt-5-nano gpt-5-nano-2025-08-07
        gpt-5-pro gpt-5-pro-2025-10-06 o3 o3-2025-04-16 o3-pro o3-pro-2025-06-10""",
    ),
    (
        "openai",
        date(2027, 1, 14),
        _OPENAI,
        """gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini gpt-4o-mini-2024-07-18 gpt-4.1
        gpt-4.1-2025-04-14 gpt-4.1-mini gpt-4.1-mini-2025-04-14""",
    ),
    ("openai", date(2027, 4, 1), _OPENAI, "gpt-5.1 gpt-5.3-codex gpt-5.4-nano"),
    (
        "xai",
        date(2026, 5, 15),
        _XAI,
        """grok-4-1-fast-reasoning grok-4-1-fast-non-reasoning grok-4-fast-reasoning
        grok-4-fast-non-reasoning grok-4-0709 grok-code-fast-1 grok-3""",
    ),
    ("anthropic", date(2025, 7, 21), _ANTHROPIC, "claude-2.0 claude-2.1 claude-3-sonnet-20240229"),
    (
        "anthropic",
        date(2025, 10, 28),
        _ANTHROPIC,
        "claude-3-5-sonnet-20240620 claude-3-5-sonnet-20241022",
    ),
    ("anthropic", date(2026, 1, 5), _ANTHROPIC, "claude-3-opus-20240229"),
    (
        "anthropic",
        date(2026, 2, 19),
        _ANTHROPIC,
        "claude-3-7-sonnet-20250219 claude-3-5-haiku-20241022",
    ),
    (
        "anthropic",
        date(2026, 6, 15),
        "https://platform.claude.com/docs/en/release-notes/overview",
        "claude-sonnet-4-20250514 claude-opus-4-20250514",
    ),
    # Second-hand, as are the dates of Mistral: https://github.com/multidotdev/cli/releases/tag/v0.0.135
    ("anthropic", date(2026, 8, 5), _ANTHROPIC, "claude-opus-4-1-20250805 claude-opus-4-1"),
    # https://github.com/braintrustdata/braintrust-proxy/issues/1005
    ("mistral", date(2025, 11, 30), _MISTRAL, "codestral-2501"),
    ("mistral", date(2025, 12, 31), _MISTRAL, "pixtral-12b-2409"),
    ("mistral", date(2026, 5, 31), _MISTRAL, "mistral-large-2411"),
    ("deepseek", date(2026, 7, 24), _DEEPSEEK, "deepseek-chat deepseek-reasoner"),
    (
        "gemini",
        date(2026, 6, 1),
        _GEMINI,
        "gemini-2.0-flash gemini-2.0-flash-001 gemini-2.0-flash-lite gemini-2.0-flash-lite-001",
    ),
    ("gemini", date(2026, 3, 9), _GEMINI, "gemini-3-pro-preview"),
    # From then on other models answer under these names.
    ("gemini", date(2026, 12, 1), _GEMINI, "gemini-2.5-pro gemini-2.5-flash"),
)

RETIREMENTS: Final[Mapping[tuple[str, str], Retirement]] = MappingProxyType(
    {
        (preset, model): Retirement(on, source)
        for preset, on, source, models in _ANNOUNCED
        for model in models.split()
    }
)
"""By preset and model."""


def retires_at(preset: str, model: str) -> Retirement | None:
    """Return the announced end of a model; None: none is known here."""
    return RETIREMENTS.get((preset, model))


def days_until(at: float, now: float) -> float:
    """Return the days from `now` to `at`, both wall times; negative when it has passed."""
    return (at - now) / DAY_S


def deprecated_at(headers: Mapping[str, str]) -> float | None:
    """Read `Deprecation` as wall time; None when it is absent or does not say when.

    `@1688169599`, since https://www.rfc-editor.org/rfc/rfc9745; before that a date, or only "true".
    """
    if "deprecation" not in headers:
        return None
    text = headers["deprecation"].strip()
    found = _EPOCH.fullmatch(text)
    return float(found[1]) if found is not None else http_date(text)


def sunset_at(headers: Mapping[str, str]) -> float | None:
    """Read `Sunset` as wall time; None when it is absent or no HTTP date.

    https://www.rfc-editor.org/rfc/rfc8594
    """
    return http_date(headers["sunset"].strip()) if "sunset" in headers else None
