"""Any server that speaks OpenAI's API: llama.cpp, a gateway, a smaller provider."""

from typing import Final

from probes.providers.preset import Preset, TokenParameter
from probes.ratelimit import COMPATIBLE_DIALECT

COMPATIBLE: Final = Preset(
    name="compatible",
    base_url=None,
    hosted=False,
    # The one name that all of them accept (Mistral refuses the newer one):
    # https://docs.mistral.ai/api/#tag/chat, https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    token_parameter=TokenParameter.MAX_TOKENS,
    include_usage=True,
    rate_limits=COMPATIBLE_DIALECT,
)
