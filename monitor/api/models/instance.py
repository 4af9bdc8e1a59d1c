"""The daemon itself."""

from pydantic import Field

from monitor.api.models.shape import Shape


class Check(Shape):
    """One thing readiness consists of."""

    name: str
    ok: bool
    detail: str


class Reload(Shape):
    """How the newest attempt to take in a changed configuration ended."""

    at: float = Field(description="When, on people's clocks.")
    ok: bool
    error: str = Field(
        default="", description="Why the last good configuration is kept; empty: it is not."
    )
    needs_restart: list[str] = Field(
        default=[], description="Keys whose new values a running daemon cannot take up."
    )


class Instance(Shape):
    """One daemon: what runs, and whether it does what it should."""

    version: str
    location: str
    configuration: str = Field(description="Where it was read from.")
    now: float
    started_at: float
    ready: bool
    checks: list[Check]
    reload: Reload | None = Field(description="Null: nothing was reloaded since the start.")
    targets: int
    window: str = Field(description="The window figures of `now` are over, such as 15m.")
    window_s: float
    replicas: int = Field(default=0, description="Those heard of lately, this one too; 0: alone.")
    discord: list[str] = Field(
        default=[], description="Where replicas are at odds; empty in health, and alone."
    )
    demo: bool = Field(default=False, description="Whether the provider is a simulated one.")


class Write(Shape):
    """One line of the audit log: who changed what through the API."""

    at: float
    who: str = Field(description="`token` or `loopback`, and the address it came from.")
    action: str = Field(description="Such as `silence.create`.")
    subject: str
    detail: str
