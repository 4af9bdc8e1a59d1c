"""A row of a file of results that says what every result must."""

from aggregator.transfer.columns import COLUMNS, Value

NOW = 1_000.0
GOOD: dict[str, Value] = {
    **{column.name: column.default for column in COLUMNS},
    "target": "chat",
    "provider": "p",
    "model": "m",
    "operation": "chat",
    "location": "here",
    "slot": 1,
    "slot_at": 0.0,
    "at": 999.0,
    "verdict": "ok",
    "fault": "none",
    "total_s": 1.0,
}
