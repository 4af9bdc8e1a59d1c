"""Alerts, silences, and why people were told."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from monitor.api.models.shape import LAST_MOMENT_S, Shape


class ChannelState(Shape):
    """What one channel was told of an alert."""

    channel: str
    told: bool = Field(description="Whether it was told that the alert fires.")
    undelivered: str = Field(
        default="",
        description="Why no message that the alert fires has arrived, though one was written.",
    )
    muted: str = Field(default="", description="Why it is kept quiet there; empty: it is not.")


class AlertRow(Shape):
    """One alert that is pending, firing or clearing."""

    fingerprint: str
    name: str
    severity: Literal["critical", "warning", "info"]
    state: Literal["pending", "firing", "clearing"]
    subject: str = Field(description="The target, provider or location it is about.")
    targets: list[str]
    provider: str | None
    fault: str = Field(description="Whose fault the rule blames first.")
    value: str = Field(description="The newest value with its unit.")
    condition: str = Field(description="What it is compared with, in the rule's own words.")
    since: float = Field(description="When the condition became true.")
    fired_at: float | None
    clear_since: float | None
    held_back: str = Field(default="", description="Why nobody is told; empty: they are.")
    channels: list[ChannelState]
    acknowledged: str = Field(
        default="", description="By whom, until when and why; empty: it is not."
    )
    notes: list[str] = Field(description="What else a message about it says.")
    annotations: dict[str, str]
    labels: dict[str, str] = Field(
        description="What silences see: its own, and what all its targets share."
    )


class HistoryRow(Shape):
    """One decision about an alert."""

    id: int
    at: float
    fingerprint: str
    name: str
    subject: str
    event: str
    channel: str
    detail: str
    text: str = Field(description="All of it as one sentence.")


class StoryLine(Shape):
    """One thing that happened to an alert."""

    at: float
    text: str


class StoryRow(Shape):
    """Why people were told of an alert, or not."""

    fingerprint: str
    name: str
    subject: str
    labels: dict[str, str]
    lines: list[StoryLine]
    now: list[str] = Field(description="How it stands; empty: it is over.")


class SilenceRow(Shape):
    """A silence, or an acknowledgement."""

    id: str
    matchers: list[str] = Field(description="Such as provider=openai.")
    author: str
    comment: str
    starts_at: float
    ends_at: float
    state: Literal["active", "scheduled", "expired"]
    until_resolved: bool = Field(description="An acknowledgement: it ends with its alert.")
    quiets: int = Field(description="Alerts that it keeps quiet now.")


Matcher = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}=")]


class Wanted(Shape):
    """Base of what is asked for: a text is no number here, as the document says."""

    model_config = ConfigDict(strict=True)


class NewSilence(Wanted):
    """A silence to be made: at once, or for planned work."""

    matchers: list[Matcher] = Field(
        min_length=1, max_length=20, description="LABEL=PATTERN each, all must fit."
    )
    author: str = Field(min_length=1, max_length=100)
    comment: str = Field(min_length=1, max_length=500)
    starts_at: float | None = Field(default=None, ge=0, le=LAST_MOMENT_S, description="Null: now.")
    ends_at: float = Field(ge=0, le=LAST_MOMENT_S)


class Acknowledge(Wanted):
    """Somebody looks after an alert: no more messages about it until it is over."""

    author: str = Field(min_length=1, max_length=100)
    comment: str = Field(min_length=1, max_length=500)
    for_s: float = Field(default=7 * 86_400.0, gt=0, le=90 * 86_400.0)


class MaintenanceRow(Shape):
    """A maintenance window of the configuration, with its next occurrence."""

    name: str
    schedule: str = Field(description="In words, with the time zone.")
    matchers: list[str]
    comment: str
    active: bool
    next_at: float | None
    next_until: float | None
