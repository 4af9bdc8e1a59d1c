"""What other locations find: windows of their own, and when one does not report."""

from dataclasses import replace

from aggregator.results import SkippedSlot
from aggregator.window import OUT_OF_ORDER_S, Windows
from monitor.elsewhere import MOST, ON_THE_WAY_S, Elsewhere, patience_s
from probes.result import SkipReason
from probes.target import Slot
from tests.unit.aggregator.samples import result
from tests.unit.alerting.windows import CHAT, GROK


def heard(*at: float, longest_s: float = 600.0) -> Elsewhere:
    """Return what was heard of one target in Virginia, at these times."""
    made = Elsewhere(longest_s)
    for each in at:
        made.take(result(location="iad1", at=each), each)
    return made


def count(elsewhere: Elsewhere, now: float, over_s: float = 600.0) -> tuple[int, int]:
    """Return how many results and missed slots there are of Virginia."""
    summary = elsewhere.windows["iad1"].summary(("chat",), over_s, now)
    return summary.n, summary.missed


def test_every_location_has_windows_of_its_own() -> None:
    """Results and skipped slots are counted where they come from."""
    made = heard(10.0, 20.0)
    made.take(SkippedSlot("chat", "iad1", Slot(3, 30.0), SkipReason.LATE, 31.0), 31.0)
    made.take(result(location="sin1"), 40.0)
    made.missed("iad1", "chat", 45.0)
    assert count(made, 50.0) == (2, 2)
    assert made.windows.keys() == {"iad1", "sin1"}


def test_a_location_that_was_silent_does_not_report() -> None:
    """Whatever its windows still hold; one that was never heard of does not either."""
    made = heard(100.0, 90.0)
    assert made.reporting("iad1", 100.0) is made.windows["iad1"]
    assert made.reporting("iad1", 100.1) is None
    assert made.reporting("sin1", 0.0) is None


def test_what_is_heard_much_too_late_is_not_counted_as_now() -> None:
    """An outage of an hour ago, told by a replica that was cut off until now."""
    made = heard(4_000.0)
    assert not made.take(result(location="iad1", slot=2), 400.0)
    assert not made.take(SkippedSlot("chat", "iad1", Slot(3, 30.0), SkipReason.LATE, 31.0), 31.0)
    assert made.take(result(location="iad1", slot=4), 4_000.0 - OUT_OF_ORDER_S)
    assert made.take(result(location="iad1", target="other"), 400.0)
    assert count(made, 4_000.0) == (2, 0)
    assert made.reporting("iad1", 4_000.0) is not None


def test_patience_is_that_of_the_most_frequent_target() -> None:
    """Two of its slots and a deadline, and what news may take on the way."""
    assert patience_s((CHAT, GROK)) == 2 * 60.0 + 30.0 + ON_THE_WAY_S
    assert patience_s((replace(CHAT, interval_s=10.0, deadline_s=10.0), GROK)) == 30 + ON_THE_WAY_S
    assert patience_s(()) == ON_THE_WAY_S


def test_locations_are_bounded() -> None:
    """A name that is one too many is not counted: it may be anybody's invention."""
    made = Elsewhere(600.0)
    for number in range(MOST + 1):
        made.take(result(location=f"l{number}"), 1.0)
    made.missed("one more", "chat", 1.0)
    assert len(made.windows) == MOST
    assert made.reporting(f"l{MOST}", 0.0) is None


def test_targets_that_are_gone_are_forgotten() -> None:
    """In every location."""
    made = heard(10.0)
    made.keep_only({"other"})
    assert count(made, 20.0) == (0, 0)


def test_longer_windows_are_joined_in_one_step() -> None:
    """What was read from the ledger meanwhile goes before what was heard since."""
    made = heard(500.0, 560.0, longest_s=120.0)
    made.take(result(location="sin1"), 550.0)
    past = heard(100.0, 200.0, 500.0, longest_s=3_600.0)
    made.reach_back(past, 450.0)
    assert count(made, 600.0, 3_600.0) == (4, 0)
    assert made.windows["sin1"].longest_s == 3_600.0
    made.take(result(location="gru1"), 600.0)
    assert made.windows["gru1"].longest_s == 3_600.0
    assert isinstance(made.windows["gru1"], Windows)
