"""What people are told of transitions: the rest is held back because other news explains it."""

import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from alerting.alert import Identity, Transition
from alerting.inhibition import Explained, Held, Natures, deciding
from alerting.state import Edge, Firing, Inactive, State
from alerting.trial.beats import Beats

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news that people get."""

    at: float
    """When, seconds: that of the transition, or later where it was held back."""
    transition: Transition


class Teller:
    """Goes through transitions in the order of time, and remembers what is held back."""

    def __init__(self, natures: Natures) -> None:
        """`natures` says what the rules are about, by their names."""
        self._natures = natures
        self.states: dict[Identity, State] = {}
        """Every state that is not inactive."""
        self.held: Mapping[Identity, Held] = {}
        """What fires, and nobody was told."""
        self.failing: Mapping[str, frozenset[str]] | None = None
        """Of each provider the models that fail, as alerts say; None: nobody looked yet."""
        self._fired: dict[Identity, Transition] = {}

    def hear(self, news: Iterable[Transition], now: float) -> Iterator[Told]:
        """Take in the transitions of one evaluation; yield what people are told of at it."""
        gathered = tuple(news)
        for transition in gathered:
            if isinstance(transition.state, Inactive):
                self.states.pop(transition.identity, None)
            else:
                self.states[transition.identity] = transition.state
            if transition.edge is Edge.FIRED:
                self._fired[transition.identity] = transition
        explained = _done(Explained.gathering(self.states))
        decision = _done(deciding(gathered, self.held, self.states, now, self._natures, explained))
        self.held, self.failing = decision.held, explained.failing
        for transition in decision.told:
            if transition.edge is Edge.FIRED or _over(transition):
                yield Told(now, transition)
        for identity in decision.released:
            yield Told(now, replace(self._fired[identity], now=now))

    @property
    def lets_go_at(self) -> float:
        """When time alone lets something go that is held back, seconds; inf for never."""
        waits = (each.until for each in self.held.values() if each.until is not None)
        return min(waits, default=math.inf)


def told(transitions: Iterable[Transition], beats: Beats, natures: Natures) -> Iterator[Told]:
    """Yield what people are told of transitions, which are in the order of time."""
    teller = Teller(natures)
    for now, news in groupby(transitions, key=attrgetter("now")):
        yield from _let_go(teller, beats, now)
        yield from teller.hear(news, now)
    yield from _let_go(teller, beats, beats.end)


def _let_go(teller: Teller, beats: Beats, before: float) -> Iterator[Told]:
    beat = beats.first_from(teller.lets_go_at)
    while beat < beats.count and beats.at(beat) < before:
        yield from teller.hear((), beats.at(beat))
        beat = max(beat + 1, beats.first_from(teller.lets_go_at))


def _over(transition: Transition) -> bool:
    ended = isinstance(transition.state, Inactive)
    return ended and isinstance(transition.previous, Firing)


def _done(steps: Generator[None, None, T]) -> T:
    """Take all steps at once: nobody waits for the loop here."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
