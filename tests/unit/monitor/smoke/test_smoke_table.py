"""The lines that people read."""

from monitor.smoke.table import table
from monitor.waterfall import plain
from tests.unit.monitor.smoke.rounds import EMPTY, FINE, MIXED


def test_a_line_for_each_target_and_one_that_sums_up() -> None:
    """Verdict, name, latency; of a failure whose fault it is and why."""
    assert plain(table(MIXED)).splitlines() == [
        "✓ ok             good      1.00 s, first token 200 ms",
        '✗ server_error   bad       1.00 s, fault provider, HTTP 500: <script> & "quotes"',
        "✗ monitor_error  ours      1.00 s, fault monitor",
        "✗ skipped        left-out  no probe: budget",
        "",
        "1 of 4 ok, 2 failed, 1 skipped, 2.5 s, $0.750",
    ]


def test_what_did_not_happen_is_not_told() -> None:
    """No "0 failed", and no cost that nobody knows."""
    assert plain(table(FINE)).splitlines()[-1] == "1 of 1 ok, 2.5 s, $0.250"
    assert plain(table(EMPTY)).splitlines()[-1] == "0 of 0 ok, 0.0 s"
