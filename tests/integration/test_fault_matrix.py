"""Every fault, met in every way: one result, its verdict, in time, in bounded memory."""

from typing import Final

import pytest

from tests.faults.asked import Asked
from tests.faults.matrix import ROWS, Row
from tests.faults.run import meet
from tests.integration.probing import KEY

OVERRUN_S: Final = 0.5
"""The promise."""
PEAK_BYTES: Final = 16 * 1024 * 1024
"""Far more than any takes, far less than what a bomb or a flood would."""

MEETINGS: Final = [(row, asked) for row in ROWS for asked in row.asked]


@pytest.mark.parametrize(
    ("row", "asked"), MEETINGS, ids=[f"{row.name} ({asked})" for row, asked in MEETINGS]
)
async def test_fault(row: Row, asked: Asked) -> None:
    """Whatever a server does: the table says what comes of it."""
    met = await meet(row, asked)
    result = met.result

    assert (result.verdict, result.fault) == (row.verdict, row.fault), result.detail
    assert row.says in result.detail
    assert (result.status is None) == (result.first_byte_s is None), "a status is never made up"
    if row.name[:3].isdigit():
        assert result.status == int(row.name[:3])
    assert row.hint in (None, result.hint)
    assert met.requests == row.requests
    assert met.took_s <= met.deadline_s + OVERRUN_S
    assert met.tasks_left == 0
    assert met.peak_bytes < PEAK_BYTES
    assert KEY not in repr(result)
    assert "hunter2" not in repr(result)
