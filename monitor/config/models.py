"""The shape of the configuration: pydantic's only place.

Nothing here carries a default of its own meaning: a key that is not said is None, and the
compiling modules decide, so that "said" and "default" can be told apart. Field descriptions are
the texts of the JSON Schema and of the message for a missing key.
"""

from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    WithJsonSchema,
)

from alerting.rule import NoData, Severity, Subject
from monitor.config.cluster_section import ClusterSection
from monitor.config.document import KeyPath
from monitor.config.fields import (
    BaseUrl,
    CheckWord,
    Choice,
    CosineBound,
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
    PathOrMapping,
    PathText,
    Patterns,
    Period,
    PollInterval,
    Positive,
    Prompt,
    Retention,
    Size,
    StatusPageUrl,
    TargetName,
    Temperature,
    Url,
    Usd,
    Window,
)
from monitor.config.money import Money, TimeZone
from monitor.config.notify_sections import HeartbeatSection, NotifySection, RouteSection
from monitor.config.objective import Objective
from monitor.config.otlp_section import OtlpSection
from monitor.config.section import Section
from monitor.config.values import HistoryStore
from probes.providers import PRESETS
from probes.result import Operation
from probes.target import Connection, ReasoningEffort

SECRET_KEYS = frozenset(
    {
        "api_key",
        "bot_token",
        "headers",
        "password",
        "proxy",
        "redis",
        "routing_key",
        "secret",
        "secrets",
        "smtp",
        "token",
        "url",
        "webhook_url",
    }
)
"""Keys whose values no message repeats."""


class BudgetSection(Section):
    """What probes may cost in a day."""

    daily: Money | None = Field(default=None, description="US dollars a day, such as 5 USD")
    timezone: TimeZone | None = Field(
        default=None, description="whose midnight ends the day; default: UTC"
    )


class ConfirmSection(Section):
    """Further attempts after one that failed."""

    attempts: Count | None = Field(
        default=None, le=10, description="how many at most; 0 confirms nothing"
    )
    backoff: list[Deadline] | None = Field(
        default=None,
        min_length=1,
        max_length=10,
        description="the wait before each; the last one holds on",
    )
    throttled: Deadline | None = Field(
        default=None, description="the wait after a 429, if it does not ask for a longer one"
    )


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
    confirm: ConfirmSection = Field(
        default=ConfirmSection(), description="further attempts after a failure"
    )


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
    BeforeValidator(Choice(tuple(PRESETS))),
    WithJsonSchema({"type": "string", "enum": list(PRESETS)}),
]


class ProviderSection(Section):
    """One API with one key."""

    preset: PresetName = Field(description=f"one of {', '.join(PRESETS)}")
    base_url: BaseUrl | None = Field(default=None, description="where the API is, up to /v1")
    api_key: SecretStr | None = Field(default=None, description="the key, as ${VARIABLE}")
    api_key_file: PathText | None = Field(default=None, description="a file that holds the key")
    endpoint: BaseUrl | None = Field(default=None, description="azure: the resource's endpoint")
    api_version: Line | None = Field(default=None, description="azure: the API's version")
    organization: Line | None = Field(default=None, description="organisation the key acts for")
    proxy: SecretStr | None = Field(default=None, description="an HTTP proxy, http://HOST:PORT")
    proxy_file: PathText | None = Field(
        default=None, description="a file that holds it, with user name and password"
    )
    ca_file: PathText | None = Field(
        default=None, description="roots in PEM, to believe instead of the system's"
    )
    client_cert_file: PathText | None = Field(
        default=None, description="a certificate of ours in PEM, perhaps with its key"
    )
    client_key_file: PathText | None = Field(default=None, description="the certificate's key")
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, max_length=32, description="sent with every request"
    )
    max_concurrency: Positive | None = Field(default=None, description="most probes at one time")
    status_page: StatusPageUrl | None = Field(
        default=None, description="the URL of its status page (JSON or feed), or false for none"
    )
    budget: BudgetSection | None = Field(
        default=None, description="what its probes may cost in a day"
    )
    prompt_overhead: Count | None = Field(
        default=None, description="most tokens it puts around a prompt; default: by preset"
    )
    prices: dict[str, PriceSection] = Field(
        default_factory=dict, description="by model; `default` is for every other model"
    )


class ExpectSection(Section):
    """What the answer must hold."""

    contains: Prompt | None = Field(
        default=None, description="text in the answer, letter case aside"
    )
    equals: Prompt | None = Field(
        default=None, description="the whole answer, white space around it aside"
    )
    regex: Prompt | None = Field(
        default=None, description="a pattern found in the answer, without look-around"
    )
    json_schema: PathOrMapping | None = Field(
        default=None, description="a JSON Schema of the answer: a mapping, or a file that holds it"
    )
    dimensions: Positive | None = Field(default=None, description="length of the embedding")
    normalised: Flag | None = Field(
        default=None, description="whether the embedding must have the length 1"
    )
    cosine_to_reference: CosineBound | None = Field(
        default=None, description="how like the first good embedding, such as >= 0.999"
    )


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
        BeforeValidator(lambda word: Operation(Choice(tuple(Operation))(word))),
    ] = Field(default=Operation.CHAT, description="the API call to make")
    stream: Flag | None = Field(
        default=None, description="chat, responses: read the answer as a stream"
    )
    prompt: Prompt | None = Field(default=None, description="what is asked, or embedded")
    expect: ExpectSection = Field(default=ExpectSection(), description="what the answer must hold")
    connection: Annotated[
        Connection, BeforeValidator(lambda word: Connection(Choice(tuple(Connection))(word)))
    ] = Field(default=Connection.REUSE, description="keep connections, or open one for each probe")
    dimensions: Positive | None = Field(default=None, description="embeddings: size to ask for")
    reasoning_effort: Annotated[
        ReasoningEffort | None,
        BeforeValidator(lambda word: ReasoningEffort(Choice(tuple(ReasoningEffort))(word))),
    ] = Field(default=None, description="how long a reasoning model may think")
    temperature: Temperature | None = Field(
        default=None, description="sent only when given: some models refuse it"
    )
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
    confirm: ConfirmSection = Field(
        default=ConfirmSection(), description="further attempts after a failure"
    )


class RuleSection(Section):
    """One alerting rule; with the name of a default rule it changes that one."""

    name: Name = Field(description="the alert's name; that of a default rule changes that rule")
    enabled: Flag = Field(default=True, description="false takes a default rule away")
    match: dict[str, Patterns] | None = Field(
        default=None, description="target, provider, model, operation, preset, location or labels"
    )
    when: str | None = Field(
        default=None, description="the condition, such as latency.p95 > 5s and samples >= 10"
    )
    slo: Line | None = Field(default=None, description="the objective that burn_rate is of")
    clear: str | None = Field(
        default=None, description="what must be true for a firing alert to begin to end"
    )
    no_data: Annotated[
        NoData | None,
        BeforeValidator(lambda word: NoData(Choice(tuple(NoData))(word))),
    ] = Field(default=None, description="what an empty window means: ok, alert or keep")
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
    ] = Field(default=None, description="one alert a target, a provider, or for this instance")
    locations: Line | None = Field(
        default=None, description="how many of cluster.locations must agree, such as 2 of 3"
    )
    labels: Labels | None = Field(default=None, description="labels of the alert")
    annotations: Labels | None = Field(
        default=None, description="lines of its messages, with {{ target }}, {{ value }} and so on"
    )
    runbook: Line | None = Field(default=None, description="where it is written what to do")


class RetentionSection(Section):
    """How long results and their roll-ups are kept; roll-ups by the day are kept for ever."""

    results: Retention | None = Field(default=None, description="single results")
    minutes: Retention | None = Field(default=None, description="their roll-ups by the minute")
    hours: Retention | None = Field(default=None, description="their roll-ups by the hour")


class InfluxdbSection(Section):
    """An InfluxDB that every result is written to as well."""

    url: BaseUrl | None = Field(default=None, description="where it is, without a path of its API")
    token: SecretStr | None = Field(default=None, description="the token, as ${VARIABLE}")
    token_file: PathText | None = Field(default=None, description="a file that holds the token")
    org: Line | None = Field(default=None, description="the organisation; 1.x has none")
    bucket: Line | None = Field(default=None, description="the bucket; in 1.x the database")
    ca_file: PathText | None = Field(
        default=None, description="roots in PEM, to believe instead of the system's"
    )
    client_cert_file: PathText | None = Field(
        default=None, description="a certificate of ours in PEM, perhaps with its key"
    )
    client_key_file: PathText | None = Field(default=None, description="the certificate's key")


class StoreSection(Section):
    """The embedded ledger, and a store beside it."""

    path: PathText | None = Field(default=None, description="the database file")
    max_size: Size | None = Field(default=None, description="most the file may take")
    retention: RetentionSection = Field(default=RetentionSection(), description="how long to keep")
    influxdb: InfluxdbSection | None = Field(
        default=None, description="an InfluxDB for every result as well"
    )
    history: Annotated[
        HistoryStore,
        BeforeValidator(lambda word: HistoryStore(Choice(tuple(HistoryStore))(word))),
    ] = Field(default=HistoryStore.LEDGER, description="which store is asked about the past")


class HttpSection(Section):
    """Where pages and metrics are served."""

    listen: Listen | None = Field(default=None, description="HOST:PORT")
    token_file: PathText | None = Field(default=None, description="a file with the page's token")


class EgressSection(Section):
    """Whether our own way out works."""

    check: CheckWord | None = Field(default=None, description="auto, true or false")
    endpoints: list[Line] | None = Field(
        default=None,
        min_length=1,
        max_length=16,
        description="HOST:PORT or URLs that are never down",
    )
    every: Interval | None = Field(default=None, description="time between two looks")


class BaselineSection(Section):
    """A latency that somebody else publishes as JSON."""

    name: Name | None = Field(default=None, description="its name; default: the URL's host")
    url: Url = Field(description="where the JSON is")
    path: Line = Field(description="where the figure stands in it, such as $.p95_ms")
    unit: Annotated[str, BeforeValidator(Choice(("ms", "s")))] | None = Field(
        default=None, description="ms or s; default: as the path ends"
    )
    match: dict[str, Patterns] | None = Field(
        default=None, description="the targets it speaks of; default: all"
    )
    every: PollInterval | None = Field(default=None, description="time between two looks")


class SloSection(Section):
    """What part of the answers is to be good, over weeks."""

    name: Name = Field(description="its name: rules call it so")
    match: dict[str, Patterns] | None = Field(
        default=None, description="the targets whose answers it is made of; default: all"
    )
    objective: Objective = Field(description="the part that is to be without the provider's fault")
    over: Period | None = Field(
        default=None, description="the period, from 3d to 90d; default: 30d"
    )


class MaintenanceSection(Section):
    """A time at which alerts are kept quiet: each week, each day, or once."""

    match: dict[str, Patterns] = Field(
        min_length=1, description="which alerts, by their labels, such as {provider: house}"
    )
    every: Line | None = Field(
        default=None, description='such as "Sun 02:00-04:00", "Mon-Fri 22:00-23:30", "02:00-04:00"'
    )
    from_: Line | None = Field(
        default=None, alias="from", description='once: its begin, such as "2026-12-24 22:00"'
    )
    until: Line | None = Field(default=None, description="once: its end")
    timezone: TimeZone | None = Field(default=None, description="whose clocks; default: UTC")


class PublicPageSection(Section):
    """A page for anybody: how chosen targets do, without who provides them."""

    title: Line | None = Field(default=None, description="its heading; default: Status")
    components: dict[Line, Annotated[list[Name], Field(min_length=1, max_length=50)]] = Field(
        min_length=1,
        max_length=50,
        description="what readers know by name: the names of the targets it consists of",
    )


class RootSection(Section):
    """The whole configuration of Sonde."""

    location: Line | None = Field(
        default=None, description="where this Sonde is; default: host name"
    )
    public_url: BaseUrl | None = Field(default=None, description="where people reach the page")
    evaluate_every: Evaluation | None = Field(
        default=None, description="time between two looks at the rules"
    )
    budget: BudgetSection | None = Field(
        default=None, description="what all providers together may cost in a day"
    )
    defaults: DefaultsSection = Field(default=DefaultsSection(), description="for every target")
    providers: dict[Name, ProviderSection] = Field(default_factory=dict, description="by name")
    targets: list[TargetSection] = Field(default_factory=list, description="what is probed")
    windows: list[Window] | None = Field(
        default=None, min_length=1, max_length=8, description="lengths of the rolling windows"
    )
    slos: list[SloSection] = Field(
        default_factory=list, max_length=64, description="what is to hold over weeks"
    )
    rules: list[RuleSection] = Field(default_factory=list, description="beside the default rules")
    maintenance: list[MaintenanceSection] = Field(
        default_factory=list, max_length=64, description="when which alerts are kept quiet"
    )
    notify: NotifySection = Field(default=NotifySection(), description="who is told")
    store: StoreSection = Field(default=StoreSection(), description="the embedded ledger")
    otlp: OtlpSection | None = Field(
        default=None, description="OpenTelemetry: metrics and a trace of each probe"
    )
    cluster: ClusterSection | None = Field(
        default=None, description="replicas that share the work; default: alone"
    )
    http: HttpSection = Field(default=HttpSection(), description="pages and metrics")
    egress: EgressSection = Field(default=EgressSection(), description="our own way out")
    status_pages: Flag | None = Field(
        default=None, description="read what providers say of themselves; default: true"
    )
    baselines: list[BaselineSection] = Field(
        default_factory=list, max_length=64, description="latencies that others publish"
    )
    public_page: PublicPageSection | None = Field(
        default=None, description="what anybody may see under /status; default: nothing"
    )


SECTIONS: dict[KeyPath, type[Section]] = {
    (): RootSection,
    ("budget",): BudgetSection,
    ("defaults",): DefaultsSection,
    ("providers", "*"): ProviderSection,
    ("providers", "*", "budget"): BudgetSection,
    ("providers", "*", "prices", "*"): PriceSection,
    ("targets", "*"): TargetSection,
    ("targets", "*", "expect"): ExpectSection,
    ("defaults", "confirm"): ConfirmSection,
    ("targets", "*", "confirm"): ConfirmSection,
    ("rules", "*"): RuleSection,
    ("slos", "*"): SloSection,
    ("maintenance", "*"): MaintenanceSection,
    ("notify",): NotifySection,
    ("notify", "heartbeat"): HeartbeatSection,
    ("notify", "routes", "*"): RouteSection,
    ("store",): StoreSection,
    ("store", "retention"): RetentionSection,
    ("store", "influxdb"): InfluxdbSection,
    ("otlp",): OtlpSection,
    ("cluster",): ClusterSection,
    ("http",): HttpSection,
    ("egress",): EgressSection,
    ("baselines", "*"): BaselineSection,
    ("public_page",): PublicPageSection,
}
"""Which section stands where: to say what keys are allowed there."""
