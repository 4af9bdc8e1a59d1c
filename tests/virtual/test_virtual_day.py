"""The scheduler over a day of virtual time."""

import pytest

from tests.unit.monitor.test_monitor_scheduler import quick, run_for, target

pytestmark = pytest.mark.looptime


async def test_a_day_without_drift() -> None:
    """In 24 hours every slot runs exactly once, and the last is as punctual as the first."""
    record = await run_for(86_400, [target()], quick)
    numbers = [slot.number for _, slot, _ in record.started]
    assert numbers == list(range(numbers[0], numbers[0] + 1440))
    assert max(lateness for *_, lateness in record.started) < 0.01
    assert record.skipped == []
