"""Holds back news that other news explains; every suppression is logged and counted."""

from collections.abc import Callable, Collection, Mapping

import structlog

from alerting.engine import Identity, Transition
from alerting.inhibition import Explained, Held, decide
from alerting.state import State

log = structlog.get_logger("sonde.inhibitor")


class Inhibitor:
    """Remembers which alerts fire without anybody having been told."""

    def __init__(
        self,
        told_anew: Callable[[Identity, float], Transition | None],
        count: Callable[[str, str], None],
    ) -> None:
        """`told_anew` makes the news of an alert that fires; `count` takes name and reason."""
        self._told_anew = told_anew
        self._count = count
        self.held: Mapping[Identity, Held] = {}
        """Alerts that are held back, as of the newest `passing`."""
        self._decided: Explained | None = None
        """What explained them then; None: it does not matter, as time alone may let one go."""

    def passing(
        self, news: Collection[Transition], states: Mapping[Identity, State], now: float
    ) -> tuple[Transition, ...]:
        """Return what people are told: of the news, and of what was held back until now."""
        if not news and (not self.held or self._waits_on(states)):
            return ()
        decision = decide(news, self.held, states, now)
        for each in decision.suppressed:
            name, edge, reason = each.transition.alertname, each.transition.edge, each.reason
            labels = dict(each.transition.labels)
            log.info("alert.inhibited", reason=reason.value, edge=edge.value, labels=labels)
            self._count(name, reason.value)
        self.held = decision.held
        lingers = any(each.until is not None for each in self.held.values())
        self._decided = None if lingers else Explained.of(states)
        released = []
        for identity in decision.released:
            log.info("alert.released", labels=dict(identity.labels))
            transition = self._told_anew(identity, now)
            if transition is not None:
                released.append(transition)
        return (*decision.told, *released)

    def _waits_on(self, states: Mapping[Identity, State]) -> bool:
        """Say whether everything that is held goes on being held: in an outage it is thousands."""
        return self._decided is not None and self._decided == Explained.of(states)
