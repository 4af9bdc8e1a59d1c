"""Locations that must agree."""

import pytest

from alerting.quorum import Quorum, agreed


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
    named = {str(number): vote for number, vote in enumerate(votes)}
    assert agreed(Quorum(2, 3), named) is expected


@pytest.mark.parametrize(("needed", "of"), [(0, 3), (4, 3)])
def test_a_quorum_can_be_reached(needed: int, of: int) -> None:
    """None, or more than there are, is no quorum."""
    with pytest.raises(ValueError, match=f"{needed} of {of} locations"):
        Quorum(needed, of)
    assert str(Quorum(2, 3)) == "2 of 3"
