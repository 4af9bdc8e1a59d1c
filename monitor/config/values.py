"""What the configuration compiles to: frozen values the composition root reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from aggregator.stores.delivery import Destination
from alerting.burn import Slo
from alerting.match import Match
from alerting.routing.maintenance import Maintenance
from alerting.routing.route import Route
from alerting.rule import Rule
from monitor.baselines.figure import Steps
from monitor.egress.endpoint import DEFAULT_ENDPOINTS, Endpoint
from monitor.otlp.temporality import Temporality
from probes.secret import SecretSource
from probes.target import Provider, Target
from probes.wire.trust import Papers


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWebhook:
    """A Slack incoming webhook."""

    kind: ClassVar = "slack_webhook"

    name: str
    url: SecretSource
    allow_http: bool = False

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return (self.url,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackBot:
    """A Slack bot that posts to one channel."""

    kind: ClassVar = "slack_bot"

    name: str
    token: SecretSource
    channel: str
    api_url: str = "https://slack.com/api/"

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return (self.token,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An HTTP receiver of Alertmanager-shaped messages, signed when it has a secret."""

    kind: ClassVar = "webhook"

    name: str
    url: SecretSource
    secrets: tuple[SecretSource, ...] = ()
    """Standard Webhooks secrets; more than one while rotating."""
    allow_http: bool = False
    allow_private: bool = False

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return (self.url, *self.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pagerduty:
    """A service integration of PagerDuty."""

    kind: ClassVar = "pagerduty"

    name: str
    routing_key: SecretSource
    url: str
    allow_http: bool = False
    allow_private: bool = False

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return (self.routing_key,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Mail through one SMTP server."""

    kind: ClassVar = "email"

    name: str
    smtp: str
    """smtp://[USER@]HOST[:PORT], or smtps://…"""
    to: tuple[str, ...]
    sender: str
    password: SecretSource | None = None
    allow_plain: bool = False

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return () if self.password is None else (self.password,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """The Alertmanagers of one cluster."""

    kind: ClassVar = "alertmanager"

    name: str
    urls: tuple[str, ...]
    token: SecretSource | None = None
    allow_http: bool = False
    allow_private: bool = False

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return () if self.token is None else (self.token,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """Whatever an Apprise URL stands for."""

    kind: ClassVar = "apprise"

    name: str
    url: SecretSource

    @property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Everything about the channel that must not be printed."""
        return (self.url,)


Channel = SlackWebhook | SlackBot | Webhook | Pagerduty | Email | Alertmanager | Apprise


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A dead-man's switch that is pinged while we are well."""

    url: SecretSource
    every_s: float = 60.0
    allow_http: bool = False
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Influxdb:
    """An InfluxDB that every result is written to as well."""

    destination: Destination
    token: SecretSource | None = None
    """None: it asks for none."""
    papers: Papers = field(default_factory=Papers)


class HistoryStore(StrEnum):
    """Which store is asked what the past was."""

    LEDGER = "ledger"
    INFLUXDB = "influxdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The embedded ledger, and a store beside it."""

    path: Path = Path("/var/lib/sonde/sonde.db")
    """Loading a configuration puts the user's own place here when this one is not writable."""
    max_size_bytes: int = 2 * 1024**3
    retention_results_s: float = 14 * 86400.0
    retention_minutes_s: float = 90 * 86400.0
    retention_hours_s: float = 730 * 86400.0
    """Results and their roll-ups by the minute and the hour; those by the day are kept for ever."""
    influxdb: Influxdb | None = None
    history: HistoryStore = HistoryStore.LEDGER
    """InfluxDB only where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The replicas this one shares the work with, through one Redis."""

    redis: SecretSource
    """Its URL, which may hold a password."""
    name: str = "sonde"
    """Groups that share one Redis have different ones."""
    replica: str
    """This one's, unlike that of any other in the group."""
    locations: tuple[str, ...] = ()
    """All locations of the group, this one's among them."""
    papers: Papers = field(default_factory=Papers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Otlp:
    """An OpenTelemetry endpoint that results are told to."""

    endpoint: str
    """Its URL, without /v1/traces or /v1/metrics."""
    headers: tuple[tuple[str, SecretSource], ...] = ()
    traces: bool = True
    metrics: bool = True
    every_s: float = 10.0
    temporality: Temporality = Temporality.CUMULATIVE
    papers: Papers = field(default_factory=Papers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Where pages and metrics are served."""

    host: str = "127.0.0.1"
    port: int = 8000
    token: SecretSource | None = None
    """Asked for by the page and /probe when it listens wider than loopback; /livez, /readyz,
    /health and /metrics never ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What probes may cost in a day."""

    subject: str
    """The provider's name; "" for all of them together."""
    daily_usd: float
    timezone: str = "UTC"
    """Whose midnight ends the day: a name of the IANA time zone database."""


class Check(StrEnum):
    """Whether to look at our own way out."""

    AUTO = "auto"
    """When something outside is probed; and a failure counts only once some endpoint has answered
    in this process's life, so that a place without egress is not called broken."""
    ON = "true"
    OFF = "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """How our own way out is watched."""

    check: Check = Check.AUTO
    endpoints: tuple[Endpoint, ...] = DEFAULT_ENDPOINTS
    every_s: float = 15.0


@dataclass(frozen=True, slots=True)
class ProviderPage:
    """Where a provider says itself how it is."""

    provider: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A latency that somebody else publishes."""

    name: str
    url: str
    steps: Steps
    """Where in the JSON the figure stands."""
    unit_s: float
    """What it is counted in: 0.001 for milliseconds."""
    quantile: float = 0.5
    """Which of our quantiles it is compared with."""
    match: Match
    """The targets it speaks of."""
    every_s: float


@dataclass(frozen=True, slots=True)
class Component:
    """One line of the public page."""

    name: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublicPage:
    """What anybody may see: chosen targets, under names of your own."""

    title: str
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything one daemon needs to run. Durations in seconds."""

    source: str
    """Where it was read from, for people: a path, or "environment"."""
    location: str
    public_url: str | None = None
    evaluate_every_s: float = 5.0
    providers: tuple[Provider, ...]
    targets: tuple[Target, ...]
    budgets: tuple[Budget, ...] = ()
    windows_s: tuple[float, ...] = (300.0, 900.0, 3600.0)
    slos: tuple[Slo, ...] = ()
    rules: tuple[Rule, ...]
    maintenance: tuple[Maintenance, ...] = ()
    channels: tuple[Channel, ...] = ()
    most_per_hour: Mapping[str, int] = field(default_factory=dict)
    """Messages an hour at most, by channel; one that is absent has no such limit."""
    routes: tuple[Route, ...] = ()
    heartbeat: Heartbeat | None = None
    store: Store = Store()
    cluster: Cluster | None = None
    """None: this one is alone."""
    otlp: Otlp | None = None
    """None: nothing is told to OpenTelemetry."""
    http: Http = Http()
    egress: Egress = Egress()
    status_pages: tuple[ProviderPage, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    public_page: PublicPage | None = None

    @property
    def locations(self) -> tuple[str, ...]:
        """All locations of the group, this one's among them; none: there is but this one."""
        return () if self.cluster is None else self.cluster.locations
