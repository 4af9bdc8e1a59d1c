"""The shape of the sections below `notify`: who is told, and who is told that we are alive."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr

from monitor.config.fields import (
    BaseUrl,
    Count,
    Flag,
    Hold,
    Interval,
    Line,
    MailAddress,
    Name,
    PathText,
    Patterns,
    Url,
)
from monitor.config.section import Section


class AnyChannelSection(Section):
    """What every channel may say."""

    most_per_hour: Count | None = Field(
        default=None,
        description="messages an hour; what is beyond waits, and gives way to newer ones",
    )


class SlackSection(AnyChannelSection):
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


class WebhookSection(AnyChannelSection):
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


class PagerdutySection(AnyChannelSection):
    """A service integration of PagerDuty's Events API v2."""

    type: Literal["pagerduty"]
    routing_key: SecretStr | None = Field(
        default=None, description="the integration's key, as ${VARIABLE}"
    )
    routing_key_file: PathText | None = Field(default=None, description="a file that holds it")
    region: Literal["us", "eu"] = Field(default="us", description="the account's service region")
    api_url: Url | None = Field(default=None, description="another place for events")
    allow_http: Flag = Field(default=False, description="permit an http:// URL")
    allow_private: Flag = Field(default=False, description="permit private and loopback addresses")


class EmailSection(AnyChannelSection):
    """Mail through one SMTP server."""

    type: Literal["email"]
    smtp: Line = Field(description="smtp://[USER@]HOST[:587] with STARTTLS, or smtps://…[:465]")
    to: list[MailAddress] = Field(min_length=1, max_length=32, description="the recipients")
    sender: MailAddress | None = Field(
        default=None, alias="from", description="default: sonde@ the first recipient's domain"
    )
    password: SecretStr | None = Field(default=None, description="of USER, as ${VARIABLE}")
    password_file: PathText | None = Field(default=None, description="a file that holds it")
    allow_plain: Flag = Field(default=False, description="permit a connection without TLS")


class AlertmanagerSection(AnyChannelSection):
    """One Alertmanager, or every one of a cluster."""

    type: Literal["alertmanager"]
    url: BaseUrl | None = Field(default=None, description="where it is, without /api/v2")
    urls: list[BaseUrl] = Field(
        default_factory=list, max_length=8, description="those of a cluster, each of them"
    )
    token: SecretStr | None = Field(default=None, description="a bearer token, as ${VARIABLE}")
    token_file: PathText | None = Field(default=None, description="a file that holds it")
    allow_http: Flag = Field(default=False, description="permit an http:// URL")
    allow_private: Flag = Field(default=False, description="permit private and loopback addresses")


class AppriseSection(AnyChannelSection):
    """Anything that Apprise knows, by its URL."""

    type: Literal["apprise"]
    url: SecretStr | None = Field(default=None, description="Apprise's URL, as ${VARIABLE}")
    url_file: PathText | None = Field(default=None, description="a file that holds it")


class HeartbeatSection(Section):
    """A dead-man's switch that is told while we are well."""

    url: SecretStr | None = Field(default=None, description="its ping URL, as ${VARIABLE}")
    url_file: PathText | None = Field(default=None, description="a file that holds it")
    every: Interval | None = Field(default=None, description="time between two pings")
    allow_http: Flag = Field(default=False, description="permit an http:// URL")
    allow_private: Flag = Field(default=False, description="permit private and loopback addresses")


ChannelSection = (
    SlackSection
    | WebhookSection
    | PagerdutySection
    | EmailSection
    | AlertmanagerSection
    | AppriseSection
)


Wait = Annotated[
    dict[Literal["info", "warning", "critical", "default"], Hold],
    BeforeValidator(lambda said: said if isinstance(said, dict) else {"default": said}),
]
"""How long an alert waits for others like it, by severity."""


class PaceSection(Section):
    """Which alerts are told together, and how often."""

    group_by: list[Line] | None = Field(
        default=None, max_length=16, description="labels that alerts told together share"
    )
    group_wait: Wait | None = Field(
        default=None, description="time before the first message, by severity or for all"
    )
    group_interval: Hold | None = Field(
        default=None, description="least time between two messages about a group"
    )
    repeat: Hold | None = Field(
        default=None, description="time until what goes on is told once more"
    )


class RouteSection(PaceSection):
    """Alerts with these labels go there; every other key is a label to match."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Patterns]

    to: list[Name] = Field(min_length=1, max_length=64, description="channels, by name")
    goes_on: Flag = Field(
        default=False, alias="continue", description="whether the routes below are asked as well"
    )


class NotifySection(PaceSection):
    """Who is told."""

    channels: dict[Name, Annotated[ChannelSection, Field(discriminator="type")]] = Field(
        default_factory=dict, description="by name"
    )
    routes: list[RouteSection] = Field(
        default_factory=list,
        max_length=256,
        description="the first that matches decides; without any, every channel gets everything",
    )
    heartbeat: HeartbeatSection | None = Field(
        default=None, description="who is told that we are alive"
    )


CHANNEL_SECTIONS: dict[str, type[ChannelSection]] = {
    "slack": SlackSection,
    "webhook": WebhookSection,
    "pagerduty": PagerdutySection,
    "email": EmailSection,
    "alertmanager": AlertmanagerSection,
    "apprise": AppriseSection,
}
