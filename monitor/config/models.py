"""The shape of the configuration: pydantic's only place.

Nothing here carries a default of its own meaning: a key that is not said is None, and the
compiling modules decide, so that "said" and "default" can be told apart. Field descriptions are
the texts of the JSON Schema and of the message for a missing key.
"""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from alerting.rule import Severity, Subject
from monitor.config.document import KeyPath
from monitor.config.fields import (
    BaseUrl,
    Choice,
    Count,
    Deadline,
    Evaluation,
    Flag,
    Hold,
    Interval,
    Labels,
    Line,
    Listen,
    Name,
    PathText,
    Patterns,
    Positive,
    Prompt,
    Retention,
    Size,
    TargetName,
    Url,
    Usd,
    Window,
)
from monitor.config.later import LATER_OPERATIONS, LATER_PRESETS
from monitor.config.scalars import Interpolated
from probes.providers import PRESETS
from probes.result import Operation
from probes.target import Connection

SECRET_KEYS = frozenset(
    {"api_key", "webhook_url", "bot_token", "token", "url", "secret", "secrets"}
)
"""Keys whose values no message repeats."""


class Section(BaseModel):
    """A mapping of known keys; a key without a value counts as not said."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_unsaid(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if key not in known or not _unsaid(value)}


def _unsaid(value: object) -> bool:
    return value is None or (isinstance(value, Interpolated) and not value)


class DefaultsSection(Section):
    """What targets take when they say nothing themselves."""

    interval: Interval | None = Field(
        default=None, description="time between two probes of a target"
    )
    deadline: Deadline | None = Field(default=None, description="end of a whole exchange")
    first_token_deadline: Deadline | None = Field(
        default=None, description="streams: from the request to the first token"
    )
    idle_deadline: Deadline | None = Field(default=None, description="streams: between two tokens")
    max_output_tokens: Positive | None = Field(
        default=None, description="most tokens an answer may have"
    )
    labels: Labels | None = Field(default=None, description="labels of every target")


class PriceSection(Section):
    """What a model costs."""

    input: Usd = Field(description="US dollars per million input tokens")
    output: Usd = Field(description="US dollars per million output tokens")
    cached_input: Usd | None = Field(
        default=None,
        description="US dollars per million cached input tokens; as `input` when not said",
    )


PresetName = Annotated[
    str,
    BeforeValidator(Choice(tuple(PRESETS), LATER_PRESETS)),
    WithJsonSchema({"type": "string", "enum": list(PRESETS)}),
]


class ProviderSection(Section):
    """One API with one key."""

    preset: PresetName = Field(description=f"one of {', '.join(PRESETS)}")
    base_url: BaseUrl | None = Field(default=None, description="where the API is, up to /v1")
    api_key: SecretStr | None = Field(default=None, description="the key, as ${VARIABLE}")
    api_key_file: PathText | None = Field(default=None, description="a file that holds the key")
    organization: Line | None = Field(default=None, description="organisation the key acts for")
    max_concurrency: Positive | None = Field(default=None, description="most probes at one time")
    prices: dict[str, PriceSection] = Field(
        default_factory=dict, description="by model; `default` is for every other model"
    )


class ExpectSection(Section):
    """What the answer must hold."""

    contains: Prompt | None = Field(
        default=None, description="text in the answer, letter case aside"
    )
    dimensions: Positive | None = Field(default=None, description="length of the embedding")


_OPERATIONS = tuple(each for each in Operation if each not in LATER_OPERATIONS)


class TargetSection(Section):
    """One thing to probe (or several alike, with `models`)."""

    name: TargetName = Field(description="a name; {model} in it stands for the model")
    provider: Name = Field(description="one of the names under providers:")
    model: Line | None = Field(default=None, description="the model to ask")
    models: list[Line] | None = Field(
        default=None, min_length=1, max_length=1000, description="several models, one target each"
    )
    operation: Annotated[
        Operation,
        BeforeValidator(lambda word: Operation(Choice(_OPERATIONS, LATER_OPERATIONS)(word))),
    ] = Field(default=Operation.CHAT, description="the API call to make")
    stream: Flag | None = Field(default=None, description="chat: read the answer as a stream")
    prompt: Prompt | None = Field(default=None, description="what is asked, or embedded")
    expect: ExpectSection = Field(default=ExpectSection(), description="what the answer must hold")
    connection: Annotated[
        Connection, BeforeValidator(lambda word: Connection(Choice(tuple(Connection))(word)))
    ] = Field(default=Connection.REUSE, description="keep connections, or open one for each probe")
    dimensions: Positive | None = Field(default=None, description="embeddings: size to ask for")
    max_output_tokens: Positive | None = Field(
        default=None, description="most tokens an answer may have"
    )
    interval: Interval | None = Field(default=None, description="time between two probes")
    deadline: Deadline | None = Field(default=None, description="end of a whole exchange")
    first_token_deadline: Deadline | None = Field(
        default=None, description="streams: from the request to the first token"
    )
    idle_deadline: Deadline | None = Field(default=None, description="streams: between two tokens")
    labels: Labels | None = Field(default=None, description="labels beside those of defaults:")


class RuleSection(Section):
    """One alerting rule; with the name of a default rule it changes that one."""

    name: Name = Field(description="the alert's name; that of a default rule changes that rule")
    enabled: Flag = Field(default=True, description="false takes a default rule away")
    match: dict[str, Patterns] | None = Field(
        default=None, description="target, provider, model, operation, preset, location or labels"
    )
    when: Line | None = Field(default=None, description="the condition, such as latency.p95 > 5s")
    over: Window | None = Field(default=None, description="length of the window it looks at")
    for_: Hold | None = Field(default=None, alias="for", description="how long it must be true")
    keep_firing_for: Hold | None = Field(
        default=None, description="how long it fires on after that"
    )
    min_samples: Count | None = Field(default=None, description="fewer results: unknown")
    min_failures: Count | None = Field(default=None, description="fewer failures: not true")
    severity: Annotated[
        Severity | None,
        BeforeValidator(lambda word: Severity(Choice(tuple(Severity))(word))),
    ] = Field(default=None, description="how loud it is")
    subject: Annotated[
        Subject | None,
        BeforeValidator(lambda word: Subject(Choice(tuple(Subject))(word))),
    ] = Field(default=None, description="one alert for each target, or for each provider")
    labels: Labels | None = Field(default=None, description="labels of the alert")


class SlackSection(Section):
    """Slack, by an incoming webhook or by a bot."""

    type: Literal["slack"]
    webhook_url: SecretStr | None = Field(
        default=None, description="incoming webhook, as ${VARIABLE}"
    )
    webhook_url_file: PathText | None = Field(default=None, description="a file that holds it")
    bot_token: SecretStr | None = Field(default=None, description="xoxb-… token, as ${VARIABLE}")
    bot_token_file: PathText | None = Field(default=None, description="a file that holds it")
    channel: Line | None = Field(default=None, description="bot: #channel or channel id")
    api_url: Url | None = Field(default=None, description="bot: where Slack's API is")
    allow_http: Flag = Field(default=False, description="permit an http:// webhook URL")


class WebhookSection(Section):
    """An HTTP receiver of Alertmanager-shaped messages."""

    type: Literal["webhook"]
    url: SecretStr | None = Field(default=None, description="the receiver, as ${VARIABLE}")
    url_file: PathText | None = Field(default=None, description="a file that holds it")
    secret: SecretStr | None = Field(
        default=None, description="whsec_… to sign with, as ${VARIABLE}"
    )
    secret_file: PathText | None = Field(default=None, description="a file that holds it")
    secrets: list[SecretStr] = Field(
        default_factory=list, max_length=8, description="further secrets, while rotating"
    )
    allow_http: Flag = Field(default=False, description="permit an http:// URL")
    allow_private: Flag = Field(default=False, description="permit private and loopback addresses")


class NotifySection(Section):
    """Who is told."""

    channels: dict[Name, Annotated[SlackSection | WebhookSection, Field(discriminator="type")]] = (
        Field(default_factory=dict, description="by name")
    )


class RetentionSection(Section):
    """How long results are kept."""

    results: Retention | None = Field(default=None, description="single results")


class InfluxdbSection(Section):
    """An InfluxDB that every result is written to as well."""

    url: BaseUrl | None = Field(default=None, description="where it is, without a path of its API")
    token: SecretStr | None = Field(default=None, description="the token, as ${VARIABLE}")
    token_file: PathText | None = Field(default=None, description="a file that holds the token")
    org: Line | None = Field(default=None, description="the organisation; 1.x has none")
    bucket: Line | None = Field(default=None, description="the bucket; in 1.x the database")


class StoreSection(Section):
    """The embedded ledger, and a store beside it."""

    path: PathText | None = Field(default=None, description="the database file")
    max_size: Size | None = Field(default=None, description="most the file may take")
    retention: RetentionSection = Field(default=RetentionSection(), description="how long to keep")
    influxdb: InfluxdbSection | None = Field(
        default=None, description="an InfluxDB for every result as well"
    )


class HttpSection(Section):
    """Where pages and metrics are served."""

    listen: Listen | None = Field(default=None, description="HOST:PORT")
    token_file: PathText | None = Field(default=None, description="a file with the page's token")


class RootSection(Section):
    """The whole configuration of Sonde."""

    location: Line | None = Field(
        default=None, description="where this Sonde is; default: host name"
    )
    public_url: BaseUrl | None = Field(default=None, description="where people reach the page")
    evaluate_every: Evaluation | None = Field(
        default=None, description="time between two looks at the rules"
    )
    defaults: DefaultsSection = Field(default=DefaultsSection(), description="for every target")
    providers: dict[Name, ProviderSection] = Field(default_factory=dict, description="by name")
    targets: list[TargetSection] = Field(default_factory=list, description="what is probed")
    windows: list[Window] | None = Field(
        default=None, min_length=1, max_length=8, description="lengths of the rolling windows"
    )
    rules: list[RuleSection] = Field(default_factory=list, description="beside the default rules")
    notify: NotifySection = Field(default=NotifySection(), description="who is told")
    store: StoreSection = Field(default=StoreSection(), description="the embedded ledger")
    http: HttpSection = Field(default=HttpSection(), description="pages and metrics")


CHANNEL_SECTIONS: dict[str, type[SlackSection] | type[WebhookSection]] = {
    "slack": SlackSection,
    "webhook": WebhookSection,
}

SECTIONS: dict[KeyPath, type[Section]] = {
    (): RootSection,
    ("defaults",): DefaultsSection,
    ("providers", "*"): ProviderSection,
    ("providers", "*", "prices", "*"): PriceSection,
    ("targets", "*"): TargetSection,
    ("targets", "*", "expect"): ExpectSection,
    ("rules", "*"): RuleSection,
    ("notify",): NotifySection,
    ("store",): StoreSection,
    ("store", "retention"): RetentionSection,
    ("store", "influxdb"): InfluxdbSection,
    ("http",): HttpSection,
}
"""Which section stands where: to say what keys are allowed there."""
