"""The lines beside a message: gathered from whoever knows one."""

from dataclasses import replace

from structlog.testing import capture_logs

from alerting.engine import Transition
from monitor.notes import Notes, hints
from tests.unit.aggregator.samples import result
from tests.unit.alerting.test_render import FIRED


def of(*targets: str) -> Transition:
    """Return the news of an alert of these targets."""
    return replace(FIRED, targets=targets)


def broken(_transition: Transition) -> list[str]:
    """Raise."""
    raise RuntimeError("no page")


def test_lines_come_in_the_order_of_their_sources() -> None:
    """Everybody is asked."""
    notes = Notes()
    notes.add(lambda _: ["one", "two"])
    notes.add(lambda t: [t.alertname])
    assert list(notes.of(FIRED)) == ["one", "two", FIRED.alertname]


def test_a_source_that_breaks_costs_its_own_line() -> None:
    """The message goes out with what the others say; the log has the error."""
    notes = Notes()
    notes.add(broken)
    notes.add(lambda _: ["still here"])
    with capture_logs() as logs:
        assert list(notes.of(FIRED)) == ["still here"]
    assert [each["event"] for each in logs] == ["alert.note_failed"]


def test_the_newest_hint_of_the_targets_is_told() -> None:
    """Results without a hint, and other targets, say nothing."""
    base = result(target="a")
    last = {
        "a": replace(base, at=10.0, hint="older"),
        "b": replace(base, target="b", at=20.0, hint="newer"),
        "c": replace(base, target="c", at=30.0),
        "d": replace(base, target="d", at=40.0, hint="another target's"),
    }
    hint = hints(last)
    assert hint(of("a", "b", "c", "unseen")) == ("newer",)
    assert hint(of("c")) == ()
    assert hint(of("unseen")) == ()
