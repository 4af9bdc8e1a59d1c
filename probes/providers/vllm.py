"""vLLM's own server: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html."""

from typing import Final

from probes.providers.preset import Preset, TokenParameter
from probes.ratelimit import COMPATIBLE_DIALECT

VLLM: Final = Preset(
    name="vllm",
    base_url=None,
    hosted=False,
    # Older versions know this name only; newer ones take both.
    token_parameter=TokenParameter.MAX_TOKENS,
    include_usage=True,
    rate_limits=COMPATIBLE_DIALECT,  # those of a gateway before it; it has none itself
)
