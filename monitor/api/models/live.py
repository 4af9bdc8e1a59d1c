"""What is sent as it happens, and the overview it changes."""

from monitor.api.models.alerts import AlertRow
from monitor.api.models.instance import Instance
from monitor.api.models.shape import Shape
from monitor.api.models.targets import TargetNow, TargetRow


class Overview(Shape):
    """Everything the first page shows."""

    instance: Instance
    targets: list[TargetRow]
    alerts: list[AlertRow]


class Tick(Shape):
    """Event `tick` of /api/v1/stream: what is otherwise since the last one.

    The stream's ids grow. A client that was away sends `Last-Event-ID` and gets what it missed
    taken together in one tick; after a restart, or when that is too long ago, an event `resync`
    (without data) tells it to ask for the overview again.
    """

    now: float
    instance: Instance | None
    """None: as before."""
    targets: list[TargetNow]
    """Those with a new result, level or figure."""
    alerts: list[AlertRow] | None
    """All of them, when any is otherwise; None: as before."""
