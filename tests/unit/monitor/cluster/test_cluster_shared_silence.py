"""A silence on its way between replicas: whole, or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.match import Match
from alerting.routing.silence import LONGEST_S, Silence
from monitor.cluster.shared_silence import decode, encode

MATCH = Match((("alertname", ("High*", "!HighLatency")), ("provider", ("openai",))))
SILENCE = Silence("3f9c21ab", MATCH, 1000.0, 4600.5, "ann", "they told us", until_resolved=True)


def altered(**fields: object) -> str:
    """Return the text of a silence with other fields."""
    ends, _, rest = encode(SILENCE).partition(" ")
    return f"{ends} {json.dumps(json.loads(rest) | fields)}"


def test_what_is_written_is_read_again() -> None:
    """Every field of it."""
    assert decode(SILENCE.id, encode(SILENCE)) == SILENCE


@given(st.text())
def test_what_is_no_silence_is_refused_and_breaks_nothing(text: str) -> None:
    """Whatever stands in Redis raises a ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        decode("3f9c21ab", f"4600.5 {text}")


@pytest.mark.parametrize("identity", ["", "3F9C", "x", "../3f", "3" * 33])
def test_a_name_that_is_none_of_ours_is_refused(identity: str) -> None:
    """Silences are named by hexadecimal digits."""
    with pytest.raises(ValueError, match="no silence of ours"):
        decode(identity, encode(SILENCE))


@pytest.mark.parametrize(
    "text",
    [
        altered(match=[]),
        altered(match=["provider=*"]),
        altered(match=[f"label{n}=x" for n in range(65)]),
        altered(match="provider=openai"),
        altered(match=["provider"]),
        altered(starts_at="soon"),
        altered(starts_at=None),
        altered(starts_at=float("nan")),
        altered(starts_at=5000.0),
        altered(starts_at=4600.5 - LONGEST_S - 2),
        altered(starts_at=10**400),
        altered(starts_at=-1.0),
        altered(author="x" * 20_000),
        "1e300 " + altered(starts_at=1e300).partition(" ")[2],
        "inf " + encode(SILENCE).partition(" ")[2],
        "4600.5 []",
        "4600.5 " + "[" * 10_000,
    ],
    ids=range(17),
)
def test_what_silences_everything_or_for_ever_is_refused(text: str) -> None:
    """Nobody who can write into Redis makes people hear of nothing."""
    with pytest.raises(ValueError, match=r"."):
        decode(SILENCE.id, text)


def test_what_people_wrote_is_one_line() -> None:
    """It goes to pages and messages: control characters are none of it."""
    read = decode(SILENCE.id, altered(comment="a\nb\x1b[31m", until_resolved="yes"))
    assert read.comment.isprintable()
    assert not read.until_resolved
