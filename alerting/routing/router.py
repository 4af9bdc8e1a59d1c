"""Which message about which alerts is due: keeps groups, decides nothing by itself.

An alert that fires joins the groups its labels lead to. What the channel of a group was told, and
what there is to say, is all a group knows; `alerting.routing.group` says when it speaks. An alert
is told to be over wherever it was told to fire, however routes have changed and whoever silenced it
meanwhile; one that was over before it was told of says nothing.

The router is synchronous and reads no clock. What it holds goes into the ledger together with the
states, so that a restart neither repeats nor forgets a message.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from alerting.engine import Alert, Identity, Transition
from alerting.routing.group import LOUDEST_FIRST, Standing, Timing, Why, why_now
from alerting.routing.route import ALONE, GroupKey, Route, groups_for
from alerting.rule import Severity
from alerting.state import Edge, Firing

Labels = Mapping[str, str]


class Event(StrEnum):
    """What became of an alert on its way to people (a metric label)."""

    ROUTED = "routed"
    """It joined a group."""
    INHIBITED = "inhibited"
    """It joins none: another alert explains it."""
    RELEASED = "released"
    """Nothing explains it any more, and it still fires."""
    NO_ROUTE = "no_route"
    """No route leads anywhere: nobody will be told."""
    MUTED = "muted"
    """A silence or a maintenance keeps it quiet."""
    HEARD_AGAIN = "heard_again"
    """It was muted, and is not any more."""
    OVER_UNTOLD = "over_untold"
    """It was over before anybody was told."""
    TOLD = "told"
    """A message says that it fires."""
    TOLD_OVER = "told_over"
    """A message says that it is over."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided about one alert."""

    identity: Identity
    event: Event
    channel: str = ""
    """Empty: it is not about one channel."""
    detail: str = ""
    """For people: which group, which silence, why now."""


@dataclass(frozen=True, slots=True)
class Member:
    """One alert of a group. Times in seconds, on the states' clock."""

    joined_at: float
    told: bool = False
    """Whether the channel believes it to fire."""
    over: Transition | None = None
    """How it ended; None: it fires."""
    muted: str = ""
    """Why it is kept quiet; empty: it is not."""


@dataclass(slots=True)
class Group:
    """Alerts that one channel is told of together."""

    key: GroupKey
    timing: Timing
    members: dict[Identity, Member] = field(default_factory=dict)
    sent_at: float | None = None
    sent: int = 0
    """Messages that went out about it."""
    opened_at: float = 0.0
    """When its first alert joined."""
    seen: Standing | None = None
    """What there is to say if nothing is muted; None: it changed, look again."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one channel is to be told now."""

    channel: str
    labels: tuple[tuple[str, str], ...]
    """What the alerts share: the group's labels."""
    why: Why
    number: int
    """How many messages about this run of the group went before."""
    opened_at: float
    """When this run of the group began, with its first alert."""
    firing: tuple[Identity, ...]
    """All that fire and are not muted, the new ones too, the loudest first. If that is none: the
    muted ones that the channel was told of, or it took the group for over."""
    ended: tuple[Transition, ...]
    """Those that are over since the message before, the loudest first."""
    repeat_s: float = 0.0
    """How long nothing was said, when it says nothing new; else 0."""


Mute = Callable[[Labels], str]
"""Says why an alert with these labels is kept quiet; empty: it is not."""


class Router:
    """The groups of all channels."""

    def __init__(
        self, routes: Sequence[Route], labels_of: Callable[[Alert | Transition], Labels]
    ) -> None:
        """`labels_of` gives what routes and silences see of an alert."""
        self._routes = tuple(routes)
        self._labels_of = labels_of
        self.groups: dict[GroupKey, Group] = {}
        self.changed = False
        """Whether `snapshot` would differ from the last one."""
        self._homes: dict[Identity, set[GroupKey]] = {}
        self._labels: dict[Identity, Labels] = {}

    def take(self, transition: Transition, now: float) -> Iterator[Decision]:
        """Take in that an alert fired or is over; other edges are nobody's business here."""
        if transition.edge is Edge.FIRED:
            yield from self.join(transition, now)
        elif transition.fired_at is not None and not isinstance(transition.state, Firing):
            yield from self._end(transition)

    def join(self, alert: Alert | Transition, now: float) -> Iterator[Decision]:
        """Let an alert that fires into its groups; in those it is in already it fires again."""
        identity, labels = alert.identity, self._labels_of(alert)
        found = groups_for(labels, self._routes)
        if not found and identity not in self._homes:
            yield Decision(identity, Event.NO_ROUTE)
            return
        self._labels[identity] = labels
        homes = self._homes.setdefault(identity, set())
        for key in homes:
            self._change(key, identity, replace(self.groups[key].members[identity], over=None))
        served = {channel for channel, _ in homes}
        for key, timing in found.items():
            if key in self.groups:
                self.groups[key].timing = timing
            if key[0] not in served:  # else the channel knows it in another group, from before
                self.groups.setdefault(key, Group(key, timing, opened_at=now))
                homes.add(key)
                self._change(key, identity, Member(now))
                yield Decision(identity, Event.ROUTED, key[0], group_text(key))

    def _end(self, transition: Transition) -> Iterator[Decision]:
        identity = transition.identity
        for key in tuple(self._homes.get(identity, ())):
            group = self.groups[key]
            member = group.members[identity]
            if member.told:
                self._change(key, identity, replace(member, over=transition))
            else:
                self._leave(group, identity)
                yield Decision(identity, Event.OVER_UNTOLD, key[0], member.muted)

    def _change(self, key: GroupKey, identity: Identity, member: Member) -> None:
        group = self.groups[key]
        group.members[identity] = member
        group.seen = None
        self.changed = True

    def _leave(self, group: Group, identity: Identity) -> None:
        del group.members[identity]
        group.seen = None
        self.changed = True
        self._left(group, identity)

    def _left(self, group: Group, identity: Identity) -> None:
        homes = self._homes[identity]
        homes.discard(group.key)
        if not homes:
            del self._homes[identity]
            del self._labels[identity]
        if not group.members:
            self.groups.pop(group.key, None)

    def messages(self, now: float, mute: Mute) -> Iterator[Message | Decision | None]:
        """Yield the messages that are due, and what was decided on the way; None in between.

        What was yielded is done: a message counts as told from then on.
        """
        for group in tuple(self.groups.values()):
            if group.seen is None:
                group.seen = yield from _standing(group, muting=False)
            yield None
            # Muting takes away from what there is to say: if that is nothing, nobody need look.
            if why_now(group.seen, now, group.timing) is not None:
                yield from self._mute(group, mute)
                why = why_now((yield from _standing(group, muting=True)), now, group.timing)
                if why is not None:
                    yield from self._speak(group, why, now)

    def _mute(self, group: Group, mute: Mute) -> Iterator[Decision | None]:
        for identity, member in tuple(group.members.items()):
            why = mute(self._labels[identity])
            if why != member.muted:
                self._change(group.key, identity, replace(member, muted=why))
                event = Event.MUTED if why else Event.HEARD_AGAIN
                yield Decision(identity, event, group.key[0], why)
            yield None

    def _speak(self, group: Group, why: Why, now: float) -> Iterator[Message | Decision | None]:
        members: dict[Identity, Member] = {}
        firing, quiet, gone = _ByLoudness(), _ByLoudness(), _ByLoudness()
        decided: list[Decision] = []
        channel, detail = group.key[0], f"{why}: {group_text(group.key)}"
        for identity, member in group.members.items():
            if member.over is not None:
                gone.add(identity)
                decided.append(Decision(identity, Event.TOLD_OVER, channel, detail))
            elif member.told or not member.muted:
                (quiet if member.muted else firing).add(identity)
                members[identity] = member
                if not member.told:
                    members[identity] = replace(member, told=True)
                    decided.append(Decision(identity, Event.TOLD, channel, detail))
            else:
                members[identity] = member
            yield None
        over = (group.members[identity].over for identity in gone.all())
        ended = tuple(each for each in over if each is not None)
        # In one step with what is noted as told: who is interrupted here has lost no message.
        group.members, group.sent_at, group.seen = members, now, None
        group.sent += 1
        self.changed = True
        for identity in gone.all():
            self._left(group, identity)
        number, opened_at = group.sent - 1, group.opened_at
        said = tuple(firing.all() or quiet.all())
        silent_s = group.timing.repeat_s if why is Why.REPEAT else 0.0
        yield Message(*group.key, why, number, opened_at, said, ended, silent_s)
        yield from decided

    def snapshot(self) -> tuple[Group, ...]:
        """Return the groups as they are now, for others to write down while we go on."""
        self.changed = False
        return tuple(
            Group(
                each.key, each.timing, each.members.copy(), each.sent_at, each.sent, each.opened_at
            )
            for each in self.groups.values()
        )

    def restore(
        self, groups: Iterable[Group], firing: Iterable[Alert], channels: Iterable[str], now: float
    ) -> Iterator[Decision]:
        """Take over the groups of the process before; what fires and is in none joins now.

        Groups of channels that are gone are forgotten. An alert that is in a group and does not
        fire any more is over, and its transition will come. Where the clock was set back meanwhile,
        what is noted as later than `now` is taken to be now: else a group said nothing for a day.
        """
        known = set(channels)
        alerts = {alert.identity: alert for alert in firing}
        for group in groups:
            if group.key[0] in known:
                self.groups[group.key] = group
                group.timing = self._timing(group.key[0])
                if group.sent_at is not None:
                    group.sent_at = min(group.sent_at, now)
                for identity, member in group.members.items():
                    group.members[identity] = replace(member, joined_at=min(member.joined_at, now))
                    self._homes.setdefault(identity, set()).add(group.key)
                    self._labels[identity] = dict(identity.labels)
        for alert in alerts.values():
            yield from self.join(alert, now)

    def _timing(self, channel: str) -> Timing:
        routes = (route for route in self._routes if channel in route.channels)
        first = next(routes, None)
        if first is None:
            return Timing()
        return ALONE if channel in first.grouping else first.timing


def group_text(key: GroupKey) -> str:
    """Write a group's labels for people."""
    return ", ".join(f"{name}={value}" for name, value in key[1] if value) or "everything"


class _ByLoudness:
    """Alerts, the loudest first, else in the order in which they came."""

    def __init__(self) -> None:
        self._alerts: dict[Severity, list[Identity]] = {each: [] for each in LOUDEST_FIRST}

    def add(self, identity: Identity) -> None:
        self._alerts[identity.severity].append(identity)

    def all(self) -> list[Identity]:
        return [identity for alerts in self._alerts.values() for identity in alerts]


def _standing(group: Group, *, muting: bool) -> Generator[None, None, Standing]:
    """Sum a group up, step by step: it may have thousands of alerts."""
    told: list[Severity] = []
    new: list[tuple[Severity, float]] = []
    ended = muted = 0
    for identity, member in group.members.items():
        if member.over is not None:
            ended += 1
        elif member.told:
            told.append(identity.severity)
            muted += muting and bool(member.muted)
        elif not (muting and member.muted):
            new.append((identity.severity, member.joined_at))
        yield
    return Standing(group.sent_at, tuple(told), tuple(new), ended, muted)
