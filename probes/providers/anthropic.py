"""Anthropic's Claude by its OpenAI-compatible endpoint: https://docs.claude.com/en/api/openai-sdk."""

from types import MappingProxyType
from typing import Final

from probes.providers.preset import Preset, StatusKind, StatusPage, TokenParameter
from probes.ratelimit import ANTHROPIC_DIALECT
from probes.result import Verdict

ANTHROPIC: Final = Preset(
    name="anthropic",
    base_url="https://api.anthropic.com/v1",
    key_prefix="sk-ant-",
    key_hint="copy one from https://console.anthropic.com/settings/keys",
    # Both names and `stream_options` are "fully supported", says the page above.
    token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    include_usage=True,
    # Of its own API, which takes no bearer: https://docs.claude.com/en/api/models-list
    models_headers=MappingProxyType({"x-api-key": "{key}", "anthropic-version": "2023-06-01"}),
    rate_limits=ANTHROPIC_DIALECT,
    # https://docs.claude.com/en/api/errors
    errors=MappingProxyType({"billing_error": Verdict.QUOTA}),
    status_page=StatusPage(StatusKind.STATUSPAGE, "https://status.claude.com/api/v2/summary.json"),
)
