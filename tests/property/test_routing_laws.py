"""Whatever fires, ends, is muted and waits in whatever order: what a channel is told stays true."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from alerting.engine import Identity, Transition
from alerting.routing.group import LOUDNESS, Timing, Why
from alerting.routing.route import Route
from alerting.routing.router import Message, Router
from alerting.rule import Severity
from tests.unit.alerting.routing.routed import Desk, fired, identity, labels_of, over

TIMING = Timing()
ALERTS = tuple(
    identity(f"{severity.value}{number}", severity, target=f"{severity.value}{number}")
    for severity in Severity
    for number in range(2)
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("flip", "flip", "flip", "mute", "wait", "restart")),
        st.integers(0, len(ALERTS) - 1),
        st.sampled_from((5.0, 25.0, 60.0, 299.0, 301.0, 15_000.0)),
    ),
    max_size=40,
)


@dataclass
class Channel:
    """What somebody who reads every message believes."""

    fires: set[Identity] = field(default_factory=set)
    told_at: float | None = None
    louder: int = 0

    def read(self, message: Message, now: float) -> None:
        """Take in a message; it must be news, in order and at its time."""
        ended = {each.identity for each in message.ended}
        new = set(message.firing) - self.fires
        assert ended <= self.fires, "an end of what was never told"
        assert len(ended) == len(message.ended)
        assert not ended & set(message.firing)
        assert new or ended or message.why is Why.REPEAT, "a message that says nothing"
        loudest = max((LOUDNESS[each.severity] for each in self.fires - ended), default=0)
        is_louder = any(LOUDNESS[each.severity] > loudest for each in new)
        if self.told_at is not None and not is_louder:
            assert now - self.told_at >= TIMING.interval_s
        self.fires = (self.fires - ended) | new
        self.told_at = now if self.fires else None


class World:
    """A router, the alerts as they are, and the channel that is told."""

    def __init__(self) -> None:
        self.desk = Desk((Route(("team",)),))
        self.channel = Channel()
        self.firing: dict[Identity, Transition] = {}
        self.now = 0.0

    def flip(self, which: Identity) -> None:
        """Let an alert fire, or end if it does."""
        if which in self.firing:
            del self.firing[which]
            self.desk.take(over(which, self.now))
        else:
            self.firing[which] = fired(which, self.now)
            self.desk.take(self.firing[which])

    def mute(self, which: Identity) -> None:
        """Silence an alert, or end its silence."""
        target = dict(which.labels)["target"]
        if self.desk.quiet.pop(target, None) is None:
            self.desk.quiet[target] = "silence"

    def restart(self) -> None:
        """Put another router in the place of this one, with what it had written down."""
        saved = self.desk.router.snapshot()
        self.desk.router = Router((Route(("team",)),), labels_of)
        list(self.desk.router.restore(saved, (), ("team",), self.now))
        for each in self.firing.values():
            list(self.desk.router.join(each, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, looking every few seconds as the evaluator does, or once if it is long."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + (5.0 if seconds < 1_000 else seconds))
            self.look()

    def look(self) -> None:
        """Read what is due; a muted alert is never among what is new."""
        for message in self.desk.say(self.now):
            for each in set(message.firing) - self.channel.fires:
                assert dict(each.labels)["target"] not in self.desk.quiet
            self.channel.read(message, self.now)


@given(STEPS)
def test_a_channel_is_told_the_truth_in_order_and_in_time(
    steps: list[tuple[str, int, float]],
) -> None:
    """Ends follow beginnings, messages keep their distance, and all is told when it is quiet.

    Restarts change nothing of it.
    """
    world = World()
    for kind, number, seconds in steps:
        match kind:
            case "flip":
                world.flip(ALERTS[number])
            case "mute":
                world.mute(ALERTS[number])
            case "restart":
                world.restart()
            case _:
                world.wait(seconds)
        world.look()
    world.desk.quiet.clear()
    world.wait(301.0)
    world.wait(301.0)
    assert world.channel.fires == set(world.firing)
    for each in tuple(world.firing):
        world.flip(each)
    world.wait(301.0)
    assert world.channel.fires == set()
    assert world.desk.router.groups == {}
