"""What Redis says is believed only if a replica can have written it."""

import json

import pytest

from monitor.cluster.drawn import (
    MOST_FIELDS,
    NOTHING,
    Mirror,
    Reply,
    Status,
    UnreadableError,
    Waits,
    read_reply,
)

DAY = "2026-06-01"
OPEN = f"run:x|1000|1000|{DAY}|open"
FIELDS = ["epoch", "run:x|1", "d|s|2026-06-01|p|q", "5", "s|s", OPEN, "other", "x"]
HEAD = ["granted", "5", "1", "2000", "run:x", ""]
WELL = [*HEAD, json.dumps(FIELDS)]


def reply(**changes: object) -> Reply:
    facts: dict[str, object] = {
        "status": Status.HEARD,
        "granted_nusd": 0,
        "replicas": 0,
        "now_ms": 2000,
        "epoch": "run:x",
        "absent": "",
        "counters": {},
        "sessions": {},
    }
    return Reply(**facts | changes)  # type: ignore[arg-type]  # each test names real fields


def test_a_reply_is_read_as_bytes_and_as_text() -> None:
    """Subjects may hold bars; fields nobody of ours wrote are passed over."""
    found = read_reply(WELL)
    assert found == read_reply([each.encode() for each in WELL])
    assert found.counters == {"d|s|2026-06-01|p|q": 5}
    assert found.sessions == {"s": OPEN}


def test_a_name_from_redis_forges_no_line() -> None:
    """Who is absent stands in the log."""
    assert read_reply([*HEAD[:5], "a\nb", WELL[6]]).absent == "a b"


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        (HEAD[:5], FIELDS),
        (HEAD, "fields"),
        (HEAD, {}),
        (HEAD, [*FIELDS, "odd"]),
        (HEAD, [1, 2]),
        (["unheard of", *HEAD[1:]], FIELDS),
        (["granted", "five", *HEAD[2:]], FIELDS),
        (["granted", "-5", *HEAD[2:]], FIELDS),
        ([*HEAD[:3], "-1", *HEAD[4:]], FIELDS),
        ([*HEAD[:3], "9" * 400, *HEAD[4:]], FIELDS),
        (HEAD, ["d|s|2026-06-01|p", "-1"]),
        (HEAD, ["d|s|2026-06-01|p", str(2**53 + 1)]),
        (HEAD, ["d|s|never|p", "1"]),
        (HEAD, ["d|s", "1"]),
        (HEAD, ["s|s", "run:x|1|1|2026-06-01|half"]),
        (HEAD, ["s|s", "open"]),
        (HEAD, ["x", "y"] * (MOST_FIELDS + 1)),
    ],
)
def test_what_no_replica_wrote_is_refused(head: list[str], fields: object) -> None:
    """Whole, and without a word of it in the message."""
    refuse([*head, json.dumps(fields)])


@pytest.mark.parametrize(
    "answer", [None, b"", [*HEAD, []], [*HEAD, "{"], [*HEAD, b"\xff"], [*HEAD, "[" * 100_000]]
)
def test_what_is_no_answer_of_the_script_is_refused(answer: object) -> None:
    """Of whatever type."""
    refuse(answer)


def refuse(answer: object) -> None:
    with pytest.raises(UnreadableError, match=r"^Redis' budget hash is unreadable: \w+$"):
        read_reply(answer)


def test_what_redis_has_less_of_is_said_next() -> None:
    """And only that; of what it never heard, everything."""
    mirror = Mirror()
    mirror.add("d", "s", DAY, "p", 7)
    mirror.add("d", "t", DAY, "p", 3)
    said = mirror.speech("s", DAY, "", "f", Waits(), NOTHING)
    assert said["counters"] == {f"d|s|{DAY}|p": 7, f"d|t|{DAY}|p": 3}
    mirror.hear(reply(counters={f"d|s|{DAY}|p": 5, f"d|t|{DAY}|p": 4}))
    said = mirror.speech("s", DAY, "", "f", Waits(), NOTHING)
    assert said["counters"] == {f"d|s|{DAY}|p": 7}
    assert mirror.drawn_nusd(DAY, "p") == 11
    assert mirror.by_subject("d", DAY) == {"p": 11}
    assert mirror.by_subject("o", DAY) == {}


def test_sessions_that_ended_are_vouched_for_when_redis_waits_for_them() -> None:
    """Not those of this epoch, nor those that may live; nor our own, which speaks for itself."""
    mirror = Mirror(own={"mine", "never told"})
    ended, silent = OPEN.replace("open", "ended"), OPEN
    mirror.hear(
        reply(
            now_ms=9_000,
            sessions={
                "gone": ended,
                "silent": silent,
                "lives": OPEN.replace("|1000|", "|8000|", 1),
                "mine": OPEN.replace("|1000|", "|8000|", 1),
                "me": silent,
            },
        )
    )
    assert mirror.over == {"gone", "silent", "me"}

    def vouched() -> object:
        return mirror.speech("me", DAY, "", "f", Waits(), NOTHING)["ended"]

    assert vouched() == {}
    older = {"silent": silent, "lives": OPEN, "me": silent}
    mirror.hear(reply(epoch="run2:y", now_ms=99_000, sessions=older))
    assert vouched() == {"gone": DAY, "silent": DAY, "mine": DAY}


def test_a_session_that_speaks_again_lives() -> None:
    """It came back before anybody vouched for it, in another epoch."""
    mirror = Mirror()
    mirror.hear(reply(now_ms=9_000, sessions={"s": OPEN}))
    assert mirror.over == {"s"}
    mirror.hear(reply(now_ms=2_000, sessions={"s": OPEN}))
    assert mirror.over == set()


def test_days_gone_by_are_let_go_of() -> None:
    """With their sessions."""
    mirror = Mirror(own={"s"})
    mirror.add("d", "s", DAY, "p", 7)
    mirror.hear(reply(sessions={"s": OPEN}, now_ms=9_000))
    mirror.forget(DAY)
    assert (len(mirror.counters), len(mirror.sessions)) == (1, 1)
    mirror.forget("2026-06-02")
    assert mirror == Mirror(there=mirror.there)
