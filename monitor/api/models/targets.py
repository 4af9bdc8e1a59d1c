"""Targets: how they do now, and did."""

from typing import Literal

from pydantic import Field

from monitor.api.models.shape import Shape


class Quantile(Shape):
    """One quantile of a window."""

    value: float
    lower_bound: bool = Field(
        default=False, description="Whether a timeout cut samples short: it is at least this."
    )


class Figures(Shape):
    """One target over one window. Null: not known, or too few samples to say."""

    window: str = Field(description="Such as 15m.")
    window_s: float
    samples: int
    missed: int = Field(description="Slots that should have had a result and have none.")
    p50_s: Quantile | None
    p95_s: Quantile | None
    p99_s: Quantile | None
    first_token_p50_s: Quantile | None
    first_token_p95_s: Quantile | None
    inter_token_p50_s: Quantile | None
    tokens_per_s_p50: Quantile | None
    error_rate: float | None = Field(description="Of all results, 0..1.")
    by_fault: dict[str, int]
    by_verdict: dict[str, int]
    coverage: float | None = Field(description="Results per slot that should have one, 0..1.")
    cost_usd: float | None


class Last(Shape):
    """The newest result."""

    at: float
    verdict: str
    fault: str
    detail: str
    hint: str = Field(description="What a person can do about it; may be empty.")
    total_s: float
    first_token_s: float | None
    status: int | None = Field(description="HTTP status.")


class TargetNow(Shape):
    """One target as it is now."""

    name: str
    provider: str
    model: str
    operation: str
    stream: bool
    interval_s: float
    labels: dict[str, str]
    rank: int = Field(description="0 is the worst of all targets now.")
    level: Literal["down", "failing", "slow", "unknown", "ok"] = Field(
        description="`down`: a critical alert fires; `failing`: the newest result failed; `slow`: "
        "a warning fires; `unknown`: no result yet, or no longer; else `ok`."
    )
    last: Last | None
    figures: Figures
    paused: str = Field(
        default="", description="Why it is not probed now: a reason of skipped slots; empty: it is."
    )
    failing_at: list[str] = Field(
        default=[], description="Other locations whose newest probe of it failed."
    )


class Strip(Shape):
    """A stretch of the past in equal steps, the oldest first. All lists have one length."""

    since: float
    step_s: int
    n: list[int] = Field(description="Results and refused slots in the step.")
    provider: list[int] = Field(description="Of those, failed by the provider's fault.")
    other: list[int] = Field(description="Of those, failed by any other fault.")
    missed: list[int] = Field(description="Slots without a result.")


class Spark(Shape):
    """Three lines of the past. All lists have one length; null: nothing known in that step."""

    since: float
    step_s: int
    p50_s: list[float | None]
    p95_s: list[float | None]
    first_token_p50_s: list[float | None]


class TargetRow(Shape):
    """A target with its past, as the overview draws it."""

    now: TargetNow
    day: Strip = Field(description="The last 24 hours, hour by hour.")
    month: Strip = Field(description="The last 30 days, day by day (UTC).")
    spark: Spark = Field(description="The last 24 hours, hour by hour.")


class AtLocation(Shape):
    """One target as one location finds it."""

    location: str
    own: bool = Field(description="Whether that is the location of who answers.")
    level: Literal["down", "failing", "slow", "unknown", "ok"] = Field(
        description="As of a target; of another location by its rules' conditions alone, for "
        "their holds and alerts are its own."
    )
    figures: Figures | None = Field(
        description="Over the window that pages show; null: nothing was heard of it lately."
    )


class TargetDetail(Shape):
    """One target with everything that is set and known of it now."""

    now: TargetNow
    windows: list[Figures] = Field(description="Each configured window, the shortest first.")
    deadline_s: float
    prompt: str | None = Field(description="Null for operations without one.")
    expects: list[str] = Field(description="What an answer must be, a line each.")
    status_page: str = Field(
        default="", description="What the provider's own page says now; empty: nothing known."
    )
    usual: str = Field(
        default="", description="What is usual for this hour, in words; empty: not known yet."
    )
    locations: list[AtLocation] = Field(
        default=[], description="Every location of the group; empty: there is but this one."
    )
    standing: str = Field(
        default="", description="Where it does how, in words; empty: there is but one location."
    )


class Series(Shape):
    """A target's past step by step, the oldest first. All lists have the length of `at`."""

    target: str
    since: float
    until: float
    step_s: int
    at: list[float] = Field(description="When each step begins; steps without anything are absent.")
    n: list[int]
    missed: list[int | None] = Field(
        description="Slots without a result; null: the store is told of none."
    )
    p50_s: list[float | None]
    p95_s: list[float | None]
    p99_s: list[float | None]
    lower_bound: list[bool] = Field(description="Whether timeouts make p95 or p99 a lower bound.")
    first_token_p50_s: list[float | None]
    first_token_p95_s: list[float | None]
    tokens_per_s_p50: list[float | None]
    verdicts: dict[str, list[int]] = Field(description="Failures by verdict; absent: none.")
    faults: dict[str, list[int]] = Field(description="Failures by fault; absent: none.")
    cost_usd: list[float | None]
    headroom: list[float | None] = Field(
        description="Least part of a rate limit that was left, 0..1; null: not said."
    )


class Mark(Shape):
    """Something that happened to a target, to be marked on its charts."""

    at: float
    until: float | None = Field(description="Null: it goes on, or is a moment.")
    kind: Literal["trouble", "drift", "status_page", "alert"]
    fault: str = Field(default="", description="Whose, of a trouble.")
    title: str
    detail: str = ""


class Stage(Shape):
    """One part of an exchange, in seconds from its origin."""

    name: str
    start_s: float
    end_s: float
    ended: bool = Field(default=True, description="False: the probe ended in it.")


class ProbeRow(Shape):
    """One attempt."""

    id: str
    at: float
    slot: int
    attempt: int
    verdict: str
    fault: str
    detail: str
    hint: str
    status: int | None
    total_s: float
    first_token_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    request_id: str | None
    returned_model: str | None
    tainted: bool = Field(description="Whether our own lateness spoiled its times.")
    stages: list[Stage]
