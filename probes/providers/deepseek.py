"""DeepSeek: https://api-docs.deepseek.com.

An empty account answers 402 "Insufficient Balance": https://api-docs.deepseek.com/quick_start/error_codes.
While it is busy it sends empty lines, or keep-alive comments in streams, for up to ten minutes:
https://api-docs.deepseek.com/quick_start/rate_limit.
"""

from typing import Final

from probes.providers.preset import Preset, TokenParameter
from probes.ratelimit import COMPATIBLE_DIALECT

DEEPSEEK: Final = Preset(
    name="deepseek",
    base_url="https://api.deepseek.com",
    key_prefix="sk-",
    key_hint="copy one from https://platform.deepseek.com/api_keys",
    # https://api-docs.deepseek.com/api/create-chat-completion has both of these.
    token_parameter=TokenParameter.MAX_TOKENS,
    include_usage=True,
    rate_limits=COMPATIBLE_DIALECT,  # it documents none
    # https://status.deepseek.com is for people: what a program could read of it is not confirmed.
    status_page=None,
)
