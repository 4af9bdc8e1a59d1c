"""What the API reads of one life of the daemon: references to parts, none of them its own.

After a configuration was taken up anew there is another life. Whoever answers requests asks
`current()` for its sources at each request and keeps none of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aggregator.ledger import Ledger
from aggregator.window import Windows
from alerting.engine import Engine
from monitor.anomaly import Anomalies
from monitor.api.board import Board
from monitor.api.models.instance import Reload
from monitor.api.present import Present
from monitor.api.strips import Strips
from monitor.budget.keeper import Keeper
from monitor.clock import Clock
from monitor.cluster.protocol import Cluster
from monitor.config.values import Config
from monitor.drift import DriftWatch
from monitor.elsewhere import Elsewhere
from monitor.health import Readiness
from monitor.kindness.gate import Kindness
from monitor.metrics import Metrics
from monitor.mutes import Mutes
from monitor.notes import Notes
from monitor.outside import Outside
from monitor.pipeline import Pipeline
from monitor.road import Road
from monitor.routing import Routing, labelling
from monitor.slo import Objectives
from monitor.status_pages.statements import Saying


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything the API looks at; used in the daemon's loop alone."""

    config: Config
    version: str
    started_at: float
    """When the process started, wall time."""
    clock: Clock
    ledger: Ledger
    metrics: Metrics
    windows: Windows
    elsewhere: Elsewhere
    """What other locations find."""
    engine: Engine
    pipeline: Pipeline
    kindness: Kindness
    budget: Keeper
    cluster: Cluster
    """The replicas that share the work."""
    objectives: Objectives
    anomalies: Anomalies
    drift: DriftWatch
    mutes: Mutes
    notes: Notes
    routing: Routing
    readiness: Callable[[], Readiness]
    sayings: Callable[[], Iterable[Saying]]
    """What providers' own pages say now."""
    reloaded: Callable[[], Reload | None]
    """How the newest attempt to take up a changed configuration ended; None: there was none."""
    present: Present
    """Targets as they are now."""
    strips: Strips
    """Targets as they were, for the overview."""
    board: Board
    """Alerts as they are now."""


Current = Callable[[], Sources]
"""Gives the sources of the life that runs now."""


def sources_of(
    road: Road,
    outside: Outside | None,
    ledger: Ledger,
    clock: Clock,
    started_at: float,
    reloaded: Callable[[], Reload | None] = lambda: None,
) -> Sources:
    """Return what the API reads of a life; `outside` None: nobody asks what pages say.

    `strips.run` is then to be run for as long as that life lasts.
    """
    board = Board(
        labelling(road.config.targets, road.config.location),
        road.engine,
        road.routing,
        road.mutes,
        road.notes,
        road.metrics,
        clock,
        ledger,
    )
    return Sources(
        config=road.config,
        version=road.version,
        started_at=started_at,
        clock=clock,
        ledger=ledger,
        metrics=road.metrics,
        windows=road.windows,
        elsewhere=road.lasting.elsewhere,
        engine=road.engine,
        pipeline=road.pipeline,
        kindness=road.kindness,
        budget=road.budget,
        cluster=road.cluster,
        objectives=road.objectives,
        anomalies=road.anomalies,
        drift=road.drift,
        mutes=road.mutes,
        notes=road.notes,
        routing=road.routing,
        readiness=road.readiness,
        sayings=tuple if outside is None else outside.sayings,
        reloaded=reloaded,
        present=Present(
            road.config, road.windows, road.lasting.elsewhere, road.pipeline, board, clock
        ),
        strips=Strips(road.config, ledger, clock),
        board=board,
    )
