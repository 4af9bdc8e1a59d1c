"""Who is there, by what they said."""

import json
from dataclasses import replace

import pytest

from monitor.cluster.members import LINE_BYTES, MOST, digest, read
from monitor.cluster.protocol import Member
from monitor.config.values import Config
from tests.unit.aggregator.samples import embedding_target

SAID = {
    "location": "fra1",
    "version": "1.0",
    "config": "abcdef01",
    "started_at": 900.0,
    "ahead_s": 0.25,
    "in_flight": 3,
    "load_ratio": 0.5,
    "claims": 17,
}


def line(at: float = 999.0, **said: object) -> bytes:
    return f"{at:.6f} ".encode() + json.dumps({**SAID, **said}).encode()


def test_everybody_is_known_by_name() -> None:
    """In the order of names, with how long ago they spoke, and which is us."""
    found = read([b"b", line(), b"a", line(998.0)], 1_000.0, "a")
    assert found == [
        Member(
            name="a",
            location="fra1",
            version="1.0",
            config="abcdef01",
            started_at=900.0,
            seen_s=2.0,
            ahead_s=0.25,
            in_flight=3,
            load_ratio=0.5,
            claims=17,
            own=True,
        ),
        replace(found[0], name="b", seen_s=1.0, own=False),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"999",
        b"999 {}",
        b"999 [",
        b"999 5",
        b"999 " + b"[" * 1_000,
        b"soon " + line().partition(b" ")[2],
        b"inf " + line().partition(b" ")[2],
        line(location=5),
        line(location=""),
        line(version="x" * 300),
        line(claims=True),
        line(claims="many"),
        line(load_ratio=float("nan")),
        line(in_flight=float("inf")),
        line(more="x" * LINE_BYTES),
    ],
)
def test_a_line_that_cannot_be_believed_is_nobody(broken: bytes) -> None:
    """And hides nobody else."""
    assert [each.name for each in read([b"odd", broken, b"a", line()], 1_000.0, "a")] == ["a"]


def test_a_name_that_is_no_text_is_nobody() -> None:
    """Nor one without a letter, or without a line."""
    assert read([b"\xff", line(), b"", line(), b"a"], 1_000.0, "a") == []


def test_a_clock_of_redis_that_went_back_makes_nobody_younger_than_now() -> None:
    """After a failover to a server whose clock is behind."""
    (member,) = read([b"a", line(2_000.0)], 1_000.0, "a")
    assert member.seen_s == 0.0


def test_there_is_a_bound() -> None:
    """A hash that somebody filled costs no more than this."""
    found = [part for n in range(MOST + 5) for part in (b"r%d" % n, line())]
    assert len(read(found, 1_000.0, "a")) == MOST


def test_configurations_that_differ_show() -> None:
    """In what is probed or which rules there are; the order does not matter."""
    one, two = embedding_target(name="one"), embedding_target(name="two")
    config = Config(source="test", location="here", providers=(), rules=(), targets=(one, two))
    assert digest(config) == digest(replace(config, targets=(two, one)))
    assert digest(config) != digest(replace(config, targets=(one,)))
    assert digest(config) != digest(replace(config, targets=(one, replace(two, interval_s=7.0))))
