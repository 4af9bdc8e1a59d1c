"""Holds back news that other news explains; every suppression is logged and counted."""

from collections.abc import Callable, Collection, Generator, Mapping
from types import MappingProxyType

import structlog

from alerting.engine import Identity, Transition
from alerting.inhibition import Explained, Held, Natures, Suppression, deciding
from alerting.routing.router import Decision, Event
from alerting.state import State

log = structlog.get_logger("sonde.inhibitor")


class Inhibitor:
    """Remembers which alerts fire without anybody having been told."""

    def __init__(
        self,
        told_anew: Callable[[Identity, float], Transition | None],
        count: Callable[[str, str], None],
        natures: Natures = MappingProxyType({}),
    ) -> None:
        """`told_anew` makes the news of an alert that fires; `count` takes name and reason."""
        self._told_anew = told_anew
        self._count = count
        self._natures = natures
        self.held: Mapping[Identity, Held] = {}
        """Alerts that are held back, as of the newest `passing`."""
        self._explained: Explained | None = None
        """What explains others now; None: nobody looked yet."""
        self._decided: Explained | None = None
        """What explained those that are held; None: look again, as time alone may let one go."""
        self._decisions: list[Decision] = []

    def passing(
        self, news: Collection[Transition], states: Mapping[Identity, State], now: float
    ) -> tuple[Transition, ...]:
        """Return what people are told: of the news, and of what was held back until now."""
        steps = self.deciding(news, states, now)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                told: tuple[Transition, ...] = end.value
                return told

    def deciding(
        self, news: Collection[Transition], states: Mapping[Identity, State], now: float
    ) -> Generator[None, None, tuple[Transition, ...]]:
        """Do the same step by step: in an outage thousands are held, and each is looked at.

        Left off in between, nothing is decided: the same news has to be given again.
        """
        if not news and not self.held and self._explained is not None:
            return ()
        explained = yield from Explained.gathering(states)
        self._explained = explained
        if not news and self._decided == explained:
            return ()
        decision = yield from deciding(news, self.held, states, now, self._natures, explained)
        decided: list[Decision] = []
        for each in decision.suppressed:
            decided.append(self._suppress(each))
            yield
        released: list[Transition] = []
        for identity in decision.released:
            log.info("alert.released", labels=dict(identity.labels))
            decided.append(Decision(identity, Event.RELEASED))
            transition = self._told_anew(identity, now)
            if transition is not None:
                released.append(transition)
            yield
        self.held = decision.held
        lingers = any(each.until is not None for each in self.held.values())
        self._decided = None if lingers else explained
        self._decisions += decided
        return (*decision.told, *released)

    def _suppress(self, found: Suppression) -> Decision:
        transition, reason = found.transition, found.reason.value
        labels, edge = dict(transition.labels), transition.edge.value
        log.info("alert.inhibited", reason=reason, by=found.by, edge=edge, labels=labels)
        self._count(transition.alertname, reason)
        event = Event.INHIBITED if found.by else Event.OVER_UNTOLD
        detail = f"{reason}: {found.by}" if found.by else reason
        return Decision(transition.identity, event, "", detail)

    def explains(self, labels: Mapping[str, str]) -> str:
        """Say which alert explains one with these labels that nobody was told of yet; empty: none.

        For what had joined a group before the alert that explains it fired.
        """
        if self._explained is None:
            return ""
        cause = self._explained.cause_among(labels, self._natures)
        return "" if cause is None else f"held back, {cause.reason.value}: {cause.alertname}"

    @property
    def failing(self) -> Mapping[str, frozenset[str]] | None:
        """Of each provider the models that fail, as alerts say; None: nobody looked yet."""
        return None if self._explained is None else self._explained.failing

    def taken(self) -> tuple[Decision, ...]:
        """Hand over what was decided since the last time, and forget it."""
        taken, self._decisions = tuple(self._decisions), []
        return taken
