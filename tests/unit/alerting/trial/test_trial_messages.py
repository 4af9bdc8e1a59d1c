"""Messages of replayed news: when each goes out."""

from alerting.routing.group import Timing, Why
from alerting.routing.route import Route
from alerting.routing.router import Router
from alerting.state import Edge, Firing, Inactive
from alerting.trial.beats import Beats
from alerting.trial.messages import messages
from alerting.trial.telling import Told
from tests.unit.alerting.trial.test_trial_telling import change, series

BEATS = Beats(0.0, 5.0, 30_000.0)


def router(repeat_s: float = 14_400.0) -> Router:
    route = Route(("ops",), group_by=("provider",), timing=Timing(repeat_s=repeat_s))
    return Router((route,), lambda alert: dict(alert.labels))


def test_news_is_told_together_after_its_waits() -> None:
    """The first after the wait, what comes meanwhile after the interval, the end after another."""
    slow, thin = series("Slow"), series("Thin")
    news = [
        Told(100.0, change(slow, Edge.FIRED, Firing(100.0, 100.0), 100.0)),
        Told(150.0, change(thin, Edge.FIRED, Firing(150.0, 150.0), 150.0)),
        Told(500.0, change(slow, Edge.RESOLVED, Inactive(), 500.0)),
        Told(500.0, change(thin, Edge.RESOLVED, Inactive(), 500.0)),
    ]
    found = [(at, each.why, len(each.firing)) for at, each in messages(news, router(), BEATS)]
    assert found == [
        (130.0, Why.FIRST, 1),
        (430.0, Why.ADDED, 2),
        (730.0, Why.ALL_RESOLVED, 0),
    ]


def test_what_goes_on_is_repeated_until_the_end() -> None:
    """At the first beat at which the repeat is due, and not beyond the range."""
    slow = series("Slow")
    news = [Told(0.0, change(slow, Edge.FIRED, Firing(0.0, 0.0), 0.0))]
    found = [(at, each.why) for at, each in messages(news, router(10_001.0), BEATS)]
    assert found == [(30.0, Why.FIRST), (10_035.0, Why.REPEAT), (20_040.0, Why.REPEAT)]
    assert list(messages([], router(), BEATS)) == []
