"""The lines beside a message: gathered from whoever knows one."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from alerting.engine import Transition
from alerting.expression import parse
from alerting.metric import Fact
from monitor.notes import Notes, newest_failure
from probes.result import Fault, Verdict
from tests.unit.aggregator.samples import result
from tests.unit.alerting.test_render import FIRED, REMOVED, RESOLVED, RULE


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


LAST = {
    name: result(target=name, at=at, verdict=verdict, fault=fault, detail=name, hint=f"mend {name}")
    for at, (name, verdict, fault) in enumerate(
        (
            ("key", Verdict.AUTH, Fault.ACCOUNT),
            ("wrong", Verdict.INVALID_REQUEST, Fault.REQUEST),
            ("hangs", Verdict.TIMEOUT, Fault.PROVIDER),
            ("broken", Verdict.SERVER_ERROR, Fault.PROVIDER),
            ("ours", Verdict.MONITOR_ERROR, Fault.MONITOR),
            ("fine", Verdict.OK, Fault.NONE),
        )
    )
}


@pytest.mark.parametrize(
    ("when", "whose"),
    [
        ("error_rate > 5%", "broken"),
        ("error_rate(provider) > 5%", "broken"),
        ("failures(timeout) >= 3", "hangs"),
        ("failures(account) >= 2", "key"),
        ("failures(request) >= 2", "wrong"),
        ("failures(refused) >= 2", None),
        ("latency.p95 > 5s", "hangs"),
        ("coverage < 50%", "ours"),
        ("budget.used >= 100%", None),
    ],
)
def test_the_newest_failure_an_alert_is_about_is_told(when: str, whose: str | None) -> None:
    """What it was, whose fault, and what to do; another trouble of the same targets is not it."""
    condition = parse(when)
    over_s = 0.0 if isinstance(condition.metric, Fact) else 900.0
    fired = replace(of(*LAST, "unseen"), rule=replace(RULE, when=condition, over_s=over_s))
    lines = newest_failure(LAST)(fired)
    if whose is None:
        assert lines == ()
    else:
        found = LAST[whose]
        assert lines == (
            f"newest failure: {found.verdict}, fault {found.fault}: {whose}",
            f"mend {whose}",
        )


def test_only_an_alerts_own_targets_are_looked_at() -> None:
    """A failure without words is told by its verdict; a rule that is gone counts nothing."""
    silent = {"a": result(target="a", verdict=Verdict.EMPTY, fault=Fault.PROVIDER)} | LAST
    fired = replace(of("a"), rule=replace(RULE, when=parse("failures >= 1")))
    told = newest_failure(silent)
    assert told(fired) == ("newest failure: empty, fault provider", "")
    assert told(replace(fired, rule=None)) == ()


def test_what_is_over_has_sources_of_its_own() -> None:
    """The newest failure says nothing of an end, and what was lost nothing of a beginning."""
    notes = Notes()
    notes.add(lambda _: ["fires"])
    notes.add_of_end(lambda _: ["over"])
    assert list(notes.of(FIRED)) == ["fires"]
    assert list(notes.of(RESOLVED)) == ["over"]
    assert list(notes.of(REMOVED)) == ["over"]
