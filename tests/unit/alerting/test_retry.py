"""When an undelivered notification is tried again, and when it is given up."""

from itertools import pairwise

import pytest

from alerting.notification import DeliveryError
from alerting.retry import (
    DOUBTFUL_ATTEMPTS,
    FIRST_WAIT_S,
    GIVE_UP_AFTER_S,
    GIVE_UP_ATTEMPTS,
    LONGEST_BACKOFF_S,
    LONGEST_WAIT_S,
    Dead,
    Retry,
    backoff_s,
    decide,
)


def passing(retry_after_s: float | None = None, *, throttled: bool = False) -> DeliveryError:
    """Return an error that may pass."""
    return DeliveryError("busy", retryable=True, retry_after_s=retry_after_s, throttled=throttled)


def outcome(error: DeliveryError, *, attempt: int = 1, age_s: float = 0.0) -> Retry | Dead:
    """Decide for one notification."""
    return decide(error, notification_id="msg_1", attempt=attempt, age_s=age_s)


def test_waits_double_up_to_five_minutes() -> None:
    """1, 2, 4, … 300 s, each at most a quarter shorter."""
    full = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    for attempt, longest_s in enumerate(full, start=1):
        assert 0.75 * longest_s <= backoff_s("msg_1", attempt) <= longest_s


def test_a_huge_attempt_number_is_no_overflow() -> None:
    """A row that failed for years still waits five minutes."""
    assert backoff_s("msg_1", 10_000) <= LONGEST_BACKOFF_S


def test_jitter_depends_on_the_notification_and_is_repeatable() -> None:
    """Two notifications that failed together come back apart; the same one always alike."""
    waits = {backoff_s(f"msg_{n}", 8) for n in range(50)}
    assert len(waits) == 50
    assert backoff_s("msg_1", 8) == backoff_s("msg_1", 8)


def test_refusals_are_final() -> None:
    """What is not retryable is dead at once, with the receiver's reason."""
    refused = DeliveryError("no_service", retryable=False)
    assert outcome(refused) == Dead("no_service")


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(7.0, 7.0), (0.0, FIRST_WAIT_S), (3600.0, 3600.0), (1e9, LONGEST_WAIT_S)],
)
def test_retry_after_is_honoured_within_bounds(asked_s: float, wait_s: float) -> None:
    """The receiver's wish counts, but neither spins nor silences us for a day."""
    assert outcome(passing(asked_s)) == Retry(wait_s)


def test_throttling_holds_the_channel() -> None:
    """A rate limit is the channel's, with or without a time; any other failure is one row's."""
    assert outcome(passing(30.0, throttled=True)) == Retry(30.0, hold_channel=True)
    assert outcome(passing(throttled=True)) == Retry(backoff_s("msg_1", 1), hold_channel=True)
    assert outcome(passing()) == Retry(backoff_s("msg_1", 1), hold_channel=False)


def test_given_up_after_a_day_of_trying() -> None:
    """A day old and tried enough: dead, and the reason says both."""
    gone = outcome(passing(), attempt=300, age_s=GIVE_UP_AFTER_S)
    assert gone == Dead("given up after 300 attempts: busy")


def test_age_alone_kills_nothing() -> None:
    """A clock that jumps a day ahead does not make a fresh notification history."""
    first = outcome(passing(), attempt=GIVE_UP_ATTEMPTS - 1, age_s=10 * GIVE_UP_AFTER_S)
    assert isinstance(first, Retry)
    assert isinstance(outcome(passing(), attempt=300, age_s=GIVE_UP_AFTER_S - 1), Retry)


def test_a_days_retries_are_few() -> None:
    """The schedule spends a day in about three hundred attempts, none within the last's wait."""
    moments = [0.0]
    while moments[-1] < GIVE_UP_AFTER_S:
        moments.append(moments[-1] + backoff_s("msg_1", len(moments)))
    assert 280 < len(moments) < 400
    assert all(later > earlier for earlier, later in pairwise(moments))


def test_a_doubtful_refusal_is_tried_for_half_a_minute() -> None:
    """A 404 of an ingress in the middle of a rollout passes; one that stays is final."""
    doubtful = DeliveryError("the receiver answered 404", retryable=False, doubtful=True)
    fates = [decide(doubtful, notification_id="a", attempt=n, age_s=0.0) for n in range(1, 8)]
    waits = [fate.wait_s for fate in fates if isinstance(fate, Retry)]
    assert len(waits) == DOUBTFUL_ATTEMPTS - 1
    assert 20 < sum(waits) <= 31
    assert fates[DOUBTFUL_ATTEMPTS - 1] == Dead("the receiver answered 404")
