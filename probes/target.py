"""What is probed: frozen values the configuration compiles to."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from probes.result import Operation
from probes.secret import SecretSource


class Connection(StrEnum):
    """Whether a target's probes may share kept-alive connections."""

    REUSE = "reuse"
    """Only ones that were idle for less than 50 s: at an interval of 60 s a target alone connects
    anew each time."""
    FRESH = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, in US dollars per million tokens, with where and when that was read."""

    input_usd: float
    output_usd: float
    cached_input_usd: float | None = None
    """None: cached input tokens cost as much as others."""
    as_of: date | None = None
    source: str = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the answer must hold. None: nothing is asked of that part."""

    contains: str | None = None
    """Text that must occur in the answer, letter case aside."""
    dimensions: int | None = None
    """Length the embedding must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One API with one key: the unit of concurrency, of accounts and of blame."""

    name: str
    preset: str
    base_url: str
    api_key: SecretSource
    organization: str | None = None
    max_concurrency: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that is probed on a schedule. Durations in seconds."""

    name: str
    provider: str
    """The name of the Provider it belongs to."""
    preset: str
    """That provider's preset, for rules that depend on it."""
    model: str
    operation: Operation
    prompt: str
    stream: bool = False
    expect: Expectation = Expectation()
    connection: Connection = Connection.REUSE
    dimensions: int | None = None
    """Embedding size to ask for; None leaves it to the model."""
    max_output_tokens: int = 16
    interval_s: float = 60.0
    deadline_s: float = 30.0
    """The whole exchange, whatever the server does."""
    first_token_deadline_s: float = 15.0
    """Streams: from the request's departure to the first token; comments do not count."""
    idle_deadline_s: float = 15.0
    """Streams: between two tokens; comments do not count."""
    price: Price | None = None
    """None: the cost of this model is unknown (which is not the same as free)."""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One turn of one target: `number` is the same on every replica, `at` is its wall time."""

    number: int
    at: float
