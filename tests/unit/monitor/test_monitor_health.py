"""Readiness is judged from what happened, not from what was intended."""

from monitor.health import Readiness, readiness
from probes.result import Operation
from probes.target import Target

NOW = 1_000_000.0


def target(name: str, interval_s: float = 60.0) -> Target:
    return Target(
        name=name,
        provider="p",
        preset="compatible",
        model="m",
        operation=Operation.CHAT,
        prompt="hi",
        interval_s=interval_s,
    )


def judge(
    last: dict[str, float], error: str | None = None, started_s: float = NOW - 30
) -> Readiness:
    return readiness((target("a"), target("b")), last, error, NOW, started_s)


def failing(found: Readiness) -> list[str]:
    return [check.name for check in found.checks if not check.ok]


def test_not_ready_before_the_first_slot() -> None:
    """A process that has probed nothing yet has nothing to say."""
    assert failing(judge({})) == ["first_slot"]


def test_ready_when_slots_run_and_writes_commit() -> None:
    """Every target on time and a ledger that takes writes: ready."""
    assert judge({"a": NOW - 10, "b": NOW - 59}).ready


def test_one_target_that_stopped_makes_us_not_ready() -> None:
    """A target whose slots ceased is not hidden behind those that go on."""
    found = judge({"a": NOW - 10, "b": NOW - 200})
    assert failing(found) == ["slots"]
    assert "b (200 s ago)" in found.checks[-1].detail


def test_a_target_that_never_ran_is_stale_in_time() -> None:
    """Never having run is measured from the start, so it cannot hide either."""
    assert failing(judge({"a": NOW - 1}, started_s=NOW - 181)) == ["slots"]


def test_a_ledger_that_takes_no_writes_is_named() -> None:
    """Readiness says why, in the ledger's own words."""
    found = judge({"a": NOW, "b": NOW}, error="disk full")
    assert failing(found) == ["ledger"]
    assert "disk full" in {check.detail for check in found.checks}
