"""What is known of the daemon: its overview, kept up to date by ticks."""

from dataclasses import dataclass, field

from monitor.api.models.alerts import AlertRow
from monitor.api.models.instance import Instance
from monitor.api.models.live import Overview, Tick
from monitor.api.models.targets import TargetRow


@dataclass(slots=True)
class Board:
    """The newest of everything that was told. Empty until the first overview."""

    instance: Instance | None = None
    alerts: tuple[AlertRow, ...] = ()
    rows: dict[str, TargetRow] = field(default_factory=dict)
    now: float | None = None
    """The daemon's clock when it last told something."""
    lost: str = ""
    """Why nothing is heard any more; empty: it is."""
    lost_at: float | None = None
    """Since when, on our wall clock."""

    def take(self, overview: Overview) -> None:
        """Begin anew with an overview."""
        self.instance, self.now = overview.instance, overview.instance.now
        self.alerts = tuple(overview.alerts)
        self.rows = {row.now.name: row for row in overview.targets}

    def change(self, tick: Tick) -> bool:
        """Take in what is otherwise; say whether a target is in it that the overview had not."""
        self.now = tick.now
        self.instance = tick.instance or self.instance
        if tick.alerts is not None:
            self.alerts = tuple(tick.alerts)
        strangers = False
        for target in tick.targets:
            row = self.rows.get(target.name)
            strangers = strangers or row is None
            if row is not None:
                self.rows[target.name] = row.model_copy(update={"now": target})
        return strangers

    def hear(self) -> None:
        """Note that the daemon is heard."""
        self.lost, self.lost_at = "", None

    def lose(self, why: str, wall: float) -> None:
        """Note that it is not; since when is the first time's."""
        self.lost, self.lost_at = why, wall if self.lost_at is None else self.lost_at
