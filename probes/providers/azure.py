"""Azure OpenAI: https://learn.microsoft.com/azure/ai-foundry/openai/reference.

A target's model is the name of a *deployment* there. What its resource serves under `/openai/v1` is
OpenAI's own API: ask that with the preset `compatible`.
"""

from typing import Final

from probes.providers.preset import Preset, StatusKind, StatusPage, Style, TokenParameter
from probes.ratelimit import OPENAI_DIALECT

AZURE: Final = Preset(
    name="azure",
    base_url=None,  # each resource has an endpoint of its own
    style=Style.AZURE,
    # The newest general release with a date; the ones behind it are previews, or the undated v1:
    # https://learn.microsoft.com/azure/ai-services/openai/reference
    api_version="2024-10-21",
    token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    least_output_tokens=16,  # OpenAI's models, with their limits
    include_usage=True,
    # Resets are bare seconds, and -1 means that it does not know.
    rate_limits=OPENAI_DIALECT,
    # All of Azure: https://azure.status.microsoft/status. Its feed's address is not documented.
    status_page=StatusPage(
        StatusKind.RSS, "https://rssfeed.azure.status.microsoft/en-us/status/feed/"
    ),
)
