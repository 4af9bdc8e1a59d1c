"""OpenRouter: https://openrouter.ai/docs/api-reference/overview.

Keep-alive comments come while it waits for the model; errors after the start of an answer come
inside it, with the HTTP status as a numeric code: https://openrouter.ai/docs/api/reference/errors-and-debugging.
"""

from typing import Final

from probes.providers.preset import Preset, StatusKind, StatusPage, TokenParameter
from probes.ratelimit import COMPATIBLE_DIALECT

OPENROUTER: Final = Preset(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_prefix="sk-or-",
    key_hint="copy one from https://openrouter.ai/settings/keys",
    # https://openrouter.ai/docs/api-reference/parameters: it translates for the models behind it.
    token_parameter=TokenParameter.MAX_TOKENS,
    least_output_tokens=16,  # OpenAI's models behind it have that limit
    include_usage=True,
    # One bucket, and its reset as an epoch in milliseconds.
    rate_limits=COMPATIBLE_DIALECT,
    # Not confirmed by a page of its own.
    status_page=StatusPage(StatusKind.RSS, "https://status.openrouter.ai/incidents.rss"),
)
