"""What is known beforehand about a provider's API, as data."""

from dataclasses import dataclass
from enum import StrEnum

from probes.ratelimit import Dialect


class TokenParameter(StrEnum):
    """The request parameter that caps the length of an answer."""

    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    """The newer name; reasoning tokens count against it."""
    MAX_TOKENS = "max_tokens"
    """The older name: refused by OpenAI's reasoning models, known to everybody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The defaults and habits of one provider. Durations in seconds; None: the general default."""

    name: str
    base_url: str | None
    """Where the API is, or None when only the configuration can know."""
    key_prefix: str | None = None
    """What its keys begin with; None: nothing is known."""
    key_prefix_is_certain: bool = False
    """Whether a key without the prefix is surely wrong, rather than only unusual."""
    key_hint: str = ""
    """One line for people whose key does not look right."""
    token_parameter: TokenParameter = TokenParameter.MAX_COMPLETION_TOKENS
    include_usage: bool = True
    """Whether to ask streams for usage (`stream_options.include_usage`)."""
    rate_limits: Dialect
    interval_s: float | None = None
    deadline_s: float | None = None
    first_token_deadline_s: float | None = None
    idle_deadline_s: float | None = None

    def key_complaint(self, key: str) -> str | None:
        """Say what is odd about the shape of a key, or None. Never repeats the key."""
        if self.key_prefix is None or key.startswith(self.key_prefix):
            return None
        return f'keys of {self.name} begin with "{self.key_prefix}": {self.key_hint}'
