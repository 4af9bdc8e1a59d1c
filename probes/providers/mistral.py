"""Mistral: https://docs.mistral.ai/api.

It refuses what it does not know: 422 `extra_forbidden`, with the parameter's place in a list.
"""

from typing import Final

from probes.providers.preset import Preset, TokenParameter
from probes.ratelimit import MISTRAL_DIALECT

MISTRAL: Final = Preset(
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    # `max_completion_tokens` is refused (https://github.com/editor-code-assistant/eca/issues/231)
    token_parameter=TokenParameter.MAX_TOKENS,
    # `stream_options` likewise, and the usage of a stream comes unasked:
    # https://github.com/dnakov/anon-kode/issues/53
    include_usage=False,
    rate_limits=MISTRAL_DIALECT,
    # https://status.mistral.ai is for people: no feed or JSON of it is confirmed.
    status_page=None,
)
