"""What people are told of replayed transitions, and when."""

from alerting.alert import Transition
from alerting.expression import parse
from alerting.rule import Rule, Subject
from alerting.series import Series, series_of
from alerting.state import Edge, Firing, Inactive, Pending, State
from alerting.trial.beats import Beats
from alerting.trial.telling import Told, told
from probes.result import Operation
from probes.target import Target

TARGET = Target(
    name="a", provider="p", preset="openai", model="m", operation=Operation.CHAT, prompt=""
)
BEATS = Beats(0.0, 5.0, 4_000.0)


def series(name: str, subject: Subject = Subject.TARGET) -> Series:
    rule = Rule(name=name, when=parse("failures >= 1"), over_s=60.0, subject=subject)
    (found,) = series_of(rule, (TARGET,), "here")
    return found


def change(of: Series, edge: Edge, state: State, now: float) -> Transition:
    previous, of.state = of.state, state
    return of.transition(edge, previous, now)


def times(news: list[Told]) -> list[tuple[float, str, str]]:
    return [(each.at, each.transition.alertname, str(each.transition.edge)) for each in news]


def test_firing_and_its_end_are_told() -> None:
    """A pending alert, and one that clears, are nobody's business."""
    slow = series("Slow")
    news = [
        change(slow, Edge.PENDING, Pending(5.0), 5.0),
        change(slow, Edge.FIRED, Firing(5.0, 65.0), 65.0),
        change(slow, Edge.CLEARING, Firing(5.0, 65.0, 80.0), 80.0),
        change(slow, Edge.RESOLVED, Inactive(), 140.0),
    ]
    assert times(list(told(news, BEATS, {}))) == [
        (65.0, "Slow", "fired"),
        (140.0, "Slow", "resolved"),
    ]


def test_what_lingers_is_told_at_the_beat_its_time_is_over() -> None:
    """Time alone lets it go, between transitions and behind the last one."""
    account, thin = series("Account", Subject.PROVIDER), series("LowThroughput")
    egress = series("MonitorEgress", Subject.LOCATION)
    news = [
        change(egress, Edge.FIRED, Firing(0.0, 0.0), 0.0),
        change(thin, Edge.FIRED, Firing(5.0, 5.0), 5.0),
        change(egress, Edge.RESOLVED, Inactive(), 102.0),
        change(account, Edge.FIRED, Firing(2_000.0, 2_000.0), 2_000.0),
    ]
    expected = [
        (0.0, "MonitorEgress", "fired"),
        (102.0, "MonitorEgress", "resolved"),
        (1_005.0, "LowThroughput", "fired"),
        (2_000.0, "Account", "fired"),
    ]
    assert times(list(told(news, BEATS, {}))) == expected
    assert times(list(told(news[:3], BEATS, {}))) == expected[:3]
    assert times(list(told(news[:3], Beats(0.0, 5.0, 900.0), {}))) == expected[:2]


def test_beats_are_counted_up_to_the_end() -> None:
    """A moment beyond the end has none; rounding makes no beat too late."""
    beats = Beats(10.0, 5.0, 21.0)
    assert beats.count == 3
    assert [beats.first_from(each) for each in (0.0, 10.0, 10.1, 15.0 + 1e-9, 20.5, 21.0)] == [
        0,
        0,
        1,
        1,
        3,
        3,
    ]
    assert Beats(10.0, 5.0, 10.0).count == 0
