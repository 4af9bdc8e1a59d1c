"""Alerts that fire and end, and a router that takes them."""

from collections.abc import Sequence
from dataclasses import replace

from alerting.engine import Alert, Identity, Transition
from alerting.routing.route import Route
from alerting.routing.router import Decision, Labels, Message, Router
from alerting.rule import Severity
from alerting.state import Edge, Firing, Inactive, Pending

EVERYBODY = Route(("team",))


def identity(rule: str = "Down", severity: Severity = Severity.CRITICAL, **labels: str) -> Identity:
    """Return an alert of `openai`'s target `chat`, unless told otherwise."""
    everything = {"provider": "openai", "target": "chat", **labels}
    everything |= {"alertname": rule, "severity": severity.value}
    return Identity(rule, tuple(sorted(everything.items())))


def fired(of: Identity, at: float = 0.0) -> Transition:
    """Return the news that an alert fires."""
    return Transition(
        identity=of,
        edge=Edge.FIRED,
        previous=Pending(at),
        state=Firing(at, at),
        value="3",
        lower_bound=False,
        started_at=at,
        fired_at=at,
        now=at,
        rule=None,
        targets=(),
    )


def over(of: Identity, at: float, edge: Edge = Edge.RESOLVED) -> Transition:
    """Return the news that an alert which fired at 0 is over."""
    return replace(
        fired(of), edge=edge, previous=Firing(0.0, 0.0), state=Inactive(), now=at, targets=()
    )


def labels_of(alert: Alert | Transition) -> Labels:
    """Give routes the alert's own labels."""
    return dict(alert.labels)


class Desk:
    """A router, and what became of the alerts it was given."""

    def __init__(self, routes: Sequence[Route] = (EVERYBODY,)) -> None:
        self.router = Router(routes, labels_of)
        self.quiet: dict[str, str] = {}
        """Names of targets that are muted, with the reason."""
        self.decided: list[Decision] = []

    def take(self, *news: Transition) -> None:
        """Let the router know."""
        for each in news:
            self.decided += self.router.take(each, each.now)

    def say(self, now: float) -> list[Message]:
        """Return the messages due at a moment."""
        found = list(
            self.router.messages(now, lambda labels: self.quiet.get(labels.get("target", ""), ""))
        )
        self.decided += [each for each in found if isinstance(each, Decision)]
        return [each for each in found if isinstance(each, Message)]

    def events(self) -> list[str]:
        """Return what was decided until now, and forget it."""
        decided, self.decided = self.decided, []
        return [each.event.value for each in decided]
