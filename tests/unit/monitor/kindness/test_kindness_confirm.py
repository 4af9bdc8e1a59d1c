"""Which failures are confirmed, and when."""

from dataclasses import replace

import pytest

from monitor.kindness.confirm import fits, wait_s
from probes.result import Fault, Verdict
from probes.target import Confirm, Slot
from tests.unit.monitor.kindness.attempts import found, hung, refused, target, throttled

A = target("a")


def test_the_provider_and_the_network_are_asked_again_with_growing_waits() -> None:
    """1, 2, 4 s and on with 4, as many times as attempts are allowed."""
    patient = replace(A, confirm=Confirm(attempts=5))
    waits = [wait_s(patient, hung(A, attempt=number), 0.0) for number in range(1, 8)]
    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0, None, None]
    assert wait_s(A, found(A, Verdict.DNS_ERROR, Fault.NETWORK), 0.0) == 1.0


def test_none_may_be_allowed() -> None:
    """`attempts: 0` confirms nothing."""
    assert wait_s(replace(A, confirm=Confirm(attempts=0)), hung(A), 0.0) is None


def test_luck_lengthens_a_wait_by_half_at_most() -> None:
    """Targets that failed together do not come back together, and none comes sooner."""
    assert wait_s(A, hung(A), 0.5) == 1.25
    assert wait_s(A, hung(A), 1.0) == 1.5


def test_a_429_is_asked_about_when_it_said_and_not_before_throttled() -> None:
    """Practitioners find what it says too short: two minutes at least, whoever's fault it is."""
    assert wait_s(A, throttled(A), 0.0) == 120.0
    assert wait_s(A, throttled(A, retry_after_s=7.0), 0.0) == 120.0
    assert wait_s(A, throttled(A, retry_after_s=600.0), 0.0) == 600.0
    assert wait_s(A, replace(throttled(A), fault=Fault.ACCOUNT), 0.0) == 120.0


@pytest.mark.parametrize(
    "result",
    [
        refused(A),
        refused(A, Verdict.QUOTA),
        found(A, Verdict.MODEL_NOT_FOUND, Fault.REQUEST),
        found(A, Verdict.MONITOR_ERROR, Fault.MONITOR),
        found(A),
    ],
)
def test_what_stays_wrong_is_not_asked_again(result: object) -> None:
    """The account, the request and our own bugs are the same a second later."""
    assert wait_s(A, result, 0.0) is None  # type: ignore[arg-type] # a ProbeResult


def test_it_must_end_before_the_next_slot() -> None:
    """Deadline and all: at an interval of 60 s and a deadline of 30 s the first half is free."""
    slot = Slot(7, 1000.0)
    assert fits(A, slot, 1030.0)
    assert not fits(A, slot, 1030.1)
