"""When a group of alerts has something to say."""

from alerting.routing.group import Standing, Timing, Why, why_now
from alerting.rule import Severity

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
TIMING = Timing()


def standing(
    *new: tuple[Severity, float],
    sent_at: float | None = None,
    told: tuple[Severity, ...] = (),
    ended: int = 0,
    muted: int = 0,
) -> Standing:
    return Standing(sent_at, told, new, ended, muted)


def test_the_first_critical_alert_waits_for_nobody() -> None:
    """The default wait of critical alerts is nothing."""
    assert why_now(standing((CRITICAL, 100.0)), 100.0, TIMING) is Why.FIRST


def test_a_warning_waits_for_others_like_it() -> None:
    """Nothing is said before its wait is over, and at that very moment it is."""
    waiting = standing((WARNING, 100.0))
    assert why_now(waiting, 129.9, TIMING) is None
    assert why_now(waiting, 130.0, TIMING) is Why.FIRST


def test_the_wait_counts_from_the_alert_that_waited_longest() -> None:
    """A stream of further alerts does not put the first message off."""
    assert why_now(standing((WARNING, 129.0), (WARNING, 100.0)), 130.0, TIMING) is Why.FIRST


def test_further_alerts_wait_for_the_interval() -> None:
    """Between two messages about one group lies the interval, whatever joins."""
    further = standing((CRITICAL, 101.0), sent_at=100.0, told=(CRITICAL,))
    assert why_now(further, 399.9, TIMING) is None
    assert why_now(further, 400.0, TIMING) is Why.ADDED


def test_a_louder_alert_does_not_wait_for_the_interval() -> None:
    """A critical alert among known warnings is told at once."""
    louder = standing((CRITICAL, 101.0), sent_at=100.0, told=(WARNING, INFO))
    assert why_now(louder, 101.0, TIMING) is Why.ADDED


def test_a_louder_alert_still_waits_its_own_wait() -> None:
    """Warnings among known infos are gathered for as long as warnings always are."""
    louder = standing((WARNING, 101.0), sent_at=100.0, told=(INFO,))
    assert why_now(louder, 130.9, TIMING) is None
    assert why_now(louder, 131.0, TIMING) is Why.ADDED


def test_the_end_of_some_is_told_after_the_interval() -> None:
    """What goes on is told apart from a group that is over altogether."""
    some = standing(sent_at=100.0, told=(WARNING,), ended=1)
    assert why_now(some, 399.0, TIMING) is None
    assert why_now(some, 400.0, TIMING) is Why.SOME_RESOLVED


def test_the_end_of_all_is_told_after_the_interval() -> None:
    """A group whose last alert is over says so."""
    assert why_now(standing(sent_at=100.0, ended=2), 400.0, TIMING) is Why.ALL_RESOLVED


def test_a_message_with_a_new_alert_in_it_never_says_that_all_is_over() -> None:
    """The ends are due, and what still waits for others goes with them."""
    seen = standing((WARNING, 399.0), sent_at=100.0, ended=2)
    assert why_now(seen, 399.0, TIMING) is None
    assert why_now(seen, 400.0, TIMING) is Why.ADDED


def test_a_new_alert_after_the_end_is_a_first_one() -> None:
    """When nothing that is known fires, the next alert opens the group again."""
    seen = standing((CRITICAL, 110.0), sent_at=100.0, ended=1)
    assert why_now(seen, 110.0, TIMING) is Why.FIRST


def test_what_goes_on_is_repeated() -> None:
    """Four hours of silence about a firing alert are enough, by default."""
    known = standing(sent_at=0.0, told=(CRITICAL,))
    assert why_now(known, 14_399.0, TIMING) is None
    assert why_now(known, 14_400.0, TIMING) is Why.REPEAT


def test_what_was_silenced_since_is_not_repeated() -> None:
    """A group whose known alerts are all muted has nothing to repeat; one that is not does."""
    all_muted = standing(sent_at=0.0, told=(CRITICAL, WARNING), muted=2)
    one_heard = standing(sent_at=0.0, told=(CRITICAL, WARNING), muted=1)
    assert why_now(all_muted, 99_999.0, TIMING) is None
    assert why_now(one_heard, 99_999.0, TIMING) is Why.REPEAT


def test_an_empty_group_says_nothing() -> None:
    """Without alerts there is no message at any time."""
    assert why_now(standing(), 1e9, TIMING) is None
    assert why_now(standing(sent_at=0.0), 1e9, TIMING) is None
