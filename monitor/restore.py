"""What a restart finds in the ledger: windows as they were, holds as they stood."""

import sqlite3
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from aggregator.ledger import Ledger
from aggregator.results import had_at, replay
from aggregator.window import Windows
from alerting.alert import Alert, Identity, Phase
from alerting.engine import Engine, Transition
from alerting.routing.store import load_groups
from alerting.store import load_held, load_states
from monitor.elsewhere import Elsewhere
from monitor.routing import Routing
from probes.result import ProbeResult

STEPS: Final = 10_000
"""Of SQLite's machine between two looks at whether we are to stop: some milliseconds."""


async def replay_windows(
    ledger: Ledger,
    windows: Windows,
    longest_s: float,
    now: float,
    stopped: Callable[[], bool],
    *,
    apart: bool = False,
    elsewhere: Elsewhere | None = None,
    location: str = "",
) -> int:
    """Fold the ledger's newest results and skips into the windows; return how many there were.

    Rows are stamped with the wall time they were had at; now, at the start, that is steady time.
    `apart`: others want to read meanwhile. `elsewhere`: where rows of other locations than ours
    belong; None: whatever is there is ours, also if our location had another name.
    Ends early when `stopped`: a month of results takes longer than a stop may, and nobody will look
    at windows that are half filled.
    """

    def fold(connection: sqlite3.Connection) -> int:
        # In the reader's thread, row by row: nobody else looks at the windows before we are done.
        rows = 0
        connection.set_progress_handler(stopped, STEPS)
        try:
            for row in replay(connection, now - longest_s, now):
                at = min(now, had_at(row) if isinstance(row, ProbeResult) else row.at)
                if elsewhere is not None and row.location != location:
                    elsewhere.take(row, at)
                elif elsewhere is not None and windows.outdated(row.target, at):
                    continue  # heard of late, and not counted then either
                elif isinstance(row, ProbeResult):
                    windows.ingest(row, at)
                else:
                    windows.skipped(row.target, row.reason, at, row.failing)
                rows += 1
        except sqlite3.OperationalError:
            if not stopped():
                raise
        finally:
            connection.set_progress_handler(None, 0)
        return rows

    return await (ledger.read_apart(fold) if apart else ledger.read(fold, timeout_s=None))


async def restore_alerts(ledger: Ledger, engine: Engine, now: float) -> tuple[Transition, ...]:
    """Give the engine its states back; the time we were away counts towards no hold.

    Returns the transitions of alerts whose rule is gone.
    """
    states, saved_at = await ledger.read(load_states)
    return engine.restore(states, now, saved_at if saved_at is not None else now)


async def restore_routing(
    ledger: Ledger, engine: Engine, routing: Routing, channels: Collection[str], now: float
) -> None:
    """Give inhibitor and router what they knew; alerts that are in no group yet join one now."""
    routing.inhibitor.held = held = await ledger.read(load_held)
    groups = await ledger.read(partial(load_groups, rule_of=engine.rule_of))
    routing.note(routing.router.restore(groups, firing_of(engine, held), channels, now))


def firing_of(engine: Engine, held: Collection[Identity]) -> list[Alert]:
    """Return the alerts that fire and are not held back."""
    alerts = (each for each in engine.listing() if each.state is Phase.FIRING)
    return [each for each in alerts if each.identity not in held]
