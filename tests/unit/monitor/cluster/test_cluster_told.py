"""What a channel believes over all replicas, and what is news to it."""

from dataclasses import replace

import pytest

from alerting.notification import Notification, Status
from alerting.routing.group import Why
from monitor.cluster.told import Log, Said, after, believed, decode, encode, fresh, news_in
from tests.unit.alerting.messages import FIRING, RESOLVED

NOW = FIRING.fired_at
X = replace(FIRING, fingerprint="x", thread="aa")
X_OVER = replace(RESOLVED, fingerprint="x", thread="aa", ends_at=NOW + 60)
Y = replace(FIRING, fingerprint="y", thread="aa")
TOLD = Log({"x": Said(True, NOW)}, ("aa",), NOW + 1)


def both(first: Notification, second: Notification) -> Notification:
    """Return one message of two."""
    return replace(first, others=(second.alerts[0],))


def seen(found: Notification | None) -> list[str]:
    """Return which alerts a message tells of."""
    return [] if found is None else [each.fingerprint for each in found.alerts]


def test_nothing_is_known_of_a_new_group() -> None:
    """Both a beginning and an end are news then: better told once too often."""
    assert news_in(Log(), X, 0.0, NOW) == X
    assert news_in(Log(), X_OVER, 0.0, NOW) == X_OVER


def test_what_is_known_is_no_news() -> None:
    """Neither that it fires, once it was told, nor that it is over."""
    assert news_in(TOLD, X, 0.0, NOW) is None
    assert news_in(after(TOLD, X_OVER, 0.0, NOW + 61), X_OVER, 0.0, NOW) is None


def test_the_clock_of_each_replica_is_evened_out() -> None:
    """An hour ahead, a beginning before the end is stale all the same."""
    over = Log({"x": Said(False, NOW + 60)}, (), NOW + 61)
    late = replace(X, fired_at=NOW + 3600)
    assert news_in(over, late, 3600.0, NOW) is None
    assert news_in(over, late, 0.0, NOW) == late


@pytest.mark.parametrize(("earlier_s", "stale"), [(4.9, False), (5.1, True)])
def test_what_may_be_newer_is_told(earlier_s: float, stale: bool) -> None:
    """Between replicas five seconds are no order."""
    over = Log({"x": Said(False, NOW)}, (), NOW)
    found = news_in(over, replace(X, fired_at=NOW - earlier_s), 0.0, NOW)
    assert (found is None) is stale
    fires = Log({"x": Said(True, NOW)}, ("bb",), NOW)
    found = news_in(fires, replace(X_OVER, ends_at=NOW - earlier_s), 0.0, NOW)
    assert (found is None) is stale


def test_a_time_that_is_still_to_come_makes_nothing_stale() -> None:
    """The clock of Redis was ahead when it was noted, and was set since: what happens is told."""
    ahead = Log({"x": Said(False, NOW + 3600), "y": Said(False, NOW)}, ("aa",), NOW + 3600)
    assert news_in(ahead, X, 0.0, NOW + 30) is None
    log = believed(ahead, NOW + 30)
    assert log == Log({"x": Said(False, 0.0), "y": Said(False, NOW)}, ("aa",), 0.0)
    assert news_in(log, X, 0.0, NOW + 30) == X
    again = replace(X, why=Why.REPEAT, repeat_s=100.0)
    assert news_in(log, again, 0.0, NOW + 30) == again
    assert believed(TOLD, NOW - 4.0) == TOLD


def test_stale_news_is_left_out_of_a_message() -> None:
    """What is told beside it is told without it."""
    over = Log({"x": Said(False, NOW + 60)}, (), NOW + 61)
    assert seen(news_in(over, both(X, Y), 0.0, NOW)) == ["y"]
    assert seen(news_in(over, both(Y, X), 0.0, NOW)) == ["y"]


def test_a_message_keeps_its_meaning() -> None:
    """If only ends of it are news, it goes out whole: alone they would say that all is over."""
    log = Log({"x": Said(False, NOW + 60), "y": Said(True, NOW)}, ("aa",), NOW + 61)
    mixed = both(X, replace(X_OVER, fingerprint="y"))
    assert news_in(log, mixed, 0.0, NOW) == mixed


def test_a_message_goes_on_in_the_thread_there_is() -> None:
    """That of another replica, if it began; its own, if that is open; and one without has none."""
    other = replace(both(X, Y), thread="bb")
    found = news_in(TOLD, other, 0.0, NOW)
    assert found is not None
    assert found.thread == "aa"
    two = replace(TOLD, threads=("aa", "bb"))
    found = news_in(two, other, 0.0, NOW)
    assert found is not None
    assert found.thread == "bb"
    found = news_in(TOLD, replace(both(X, Y), thread=""), 0.0, NOW)
    assert found is not None
    assert found.thread == ""


def test_whoever_began_a_thread_closes_it() -> None:
    """Also when another replica told the end in its own: two began while Redis was away."""
    log = Log({"x": Said(True, NOW)}, ("aa", "bb"), NOW)
    log = after(log, X_OVER, 0.0, NOW + 60)
    assert log.threads == ("bb",)
    second = news_in(log, replace(X_OVER, thread="bb"), 0.0, NOW + 61)
    assert second is not None
    assert second.thread == "bb"
    log = after(log, second, 0.0, NOW + 62)
    assert log.threads == ()
    assert news_in(log, replace(X_OVER, thread="bb"), 0.0, NOW + 63) is None


def test_the_end_of_all_is_the_end_of_what_one_replica_did_not_know() -> None:
    """The receiver took the incident for over: whatever fires of it is news again."""
    log = after(after(TOLD, both(X, Y), 0.0, NOW + 2), X_OVER, 0.0, NOW + 60)
    assert log.alerts["y"] == Said(firing=False, at=NOW, closed=True)
    for at in (NOW - 60, NOW, NOW + 60):
        anew = replace(Y, fired_at=at)
        assert news_in(log, anew, 0.0, NOW + 61) == anew
    over = replace(X_OVER, fingerprint="y", ends_at=NOW + 60)
    assert news_in(log, over, 0.0, NOW + 61) is None
    assert after(log, Y, 0.0, NOW + 62).alerts["y"] == Said(firing=True, at=NOW)


def test_a_word_that_is_told_holds() -> None:
    """One that went out though it may be older is believed from then on, as of its own time."""
    over = Log({"x": Said(False, NOW + 3)}, (), NOW + 4)
    log = after(over, X, 0.0, NOW + 5)
    assert log.alerts["x"] == Said(True, NOW)
    assert log.at == NOW + 5


def test_threads_are_few() -> None:
    """A ninth is told under, and not remembered."""
    log = Log(threads=tuple("12345678"))
    assert after(log, X, 0.0, NOW).threads == log.threads


def test_a_thread_is_written_down_once() -> None:
    """However many messages go out under it; one of an earlier version has none."""
    assert after(TOLD, both(X, Y), 0.0, NOW).threads == ("aa",)
    assert after(Log(), replace(X, thread=""), 0.0, NOW).threads == ()


def test_a_repeat_is_told_unless_somebody_spoke() -> None:
    """Of a group that was quiet for nearly as long as it must be."""
    again = replace(X, why=Why.REPEAT, repeat_s=100.0, thread="bb")
    assert news_in(TOLD, again, 0.0, NOW + 90) is None
    found = news_in(TOLD, again, 0.0, NOW + 92)
    assert found is not None
    assert found.thread == "aa"
    assert news_in(Log(), again, 0.0, NOW) == again


def test_a_repeat_of_what_was_told_to_be_over_is_news() -> None:
    """Replicas that never agreed do so after a repeat."""
    over = Log({"x": Said(False, NOW + 60)}, (), NOW + 61)
    again = replace(X, why=Why.REPEAT, repeat_s=100.0)
    assert news_in(over, again, 0.0, NOW + 200) == again


def test_what_is_written_is_read_again() -> None:
    """A log makes its way through texts."""
    said = {"x": Said(True, NOW), "y": Said(False, NOW + 0.5), "z": Said(False, NOW, closed=True)}
    log = Log(said, ("aa", "bb"), NOW + 1)
    texts = [encode(each) for each in log.alerts.values()]
    assert decode(log.alerts, texts, "aa bb", str(log.at)) == log


@pytest.mark.parametrize(
    "text", ["", "firing", "firing nan", "firing -1", "over 1e300", "rings 1", "firing 1 ", "é"]
)
def test_what_no_replica_writes_was_never_said(text: str) -> None:
    """Whatever stands in Redis: then the news is told."""
    assert decode(["x"], [text], "", "") == Log()


def test_strange_threads_and_times_are_nothing() -> None:
    """A thread is of our digits, and a time is a number."""
    log = decode([], [], "aa ../../x <!channel> " + "b" * 65 + " cc", "soon")
    assert log == Log({}, ("aa", "cc"))
    assert decode([], [], "", "inf").at == 0.0


def test_what_redis_lost_is_known_from_memory() -> None:
    """Whole, or in part: the newer word of each alert counts, and no thread is forgotten."""
    assert fresh(Log(), TOLD) == TOLD
    found = Log({"x": Said(False, NOW + 5), "y": Said(True, NOW)}, ("bb",), NOW)
    mine = Log({"x": Said(True, NOW), "y": Said(False, NOW + 5)}, ("aa",), NOW + 6)
    assert fresh(found, mine) == Log(
        {"x": Said(False, NOW + 5), "y": Said(False, NOW + 5)}, ("bb", "aa"), NOW + 6
    )


def test_what_redis_has_newer_counts() -> None:
    """Of alerts it was not asked for, memory goes on knowing."""
    found = Log({"x": Said(False, NOW + 5)}, (), NOW + 10)
    known = fresh(found, replace(TOLD, alerts={**TOLD.alerts, "y": Said(True, NOW)}))
    assert known == Log({"x": Said(False, NOW + 5), "y": Said(True, NOW)}, (), NOW + 10)


def test_an_end_without_a_time_is_of_its_beginning() -> None:
    """An earlier version may have written one."""
    log = after(Log(), replace(X_OVER, ends_at=None), 0.0, NOW)
    assert log.alerts["x"] == Said(False, NOW)
    assert X_OVER.status is Status.RESOLVED
