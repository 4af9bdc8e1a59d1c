"""What is sent, each to a path of its own: `/v1/traces`, `/v1/metrics`."""

from enum import StrEnum


class Signal(StrEnum):
    """A kind of telemetry: a metric label."""

    TRACES = "traces"
    METRICS = "metrics"


class Dropped(StrEnum):
    """Why something was not told: a metric label."""

    QUEUE = "queue"
    """Too much was waiting: the oldest had to go."""
    REFUSED = "refused"
    """The answer was one that the specification forbids to retry."""
    REJECTED = "rejected"
    """The receiver took the others of its batch (a partial success)."""
    GIVEN_UP = "given_up"
    """It could not be delivered for too long."""
    UNFIT = "unfit"
    """The protocol has no form for it: a time before 1970, a number beyond 64 bits."""
    STOPPED = "stopped"
    """We ended before it was delivered."""
