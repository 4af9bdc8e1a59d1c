"""Bugs that were planted to see whether the simulation finds them; in no other place do they run.

Each is what somebody might write who means well, in one place of the shipped code.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from alerting import inhibition, lane, outbox, series
from alerting.engine import Engine, Identity
from alerting.notification import DeliveryError
from alerting.routing import router
from alerting.routing.group import Standing, Timing, Why, why_now
from alerting.state import Firing, Policy, State, step
from alerting.store import load_states
from monitor import announcer, restore
from monitor.clock import Clock
from monitor.mutes import Mutes
from monitor.pipeline import Pipeline

Patch = tuple[Any, str, object]  # Any: a module or a class, of which one name is replaced


def _resolve_overtakes_fire() -> Patch:
    loose = "FROM outbox AS row WHERE status = 'queued' AND channel = :channel"
    loose += " AND row.seq NOT IN (SELECT value FROM json_each(:settled))\n"
    return outbox, "_ELIGIBLE", "\n" + loose


def _told_not_stored() -> Patch:
    return announcer, "save_groups", lambda _connection, _groups: None


def _active_at_not_restored() -> Patch:
    load = load_states

    def firing_alone(connection: Any) -> Any:  # Any: as the function it stands for
        states, at = load(connection)
        return {each: s for each, s in states.items() if isinstance(s, Firing)}, at

    return restore, "load_states", firing_alone


def _hold_counts_downtime() -> Patch:
    whole = Engine.restore

    def at_once(
        self: Engine, states: Mapping[Identity, State], now: float, _saved_at: float | None
    ) -> object:
        return whole(self, states, now, now)

    return Engine, "restore", at_once


def _stall_counts_towards_hold() -> Patch:
    return Engine, "pass_over", lambda _self, _away_s: None


def _repeat_forgotten() -> Patch:
    def never(standing: Standing, now: float, timing: Timing) -> Why | None:
        why = why_now(standing, now, timing)
        return None if why is Why.REPEAT else why

    return router, "why_now", never


def _marked_before_sent() -> Patch:
    async def first_marked(self: lane.Lane, row: outbox.Row) -> None:
        await self._mark(row, None, "")
        await self._send(outbox.decode(row.payload), row.attempts + 1, 0.0)

    return lane.Lane, "_attempt_row", first_marked


def _interval_ignored() -> Patch:
    def hurried(standing: Standing, now: float, timing: Timing) -> Why | None:
        return why_now(standing, now, replace(timing, interval_s=0.0))

    return router, "why_now", hurried


def _wall_for_steady() -> Patch:
    return Clock, "steady", lambda self: self.wall()


def _lost_when_disk_refuses() -> Patch:
    return announcer.Announcer, "_offer", lambda _self, _notifications: None


def _never_released() -> Patch:
    return inhibition, "_later", lambda _identity, held, *_: held


def _unknown_is_false() -> Patch:
    def hasty(state: State, breached: bool | None, now: float, policy: Policy) -> object:
        return step(state, bool(breached), now, policy)

    return series, "step", hasty


def _silence_is_success() -> Patch:
    honest = lane.Lane._failure_of

    async def hopeful(self: lane.Lane, notification: Any) -> DeliveryError | None:  # Any: as there
        failure = await honest(self, notification)
        return None if failure is not None and "no answer within" in str(failure) else failure

    return lane.Lane, "_failure_of", hopeful


def _silences_unheeded() -> Patch:
    return Mutes, "why", lambda _self, _labels, _now=0.0: ""


def _results_not_committed() -> Patch:
    async def hopeful(_self: Pipeline, _result: object) -> bool:
        return True

    return Pipeline, "_commit", hopeful


MUTANTS: Final[Mapping[str, Callable[[], Patch]]] = {
    "resolve overtakes fire": _resolve_overtakes_fire,
    "told not stored with the states": _told_not_stored,
    "active-at not restored": _active_at_not_restored,
    "hold counts downtime": _hold_counts_downtime,
    "stall counts towards hold": _stall_counts_towards_hold,
    "repeat forgotten": _repeat_forgotten,
    "marked before sent": _marked_before_sent,
    "group interval ignored": _interval_ignored,
    "wall clock for the steady one": _wall_for_steady,
    "lost when the disk refuses": _lost_when_disk_refuses,
    "inhibition never released": _never_released,
    "unknown is false": _unknown_is_false,
    "no answer is success": _silence_is_success,
    "silences unheeded": _silences_unheeded,
    "results not committed": _results_not_committed,
}


PINNED: Final[Mapping[str, tuple[int, ...]]] = {
    "resolve overtakes fire": (932,),
    "told not stored with the states": (7,),
    "active-at not restored": (3,),
    "hold counts downtime": (29, 3, 7, 12, 41),
    "stall counts towards hold": (241, *range(40)),
    "repeat forgotten": (74, *range(30)),
    "marked before sent": (41,),
    "group interval ignored": (0,),
    "wall clock for the steady one": (27, 31, 134, 241),
    "lost when the disk refuses": (39, *range(20)),
    "inhibition never released": (118, *range(30)),
    "unknown is false": (7,),
    "no answer is success": (274, 279),
    "silences unheeded": (59, 96, 242),
    "results not committed": (0,),
}
"""Stories that find each, so that a test need not search: a few, for stories change."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have this bug in the shipped code for as long as the block runs."""
    where, attribute, bug = MUTANTS[name]()
    sound = getattr(where, attribute)
    setattr(where, attribute, bug)
    try:
        yield
    finally:
        setattr(where, attribute, sound)
