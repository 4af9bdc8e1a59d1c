"""The lines beside a message: gathered from whoever knows one."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from alerting.condition import Condition, is_fact
from alerting.engine import Transition
from alerting.expression import parse
from alerting.rule import subjects
from monitor.notes import Notes, newest_failure
from probes.result import Fault, ProbeResult, Verdict
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


def failures(
    last: Mapping[str, ProbeResult], at: float = FIRED.now - 60
) -> dict[tuple[str, Fault], tuple[float, ProbeResult]]:
    """Return what the pipeline keeps of these results, each a second behind the one before."""
    kept = enumerate(each for each in last.values() if not each.ok)
    return {(each.target, each.fault): (at + second, each) for second, each in kept}


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
        ("provider.failing_share > 50%", "broken"),
        ("burn_rate(1h, 5m) > 14.4", "broken"),
    ],
)
def test_the_newest_failure_an_alert_is_about_is_told(when: str, whose: str | None) -> None:
    """What it was, whose fault, and what to do; another trouble of the same targets is not it."""
    condition = parse(when, "slo")
    over_s = 0.0 if is_fact(condition.metric) else 900.0
    subject = subjects(condition)[0]
    rule = replace(RULE, when=condition, over_s=over_s, subject=subject)
    fired = replace(of(*LAST, "unseen"), rule=rule)
    lines = newest_failure(failures(LAST))(fired)
    if whose is None:
        assert lines == ()
    else:
        found = LAST[whose]
        assert lines == (
            f"newest failure: {found.verdict}, fault {found.fault}: {whose}",
            f"mend {whose}",
        )


def test_of_several_comparisons_the_one_that_decided_is_asked() -> None:
    """A rule that begins with something else is about what fired it."""
    when = parse("rate > 1 and failures(account) >= 2")
    decided = parse("failures(account) >= 2")
    assert isinstance(decided, Condition)
    fired = replace(of(*LAST), rule=replace(RULE, when=when, over_s=900.0), compared=decided)
    assert newest_failure(failures(LAST))(fired)[0].startswith(
        "newest failure: auth, fault account"
    )


def test_a_failure_from_before_the_alert_is_not_told() -> None:
    """What its window cannot have held when it began, however it looks now, is an older trouble."""
    fired = replace(of(*LAST), rule=replace(RULE, when=parse("failures >= 1")))
    begun = fired.started_at - RULE.over_s
    assert newest_failure(failures(LAST, begun - 60))(fired) == ()
    assert newest_failure(failures(LAST, begun + 1))(fired) != ()


def test_only_an_alerts_own_targets_are_looked_at() -> None:
    """A failure without words is told by its verdict; a rule that is gone counts nothing."""
    silent = LAST | {"a": result(target="a", verdict=Verdict.EMPTY, fault=Fault.PROVIDER)}
    fired = replace(of("a"), rule=replace(RULE, when=parse("failures >= 1")))
    told = newest_failure(failures(silent))
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
