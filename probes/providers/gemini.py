"""Google's Gemini by its OpenAI-compatible endpoint: https://ai.google.dev/gemini-api/docs/openai.

Errors are a list of one object; a wrong key answers 400 "API key not valid".
"""

from types import MappingProxyType
from typing import Final

from probes.providers.preset import Preset, TokenParameter
from probes.ratelimit import COMPATIBLE_DIALECT
from probes.result import Verdict

GEMINI: Final = Preset(
    name="gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    # Thinking counts against it, whichever name is used; that the newer one is taken by every model
    # is not confirmed.
    token_parameter=TokenParameter.MAX_TOKENS,
    include_usage=True,
    rate_limits=COMPATIBLE_DIALECT,  # it documents none
    # RESOURCE_EXHAUSTED is load with 429, and an empty prepaid account with 402. The other is a 400
    # for the country one is in: https://ai.google.dev/gemini-api/docs/troubleshooting
    errors=MappingProxyType({402: Verdict.QUOTA, "FAILED_PRECONDITION": Verdict.FORBIDDEN}),
    # https://aistudio.google.com/status is for people; Google Cloud's feed is not about this API.
    status_page=None,
)
