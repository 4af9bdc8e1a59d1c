"""Groq: https://console.groq.com/docs/openai."""

from types import MappingProxyType
from typing import Final

from probes.providers.preset import Preset, StatusKind, StatusPage, TokenParameter
from probes.ratelimit import OPENAI_DIALECT
from probes.result import Verdict

GROQ: Final = Preset(
    name="groq",
    base_url="https://api.groq.com/openai/v1",
    key_prefix="gsk_",
    key_hint="copy one from https://console.groq.com/keys",
    # `max_tokens` is marked deprecated: https://console.groq.com/docs/api-reference#chat-create
    token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    # Refused in 2024; not among what https://console.groq.com/docs/openai says it refuses today.
    include_usage=True,
    # OpenAI's names, but requests are counted by the day and tokens by the minute:
    # https://console.groq.com/docs/rate-limits
    rate_limits=OPENAI_DIALECT,
    # https://console.groq.com/docs/flex-processing
    errors=MappingProxyType(
        {498: Verdict.OVERLOADED, "capacity_exceeded": Verdict.OVERLOADED},
    ),
    # Not confirmed by a page of its own.
    status_page=StatusPage(StatusKind.STATUSPAGE, "https://groqstatus.com/api/v2/summary.json"),
)
