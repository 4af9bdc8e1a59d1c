"""From the news of one evaluation to messages: what holds news back, groups, notes, wall times."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from alerting.alert import Alert, Identity, Transition
from alerting.match import labels_of
from alerting.notification import News, Notification
from alerting.render import fault_of, news_of
from alerting.routing.router import Decision, Event, Labels, Message, Router
from alerting.routing.telling import news_in, notification_of
from alerting.state import State
from monitor.clock import Clock
from monitor.inhibitor import Inhibitor
from monitor.metrics import Metrics
from probes.target import Target

log = structlog.get_logger("sonde.routing")

Notifications = tuple[tuple[str, Notification], ...]
"""By channel, in the order in which they go out."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes into a message beside the transition it tells of."""

    public_url: str | None = None
    notes_for: Callable[[Transition], Sequence[str]] = lambda _transition: ()
    """Says what else is known of an alert that fires or is over, a line each."""


Muting = Callable[[Labels, float], str]
"""Says why an alert with these labels is kept quiet at a wall time; empty: it is not."""


def heard(_labels: Labels, _now: float) -> str:
    """Keep nothing quiet."""
    return ""


class Routing:
    """Inhibitor and router, and what they decided since it was taken away."""

    def __init__(
        self,
        router: Router,
        inhibitor: Inhibitor,
        told_anew: Callable[[Identity, float], Transition | None],
        clock: Clock,
        metrics: Metrics,
        beside: Beside,
        muting: Muting,
    ) -> None:
        """`told_anew` makes the news of an alert that fires."""
        self.router = router
        self.inhibitor = inhibitor
        self._told_anew = told_anew
        self._clock = clock
        self._metrics = metrics
        self._beside = beside
        self._muting = muting
        self._news: list[Transition] = []
        """What the inhibitor has not decided about yet."""
        self._passed: deque[Transition] = deque()
        """News that is told and that the router has not taken in yet."""
        self._due: deque[Message] = deque()
        """Messages that nobody has put into words yet."""
        self._decided: list[Decision] = []
        self._notifications: list[tuple[str, Notification]] = []

    def deciding(
        self, news: Iterable[Transition], states: Mapping[Identity, State], now: float
    ) -> Iterator[None]:
        """Take in the news of one evaluation, step by step, and make the messages that are due.

        Left off in between, what was not reached is reached the next time.
        """
        self._news.extend(news)
        self._passed.extend((yield from self.inhibitor.deciding(self._news, states, now)))
        self._news = []
        for decision in self.inhibitor.taken():  # it has them in the log already
            self._metrics.routed(decision.channel, decision.event.value)
            self._decided.append(decision)
        while self._passed:
            transition = self._passed.popleft()
            self.note(self.router.take(transition, now))
            yield
        wall = self._clock.wall()
        for each in self.router.messages(now, lambda labels: self._muting(labels, wall)):
            if isinstance(each, Message):
                self._due.append(each)
            elif each is not None:
                self.note((each,))
            yield
        while self._due:
            yield from self._making(self._due[0], now)

    def note(self, decisions: Iterable[Decision]) -> None:
        """Log, count and keep what was decided."""
        for each in decisions:
            level = log.warning if each.event is Event.NO_ROUTE else log.info
            labels = dict(each.identity.labels)
            level(f"alert.{each.event}", channel=each.channel, detail=each.detail, labels=labels)
            self._metrics.routed(each.channel, each.event.value)
            self._decided.append(each)

    def taken(self) -> tuple[Notifications, tuple[Decision, ...]]:
        """Hand over the messages and decisions there are, and forget them."""
        taken = tuple(self._notifications), tuple(self._decided)
        self._notifications, self._decided = [], []
        return taken

    def _making(self, message: Message, now: float) -> Iterator[None]:
        """Make a message alert by alert: the notes of one take a while."""
        news: list[News | None] = []
        for each in news_in(message, partial(self._firing, now), self._over):
            news.append(each)
            yield
        self._due.popleft()
        notification = notification_of(message, news, self._beside.public_url)
        if notification is not None:
            self._notifications.append((message.channel, notification))

    def _firing(self, now: float, identity: Identity, adorned: bool) -> News | None:
        transition = self._told_anew(identity, now)
        if transition is None:
            return None
        notes = self._beside.notes_for(transition) if adorned else ()
        return self._on_the_wall(transition, notes)

    def _over(self, transition: Transition) -> News | None:
        return self._on_the_wall(transition, self._beside.notes_for(transition))

    def _on_the_wall(self, transition: Transition, notes: Sequence[str] = ()) -> News | None:
        """Return news with the times people's clocks show.

        Transitions are timed on the steady clock. Whole seconds only, so that both messages of an
        alert name the same beginning unless the clock was stepped between them.
        """
        news = news_of(transition, notes)
        if news is None:
            return None
        step_s = round(self._clock.wall() - self._clock.steady())
        ends_at = news.ends_at
        return replace(
            news,
            starts_at=news.starts_at + step_s,
            fired_at=news.fired_at + step_s,
            ends_at=None if ends_at is None else ends_at + step_s,
        )


def labelling(targets: Iterable[Target], location: str) -> Callable[[Alert | Transition], Labels]:
    """Make what says which labels routes and silences see of an alert.

    They are the alert's own, its fault and fingerprint, and what all targets it speaks of share.
    """
    of_target = {target.name: labels_of(target, location) for target in targets}

    def labels(alert: Alert | Transition) -> Labels:
        shared: dict[str, str] | None = None
        for name in alert.targets:
            found = of_target.get(name, {})
            if shared is None:
                shared = dict(found)
            else:
                shared = {key: value for key, value in shared.items() if found.get(key) == value}
        fault = "" if alert.rule is None else fault_of(alert.rule.when)
        own = {"fault": fault, "fingerprint": alert.fingerprint}
        if shared and alert.rule is not None and alert.rule.quorum is not None:
            del shared["location"]  # it is what several locations say together
        return (shared or {}) | own | dict(alert.labels)

    return labels
