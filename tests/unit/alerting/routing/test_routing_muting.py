"""What is to be quiet at a moment, and in which words."""

from dataclasses import replace

from alerting.match import Match
from alerting.routing.maintenance import Maintenance, parse_every
from alerting.routing.muting import quiet_at
from alerting.routing.silence import Silence

MATCH = Match((("target", ("chat",)),))
NOW = 1_795_312_800.0  # 2026-11-22 02:00 UTC, a Sunday
SILENCE = Silence("ab12", MATCH, NOW - 60, NOW + 3600, "ann", "they told us")
WINDOW = Maintenance(MATCH, parse_every("Sun 02:00-04:00"), "UTC", "Sun 02:00-04:00 UTC")


def test_what_is_in_force_says_who_until_when_and_why() -> None:
    """Silences first, then maintenance, each with its alerts."""
    ack = replace(SILENCE, id="cd34", until_resolved=True, comment="on it")
    assert list(quiet_at((SILENCE, ack), (WINDOW,), NOW)) == [
        (MATCH, "silence ab12 of ann, until 2026-11-22 03:00 UTC: they told us"),
        (MATCH, "acknowledged by ann: on it"),
        (MATCH, "maintenance Sun 02:00-04:00 UTC, until 2026-11-22 04:00 UTC"),
    ]


def test_what_is_not_in_force_says_nothing() -> None:
    """Before its begin, from its end on."""
    assert list(quiet_at((SILENCE,), (WINDOW,), NOW - 61)) == []
    assert list(quiet_at((SILENCE,), (), NOW + 3600)) == []


def test_the_words_stay_the_same_for_as_long_as_it_lasts() -> None:
    """A change of words would count as another reason."""
    first = list(quiet_at((SILENCE,), (WINDOW,), NOW))
    assert list(quiet_at((SILENCE,), (WINDOW,), NOW + 1800)) == first
