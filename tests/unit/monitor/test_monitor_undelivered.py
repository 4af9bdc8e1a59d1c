"""Messages that were given up are somebody's business."""

from dataclasses import replace

import pytest

from alerting.deliver import Outcome
from alerting.expression import parse
from alerting.metric import Fact
from alerting.rule import Rule, Subject
from monitor.undelivered import REMEMBERED_S, Undelivered
from tests.unit.alerting.routing.routed import fired, identity

RULE = Rule(name="Undelivered", when=parse("channels.failing > 0"), subject=Subject.LOCATION)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_is_given_up_counts(outcome: Outcome) -> None:
    """A message that is tried again, or that a newer one stands for, is not lost."""
    lost = Undelivered(["team", "ops"])
    lost.note("team", outcome, 0.0)
    expected = float(outcome in (Outcome.DEAD, Outcome.DROPPED))
    assert list(lost.facts(1.0)) == [(Fact.CHANNELS_FAILING, "", expected)]


def test_a_loss_is_forgotten_after_an_hour() -> None:
    """The alert about it ends by itself when nothing more is lost."""
    lost = Undelivered(["team"])
    lost.note("team", Outcome.DEAD, 0.0)
    assert lost.failing(REMEMBERED_S - 1) == {"team": 1}
    assert lost.failing(REMEMBERED_S) == {}


def test_rows_of_channels_that_are_gone_are_nobodys_loss() -> None:
    """Their messages die at the first start without them, by somebody's will."""
    lost = Undelivered(["team"])
    lost.note("old", Outcome.DEAD, 0.0)
    assert lost.failing(1.0) == {}


def test_the_message_names_the_channels() -> None:
    """Of its own alert alone."""
    lost = Undelivered(["team", "ops"])
    for _ in range(2):
        lost.note("team", Outcome.DEAD, 5.0)
    lost.note("ops", Outcome.DROPPED, 5.0)
    told = replace(fired(identity("Undelivered"), 10.0), rule=RULE)
    why = "within the last hour; the log (notification.dead) says why"
    assert lost.notes(told) == (
        f"channel team gave up 2 messages {why}",
        f"channel ops gave up 1 message {why}",
    )
    other = Rule(name="Drift", when=parse("drift.events > 0"))
    assert lost.notes(replace(told, rule=other)) == lost.notes(replace(told, rule=None)) == ()
