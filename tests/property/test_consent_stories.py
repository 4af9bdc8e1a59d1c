"""Replicas that see the same a little apart, stand still, fail and die: people know how it is."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf
from random import Random
from typing import Final

import pytest

from alerting.alert import Identity, Transition
from alerting.consent import Word
from alerting.notification import Notification, Status
from alerting.render import news_of
from alerting.routing.group import Timing
from alerting.routing.route import Route
from alerting.routing.router import Message, Router
from alerting.routing.telling import notification_of
from alerting.rule import Severity
from alerting.state import Edge, Firing, Inactive
from tests.standins.consent import Book, MemoryConsent
from tests.unit.alerting.routing.routed import fired, identity, labels_of

START: Final = 1_000_000.0
STORY_S: Final = 600
DRAIN_S: Final = 200
EVALUATE_S: Final = 5
SPACE_S: Final = (12, 90)
"""Between two turns of an alert: every replica that does not stand still sees each of them."""
ALERTS: Final = tuple(identity(target=name) for name in "xyz")


@dataclass
class World:
    """What is the case, and what the channel was told."""

    now: float = START
    turns: dict[Identity, list[float]] = field(default_factory=dict)
    heard: list[Notification] = field(default_factory=list)
    survivors: set[tuple[Identity, int]] = field(default_factory=set)
    """Which run of which alert somebody saw who lives to the end."""

    def run(self, alert: Identity) -> int:
        """Return the number of an alert's newest run."""
        return (sum(at <= self.now for at in self.turns[alert]) + 1) // 2

    def fires(self, alert: Identity) -> bool:
        """Say whether an alert fires now."""
        return sum(at <= self.now for at in self.turns[alert]) % 2 == 1

    def believed(self) -> dict[str, Status]:
        """Return what the channel believes of each alert it heard of."""
        belief: dict[str, Status] = {}
        for message in self.heard:
            if message.status is Status.RESOLVED:  # the incident is closed
                belief = dict.fromkeys(belief, Status.RESOLVED)
            belief |= {each.fingerprint: each.status for each in message.alerts}
        return belief


@dataclass
class Replica:
    """One that evaluates, routes and tells."""

    world: World
    consent: MemoryConsent
    phase: int
    ahead_s: float
    interval_s: float
    away: list[tuple[float, float]] = field(default_factory=list)
    """From when to when it stands still; to the end: it was killed."""
    deaf: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the receiver refuses it."""
    queue: deque[Notification] = field(default_factory=deque)
    sending: Notification | None = None
    fired: dict[Identity, Transition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make its router."""
        timing = Timing(dict.fromkeys(Severity, 0.0), self.interval_s, 1e9)
        self.router = Router((Route(("team",), group_by=("provider",), timing=timing),), labels_of)

    def _is(self, spans: list[tuple[float, float]]) -> bool:
        return any(begin <= self.world.now < end for begin, end in spans)

    async def second(self) -> None:
        """Do what falls into one second."""
        if self._is(self.away):
            return
        if (int(self.world.now) + self.phase) % EVALUATE_S == 0:
            self._evaluate()
        if self.sending is not None:
            message, self.sending = self.sending, None
            told = not self._is(self.deaf)
            if told:
                self.world.heard.append(message)
                self.queue.popleft()
            await self.consent.settled("team", message, told=told)
        elif self.queue:
            leave = await self.consent.ask("team", self.queue[0])
            if leave.word is Word.TOLD:
                self.queue.popleft()
            elif leave.word is Word.GO:
                self.sending = leave.notification

    def _evaluate(self) -> None:
        now = self.world.now + self.ahead_s
        for alert in ALERTS:
            if self.world.fires(alert) and alert not in self.fired:
                if not any(end == inf for _, end in self.away):
                    self.world.survivors.add((alert, self.world.run(alert)))
                self.fired[alert] = fired(alert, now)
                list(self.router.take(self.fired[alert], now))
            elif alert in self.fired and not self.world.fires(alert):
                list(self.router.take(_over(self.fired.pop(alert), now), now))
        for each in self.router.messages(now, lambda _labels: ""):
            if isinstance(each, Message):
                self.queue.extend(self._worded(each))

    def _worded(self, message: Message) -> Iterator[Notification]:
        news = [news_of(self.fired[each]) for each in message.firing if each in self.fired]
        ended = [news_of(each) for each in message.ended]
        found = notification_of(message, [*news, *ended], None)
        if found is not None:
            yield found


def _over(was: Transition, now: float) -> Transition:
    previous = Firing(was.now, was.now)
    return replace(was, edge=Edge.RESOLVED, previous=previous, state=Inactive(), now=now)


def told(seed: int, *, faults: bool) -> World:
    """Draw a story, and return how it ended."""
    random = Random(seed)
    world = World()
    for alert in ALERTS:
        at, turns = START + random.uniform(0, 60), list[float]()
        while at < START + STORY_S:
            turns.append(at)
            at += random.uniform(*SPACE_S)
        world.turns[alert] = turns
    book = Book(lambda: world.now)
    interval_s = random.choice((0.0, 20.0))
    replicas = [_replica(name, world, book, random, interval_s) for name in "abc"]
    if faults:
        for each in replicas:
            each.away = [_span(random) for _ in range(random.randint(0, 2))]
            each.deaf = [_span(random) for _ in range(random.randint(0, 2))]
        replicas[-1].away.append((START + random.uniform(0, STORY_S), inf))
    _play(world, replicas, random)
    return world


def _replica(name: str, world: World, book: Book, random: Random, interval_s: float) -> Replica:
    ahead_s = random.uniform(-2, 2)
    consent = MemoryConsent(book, name, lambda: world.now + ahead_s)
    return Replica(world, consent, random.randrange(EVALUATE_S), ahead_s, interval_s)


def _span(random: Random) -> tuple[float, float]:
    begin = START + random.uniform(0, STORY_S)
    return begin, min(begin + random.uniform(1, 200), START + STORY_S)


def _play(world: World, replicas: list[Replica], random: Random) -> None:
    for _ in range(STORY_S + DRAIN_S):
        random.shuffle(replicas)
        for each in replicas:
            _step(each)
        world.now += 1.0


def _step(replica: Replica) -> None:
    """Run a coroutine that waits for nothing."""
    work = replica.second()
    with pytest.raises(StopIteration):
        work.send(None)


@pytest.mark.parametrize("seed", range(60))
def test_in_health_everything_is_told_and_nothing_twice(seed: int) -> None:
    """Three that evaluate at different moments, by clocks that are apart."""
    world = told(seed, faults=False)
    _people_know_how_it_is(world)
    belief: dict[str, Status] = {}
    for message in world.heard:
        news = [each for each in message.alerts if belief.get(each.fingerprint) != each.status]
        assert news, f"{message.id} says nothing new"
        belief |= {each.fingerprint: each.status for each in message.alerts}


@pytest.mark.parametrize("seed", range(150))
def test_whatever_happens_to_replicas_people_know_how_it_is(seed: int) -> None:
    """They stand still, are refused by the receiver, and one is killed for good.

    What nobody saw but the one that died, that one says when it is started again.
    """
    _people_know_how_it_is(told(seed, faults=True))


def _people_know_how_it_is(world: World) -> None:
    belief = world.believed()
    for alert in ALERTS:
        believed = belief.get(alert.fingerprint, Status.RESOLVED) is Status.FIRING
        orphan = (alert, world.run(alert)) not in world.survivors
        assert believed == world.fires(alert) or orphan, alert
