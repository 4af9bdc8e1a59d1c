"""The replicas that share the work."""

from pydantic import Field

from monitor.api.models.shape import Shape


class Replica(Shape):
    """One replica, as it said of itself."""

    name: str
    location: str
    version: str
    configuration: str = Field(description="A short digest: alike within a location.")
    started_at: float
    seen_s: float = Field(description="How long ago it was heard of.")
    clock_ahead_s: float = Field(description="How far its clock is ahead of that of Redis.")
    in_flight: int = Field(description="Probes under way.")
    load_ratio: float = Field(description="How busy it is; from 1 it leaves slots to others.")
    claims: int = Field(description="Slots it took since its start.")
    targets: int | None = Field(
        description="Targets whose newest slot it ran; null: it is at another location."
    )
    own: bool = Field(description="Whether it is the one that answers.")


class Owner(Shape):
    """Who made a target's newest probe."""

    target: str
    replica: str | None = Field(description="Null: it was not probed yet.")
    at: float | None = Field(description="When.")


class Replicas(Shape):
    """The group, as one replica sees it."""

    alone: bool = Field(description="No cluster is configured: then there is nothing else here.")
    connected: bool = Field(description="Whether Redis answers.")
    replicas: list[Replica] = Field(description="Heard of in the last ten seconds.")
    owners: list[Owner] = Field(description="By target, of this replica's location.")
    warnings: list[str] = Field(description="What somebody should look at; empty in health.")
