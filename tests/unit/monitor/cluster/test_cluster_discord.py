"""What somebody should look at among replicas is said once, in words, and nothing else is."""

from dataclasses import replace

from monitor.cluster.discord import NAMED, discord
from monitor.cluster.protocol import Member

A = Member(
    name="a",
    location="fra1",
    version="1",
    config="x",
    started_at=0.0,
    seen_s=0.0,
    ahead_s=0.0,
    in_flight=0,
    load_ratio=0.0,
    claims=0,
    own=True,
)


def test_replicas_that_are_alike_are_no_news() -> None:
    """Nor is one alone; other locations may have other configurations."""
    b = replace(A, name="b", ahead_s=0.9)
    elsewhere = replace(A, name="c", location="iad1", config="y")
    assert list(discord([A, b, elsewhere], connected=True)) == []
    assert list(discord([], connected=True)) == []


def test_configurations_of_one_location_that_differ_are_named() -> None:
    """Both sides, so that one sees which replica missed a change; of many the first few."""
    others = [replace(A, name=f"b{number}", config="y") for number in range(NAMED + 2)]
    assert list(discord([A, *others], connected=True)) == [
        "replicas in fra1 run different configurations: a | b0, b1, b2, b3, b4 and 2 more"
    ]


def test_clocks_more_than_a_second_apart_are_named() -> None:
    """The two that are furthest apart."""
    members = [A, replace(A, name="b", ahead_s=-0.5), replace(A, name="c", ahead_s=2.6)]
    assert list(discord(members, connected=True)) == ["the clock of c is 3 s ahead of that of b"]


def test_versions_that_differ_are_named() -> None:
    """A rolling update is one of the reasons."""
    assert list(discord([A, replace(A, name="b", version="2")], connected=True)) == [
        "replicas run different versions: 1, 2"
    ]


def test_a_redis_that_is_away_is_said_first() -> None:
    """What is known of the others is from before."""
    assert list(discord([A], connected=False)) == [
        "Redis is not reached: this replica works as if it were alone"
    ]
