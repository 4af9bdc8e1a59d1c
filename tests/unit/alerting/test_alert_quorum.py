"""Locations that must agree."""

import pytest

from alerting.quorum import Quorum, Vote, agreed, told


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ((True, True, None), True),
        ((True, True, False), True),
        ((True, False, None), None),
        ((True, False, False), False),
        ((True,), None),
        ((), None),
        ((False, False), False),
    ],
)
def test_enough_locations_decide(votes: tuple[bool | None, ...], expected: bool | None) -> None:
    """What those that do not know could still turn is unknown."""
    assert agreed(Quorum(2, 3), votes) is expected


@pytest.mark.parametrize(("needed", "of"), [(0, 3), (4, 3)])
def test_a_quorum_can_be_reached(needed: int, of: int) -> None:
    """None, or more than there are, is no quorum."""
    with pytest.raises(ValueError, match=f"{needed} of {of} locations"):
        Quorum(needed, of)
    assert str(Quorum(2, 3)) == "2 of 3"


def test_who_sees_it_is_told_in_words() -> None:
    """Those who see it first, with their values; who does not report is no one who disagrees."""
    votes = (
        Vote("fra1", True, "80 %"),
        Vote("iad1", True, "75 %"),
        Vote("sin1", False, "0.4 %"),
        Vote("gru1", None),
        Vote("ams1", None, reports=False),
    )
    expected = (
        "at fra1 (80 %) and iad1 (75 %), not at sin1 (0.4 %), unknown at gru1, no report from ams1"
    )
    assert told(votes) == expected
    assert told(votes[2:3]) == "not at sin1 (0.4 %)"
