"""Ollama: https://docs.ollama.com/api/openai-compatibility. A key is wanted, and ignored."""

from typing import Final

from probes.providers.preset import Preset, TokenParameter
from probes.ratelimit import COMPATIBLE_DIALECT

OLLAMA: Final = Preset(
    name="ollama",
    base_url="http://localhost:11434/v1",
    hosted=False,
    # Both are in the page's list of supported fields.
    token_parameter=TokenParameter.MAX_TOKENS,
    include_usage=True,
    rate_limits=COMPATIBLE_DIALECT,  # those of a gateway before it; it has none itself
    # A model is loaded into memory before its first answer, which takes as long as the disk does.
    first_token_deadline_s=30.0,
)
