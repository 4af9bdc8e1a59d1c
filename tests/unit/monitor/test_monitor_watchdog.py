"""The numbers of the stuck-loop watchdog; that it bites is shown end to end."""

from monitor import watchdog
from monitor.watchdog import DUMP_S, REARM_EVERY_S, STUCK_AFTER_S


def test_a_stuck_loop_is_ended_within_thirty_seconds() -> None:
    """From a loop's last turn to the end of the process passes less than we promise."""
    assert STUCK_AFTER_S + REARM_EVERY_S + DUMP_S < 30


def test_the_timer_outlives_several_missed_rearmings() -> None:
    """A loop that is merely slow is not ended: it may come late to many of its beats."""
    assert STUCK_AFTER_S >= 5 * REARM_EVERY_S


def test_the_daemon_gets_these_numbers() -> None:
    """Who guards without saying otherwise guards by the promise."""
    assert watchdog.guard.__defaults__ == (STUCK_AFTER_S, REARM_EVERY_S)
