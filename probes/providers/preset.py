"""What is known beforehand about a provider's API, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from probes.ratelimit import Dialect
from probes.result import Verdict


class Style(StrEnum):
    """How an API is addressed, and how it is told the key."""

    BEARER = "bearer"
    """`Authorization: Bearer KEY`, the model in the body."""
    AZURE = "azure"
    """`api-key: KEY`, `/openai/deployments/MODEL/…` in the path, `?api-version=` behind it."""


class TokenParameter(StrEnum):
    """The request parameter that caps the length of an answer."""

    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    """The newer name; reasoning tokens count against it."""
    MAX_TOKENS = "max_tokens"
    """The older name: refused by OpenAI's reasoning models, known to everybody else."""


class StatusKind(StrEnum):
    """What a status page can be read as."""

    STATUSPAGE = "statuspage"
    """JSON in Statuspage's v2 shape: https://metastatuspage.com/api."""
    RSS = "rss"


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Where a provider says itself how it is."""

    kind: StatusKind
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The defaults and habits of one provider. Durations in seconds; None: the general default."""

    name: str
    base_url: str | None
    """Where the API is, or None when only the configuration can know."""
    hosted: bool = True
    """Whether it is a service with accounts. What people run themselves needs no key, and may speak
    http without that being worth a word."""
    style: Style = Style.BEARER
    api_version: str | None = None
    """Azure: the version to ask for when the configuration names none."""
    key_prefix: str | None = None
    """What its keys begin with; None: nothing is known."""
    key_prefix_is_certain: bool = False
    """Whether a key without the prefix is surely wrong, rather than only unusual."""
    key_hint: str = ""
    """One line for people whose key does not look right."""
    token_parameter: TokenParameter = TokenParameter.MAX_COMPLETION_TOKENS
    least_output_tokens: int = 1
    """Fewer are refused by some of its models: what is asked for is raised to this."""
    include_usage: bool = True
    """Whether to ask streams for usage (`stream_options.include_usage`). Where that is refused all
    the same, later streams are asked without."""
    models_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What its models API wants instead of `Authorization`, where that is not of the compatible
    endpoint; `{key}` stands for the key. Empty: as everywhere."""
    rate_limits: Dialect
    errors: Mapping[int | str, Verdict] = field(default_factory=lambda: MappingProxyType({}))
    """What its own statuses, and codes or types of errors, mean where that is not what they
    commonly mean."""
    status_page: StatusPage | None = None
    """None: it has none that a program can read, or none is confirmed."""
    interval_s: float | None = None
    deadline_s: float | None = None
    first_token_deadline_s: float | None = None
    idle_deadline_s: float | None = None

    def key_complaint(self, key: str) -> str | None:
        """Say what is odd about the shape of a key, or None. Never repeats the key."""
        if self.key_prefix is None or key.startswith(self.key_prefix):
            return None
        return f'keys of {self.name} begin with "{self.key_prefix}": {self.key_hint}'
