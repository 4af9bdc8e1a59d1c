"""OpenAI itself: https://platform.openai.com/docs/api-reference."""

from typing import Final

from probes.providers.preset import Preset, StatusKind, StatusPage, TokenParameter
from probes.ratelimit import OPENAI_DIALECT

OPENAI: Final = Preset(
    name="openai",
    base_url="https://api.openai.com/v1",
    # `sk-proj-…`, `sk-svcacct-…`, `sk-…`. A gateway under this preset may use keys of its own, so
    # another prefix is worth a warning and no more.
    key_prefix="sk-",
    key_hint="copy one from https://platform.openai.com/api-keys, without quotes or spaces",
    # `max_tokens` is deprecated, and refused by the reasoning models:
    # https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_tokens
    token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    # "integer_below_min_value: expected a value >= 16", say the newer models.
    least_output_tokens=16,
    # https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options
    include_usage=True,
    rate_limits=OPENAI_DIALECT,
    status_page=StatusPage(StatusKind.STATUSPAGE, "https://status.openai.com/api/v2/summary.json"),
)
