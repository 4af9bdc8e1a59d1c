"""What is probed: frozen values the configuration compiles to."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from probes.answer_schema import AnswerSchema, TextPattern
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
    confirmed: bool = True
    """Whether a page that could be read says so; else it is from memory."""


class ReasoningEffort(StrEnum):
    """How long a reasoning model may think; which of them a model knows is its own affair.

    https://platform.openai.com/docs/guides/reasoning
    """

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the answer must hold. None: nothing is asked of that part."""

    contains: str | None = None
    """Text that must occur in the answer, letter case aside."""
    equals: str | None = None
    """Text the answer must be, white space around it aside."""
    regex: TextPattern | None = None
    """Pattern that must be found in the answer."""
    json_schema: AnswerSchema | None = None
    """What the answer must be as JSON, with or without a fence around it."""
    dimensions: int | None = None
    """Length the embedding must have."""
    normalised: bool = False
    """Whether the embedding must have the length 1."""
    cosine_at_least: float | None = None
    """Least cosine between the embedding and the target's reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """How a failure is confirmed: further attempts, each a result of its own beside the slot's."""

    attempts: int = 2
    """At most; 0: none. Practitioners try three times in all."""
    backoff_s: tuple[float, ...] = (1.0, 2.0, 4.0)
    """The wait before each, not empty; the last one holds on."""
    throttled_s: float = 120.0
    """The wait after a 429 that asks for no longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One API with one key: the unit of concurrency, of accounts and of blame."""

    name: str
    preset: str
    base_url: str
    api_key: SecretSource
    organization: str | None = None
    max_concurrency: int = 8
    api_version: str | None = None
    """Azure: the API's version, a date; None: the preset's."""
    proxy: SecretSource | None = None
    """`http://[USER:PASSWORD@]HOST:PORT`; None: connected to directly."""
    ca_file: Path | None = None
    """Roots to believe instead of the operating system's."""
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    """None: the key is in client_cert_file."""
    headers: tuple[tuple[str, SecretSource], ...] = ()
    """Sent with every request beside those of the API."""

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the provider that must not be printed.

        A header written out in the configuration is no secret: it would take words out of logs.
        """
        extra = (self.proxy, *(source for _, source in self.headers))
        hidden = (source for source in extra if source is not None and source.is_hidden)
        return (self.api_key, *hidden)


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
    reasoning_effort: ReasoningEffort | None = None
    """None leaves it to the model."""
    temperature: float | None = None
    """None leaves it to the model: several accept nothing else."""
    interval_s: float = 60.0
    deadline_s: float = 30.0
    """The whole exchange, whatever the server does."""
    first_token_deadline_s: float = 15.0
    """Streams: from the request's departure to the first token; comments do not count."""
    idle_deadline_s: float = 15.0
    """Streams: between two tokens; comments do not count."""
    price: Price | None = None
    """None: the cost of this model is unknown (which is not the same as free)."""
    prompt_overhead_tokens: int | None = None
    """The most the provider puts around a prompt; None: what is usual for its preset."""
    labels: tuple[tuple[str, str], ...] = ()
    confirm: Confirm = field(default=Confirm(), hash=False)
    """Not hashed: a target is looked up at every probe, and its name tells it apart."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One turn of one target: `number` is the same on every replica, `at` is its wall time."""

    number: int
    at: float
