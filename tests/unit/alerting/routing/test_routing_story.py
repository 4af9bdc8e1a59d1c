"""An alert's story in words."""

import pytest

from alerting.inhibition import Reason
from alerting.notification import News, Status
from alerting.outbox import TOLD
from alerting.routing.router import Event
from alerting.routing.story import Entry, Line, Place, Sending, Standing, became, story_of
from alerting.rule import Severity
from tests.unit.alerting.routing.routed import identity

DOWN = identity()
GROUP = (("provider", "openai"), ("fault", ""))
WAITING = Place("team", GROUP, 100.0, told=False, muted="", over=False)


def news(status: Status = Status.FIRING) -> News:
    """Return what a message says of the alert."""
    return News(
        status=status,
        alertname="Down",
        severity=Severity.CRITICAL,
        labels=DOWN.labels,
        fingerprint=DOWN.fingerprint,
        condition="",
        value="3",
        summary="",
        starts_at=90.0,
        fired_at=100.0,
        ends_at=500.0 if status is Status.RESOLVED else None,
    )


def sending(status: str = "sent", about: Status = Status.FIRING, error: str = "") -> Sending:
    """Return a message to the team."""
    sent_at = 103.0 if status == "sent" else None
    return Sending("team", news(about), "first", status, 101.0, sent_at, 2, error)


def entry(event: str, detail: str = "", channel: str = "team", at: float = 100.0) -> Entry:
    """Return one thing that was decided."""
    return Entry(at, DOWN, event, channel, detail)


@pytest.mark.parametrize("event", list(Event))
def test_every_decision_has_words(event: Event) -> None:
    """Of whatever kind it is; no word of the code shows."""
    (line,) = story_of(DOWN, None, [entry(event, "because")], []).lines
    assert line.at == 100.0
    assert not line.text.startswith(f"{event}:")
    assert "{" not in line.text


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    """When it is held back, when it was over before, and while it is held."""
    held, over = story_of(
        DOWN,
        None,
        [entry(Event.INHIBITED, f"{reason}: Other", ""), entry(Event.OVER_UNTOLD, reason, "")],
        [],
    ).lines
    assert held.text.endswith("(Other)")
    assert all(f"{reason}:" not in line.text for line in (held, over))
    (now,) = became(Standing(DOWN, 90.0, 100.0, reason))
    assert now != f"held back: {reason}"


def test_a_decision_of_another_version_is_shown_as_it_is() -> None:
    """A ledger may know a word that we do not."""
    (line,) = story_of(DOWN, None, [entry("beamed", "far")], []).lines
    assert line.text == "beamed: team far"


def test_a_story_is_told_in_its_order() -> None:
    """From the condition over the message to the end, each thing once."""
    entries = [
        entry(Event.ROUTED, "provider=openai"),
        entry(Event.TOLD, "first: provider=openai"),
        entry(Event.TOLD_OVER, "all_resolved: provider=openai", at=505.0),
    ]
    told = story_of(DOWN, None, entries, [sending(), sending(about=Status.RESOLVED)])
    assert told.lines == (
        Line(90.0, "its condition became true"),
        Line(100.0, "fired; joined the group provider=openai of team"),
        Line(100.0, "a message to team says that it fires (first: provider=openai)"),
        Line(103.0, "team took the message that it fires, after 2 attempts"),
        Line(103.0, "team took the message that it is over, after 2 attempts"),
        Line(500.0, "over"),
        Line(505.0, "a message to team says that it is over (all_resolved: provider=openai)"),
    )
    assert told.now == ()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("dead", "team never took the message that it fires: given up after 2 attempts"),
        ("queued", "the message that it fires waits for team: 2 attempts so far"),
    ],
)
def test_what_a_channel_refused_is_said_in_its_words(status: str, text: str) -> None:
    """With the last error, if there was one."""
    lines = story_of(DOWN, None, [], [sending(status)]).lines
    assert lines[-1] == Line(101.0, text)
    lines = story_of(DOWN, None, [], [sending(status, error="HTTP 404")]).lines
    assert lines[-1] == Line(101.0, f"{text}, the last error: HTTP 404")


def test_an_alert_that_fires_says_where_it_stands() -> None:
    """Beside when its condition became true."""
    told = story_of(DOWN, Standing(DOWN, 90.0, 100.0, "", (WAITING,)), [], [])
    assert told.lines == (Line(90.0, "its condition became true"),)
    assert told.now == (
        "team: waits in the group provider=openai for its wait or interval to be over",
    )


@pytest.mark.parametrize(
    ("standing", "lines"),
    [
        (Standing(DOWN, 90.0, None), ["pending"]),
        (Standing(DOWN, 90.0, 100.0), ["in no group: no route leads to a channel"]),
        (
            Standing(
                DOWN,
                90.0,
                100.0,
                "",
                (
                    Place("a", (), 100.0, told=True, muted="", over=False),
                    Place("b", (), 100.0, told=True, muted="silence x", over=False),
                    Place("c", (), 100.0, told=False, muted="silence x", over=False),
                    Place("d", (), 100.0, told=False, muted="", over=False),
                    Place("e", (), 100.0, told=True, muted="", over=True),
                ),
            ),
            [
                "a: told",
                "b: told, kept quiet: silence x",
                "c: not told yet, kept quiet: silence x",
                "d: waits in the group everything",
                "e: the message that it is over waits",
            ],
        ),
    ],
)
def test_what_became_of_an_alert(standing: Standing, lines: list[str]) -> None:
    """A line for each channel, or the one reason why there is none."""
    found = list(became(standing))
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


@pytest.mark.parametrize("about", [Status.FIRING, Status.RESOLVED])
def test_what_another_replica_told_is_said(about: Status) -> None:
    """Nobody looks here for a message that went out elsewhere."""
    lines = story_of(DOWN, None, [], [sending(about=about, error=TOLD)]).lines
    words = "it fires" if about is Status.FIRING else "it is over"
    assert f"team was told that {words} by another replica" in [each.text for each in lines]
