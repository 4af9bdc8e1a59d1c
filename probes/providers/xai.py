"""xAI (Grok): https://docs.x.ai/docs/api-reference."""

from typing import Final

from probes.providers.preset import Preset, StatusKind, StatusPage, TokenParameter
from probes.ratelimit import OPENAI_DIALECT

XAI: Final = Preset(
    name="xai",
    base_url="https://api.x.ai/v1",
    key_prefix="xai-",
    key_prefix_is_certain=True,
    key_hint="copy one from https://console.x.ai; the prefix and stray white space are often lost",
    # `max_tokens` is marked deprecated: https://docs.x.ai/docs/api-reference#chat-completions
    token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    include_usage=True,
    # It answers with OpenAI's header names; resets are often absent, which reads as unknown.
    rate_limits=OPENAI_DIALECT,
    # https://docs.x.ai/developers/debugging names the feed. A wrong key answers 400 there, and is
    # known by its message.
    status_page=StatusPage(StatusKind.RSS, "https://status.x.ai/feed.xml"),
    # Grok's coding models reason before they answer and are known to hang for minutes: users give
    # up between 60 and 120 s, and a probe of 500 tokens is too dear for every minute.
    interval_s=120.0,
    deadline_s=90.0,
    first_token_deadline_s=60.0,
    idle_deadline_s=30.0,
)
