"""How bad it is against what is usual, over the last hour, beside others, and at last."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.baseline import Learning, Usual
from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.rollup.table import ROLLUPS
from aggregator.unusual import Finding
from aggregator.window import Windows
from alerting.burn import Slo
from alerting.condition import sources
from alerting.engine import Transition
from alerting.expression import parse
from alerting.metric import Anomalous, Measure, Measured, Percentile
from alerting.rule import Rule
from alerting.state import Edge, Inactive
from monitor.clock import Clock
from monitor.comparisons import TARGETS_COUNTED, beside, budget_left, course, lost, usual
from monitor.slo import Objectives
from probes.result import Fault, Verdict
from tests.unit.aggregator.samples import embedding_target, result
from tests.unit.alerting.test_render import FIRED, NOW, RULE

P95 = Measured(Measure.LATENCY, Percentile(950))
HOUR = 3_600.0


def fired(when: str, *targets: str) -> Transition:
    """Return the news that a rule of this condition fires of these targets."""
    condition = parse(when)
    rule = Rule(name="R", when=condition, over_s=900.0 if sources(condition).windowed else 0.0)
    return replace(FIRED, rule=rule, targets=targets or ("gpt-chat",))


def over(lasted_s: float, *targets: str) -> Transition:
    """Return the news that an alert of these targets is over after a while."""
    return replace(
        fired("error_rate > 5%", *targets),
        edge=Edge.RESOLVED,
        state=Inactive(),
        started_at=NOW - lasted_s,
    )


def windows(latencies: Sequence[float], *, failed: int = 0, longest_s: float = HOUR) -> Windows:
    """Return windows of one target, a probe every five minutes, of which the newest failed."""
    made = Windows(longest_s)
    for back in range(len(latencies) - 1, -1, -1):
        said = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER} if back < failed else {}
        total_s = latencies[len(latencies) - 1 - back]
        made.ingest(result(target="gpt-chat", total_s=total_s, **said), NOW - 10 - 300 * back)
    return made


@pytest.mark.parametrize("when", ["latency.p95 > 5s", "latency.p95 is anomalous"])
def test_what_is_usual_is_told_where_a_baseline_knows_it(when: str) -> None:
    """Of the figure the alert is about, whether its rule asks for the figure or for the oddity."""
    finding = Finding(8.2, 86, Usual(2.4, 0.05), 4.5, True)
    (line,) = usual({(Anomalous(P95), "gpt-chat"): finding})(fired(when))
    assert line == f"latency.p95 {finding.explained('s')}"
    assert "usual for" in line


@pytest.mark.parametrize(
    ("when", "target", "finding"),
    [
        ("latency.p95 > 5s", "another", Finding(8.2, 86, Usual(2.4, 0.05), 4.5, True)),
        ("latency.p50 > 5s", "gpt-chat", Finding(8.2, 86, Usual(2.4, 0.05), 4.5, True)),
        ("latency.p95 > 5s", "gpt-chat", Finding(8.2, 86, Learning(30), 4.5, None)),
        ("error_rate > 5%", "gpt-chat", Finding(8.2, 86, Usual(2.4, 0.05), 4.5, True)),
    ],
)
def test_what_nobody_knows_is_not_told(when: str, target: str, finding: Finding) -> None:
    """Another target's, another figure's, one that is still learnt."""
    assert usual({(Anomalous(P95), target): finding})(fired(when)) == ()


def test_the_course_of_a_latency_is_a_row_of_bars() -> None:
    """The newest last, nothing where nothing was had, the greatest in figures."""
    made = windows([1.0, 1.0, 2.0, 8.0])
    (line,) = course(made, HOUR)(fired("latency.p95 > 5s"))
    assert line == "latency (mean) ········▂▂▃█ up to 8 s; last 1h, a bar for 5m"


def test_the_course_of_failures_is_their_part() -> None:
    """Those the rule counts, or all of them."""
    made = windows([1.0] * 4, failed=2)
    (line,) = course(made, 7_200.0)(fired("error_rate > 5%"))
    assert line == "failed ········▁▁██ up to 100 %; last 1h, a bar for 5m"
    assert course(made, HOUR)(fired("failures(provider) > 1")) == (line,)
    assert course(made, HOUR)(fired("failures(account) > 1")) == ()


@pytest.mark.parametrize(
    "news",
    [
        fired("latency.p95 > 5s", "gpt-chat", "another"),
        fired("latency.p95 > 5s", "unknown"),
        fired("coverage < 50%"),
        replace(FIRED, rule=None),
    ],
    ids=["several", "unknown", "no figure", "rule gone"],
)
def test_there_may_be_no_course(news: Transition) -> None:
    """Several targets have several; of nothing there is none."""
    assert course(windows([1.0, 2.0]), HOUR)(news) == ()


def test_others_tell_whether_it_is_one_model_or_all() -> None:
    """Other targets of the provider, and everybody else's; what we broke is nobody's failure."""
    bad = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}
    last = {
        "gpt-chat": result(target="gpt-chat", **bad),
        "b": result(target="b", **bad),
        "c": result(target="c"),
        "d": result(target="d", provider="mistral"),
        "e": result(
            target="e", provider="mistral", fault=Fault.MONITOR, verdict=Verdict.MONITOR_ERROR
        ),
    }
    told = beside(last)
    line = "newest probes: of openai's other targets 1 of 2 failed, elsewhere 0 of 1 failed"
    assert told(fired("error_rate > 5%")) == (line,)
    assert told(fired("budget.used > 80%")) == ()
    assert told(replace(FIRED, rule=RULE, identity=replace(FIRED.identity, labels=()))) == ()
    assert beside({})(fired("error_rate > 5%")) == ()


def test_what_was_lost_is_counted_while_it_lasted() -> None:
    """Of the alert's time alone; slots that have no result are told too."""
    made = windows([1.0] * 6, failed=3)
    told = lost(made, HOUR)
    assert told(over(15 * 60)) == ("3 of 3 probes failed meanwhile",)
    made.missed("gpt-chat", NOW)
    line = "3 of 6 probes failed meanwhile; slots without a result: 1"
    assert told(over(30 * 60)) == (line,)


def test_beyond_the_windows_it_says_how_far_back_it_counted() -> None:
    """A figure for an hour is not passed off as that of a day."""
    (line,) = lost(windows([1.0] * 6, failed=3), HOUR)(over(86_400.0))
    assert line == "3 of 6 probes failed in its last 1h"


@pytest.mark.parametrize(
    "news",
    [
        over(900.0, "unknown"),
        over(0.0),
        replace(over(900.0), targets=()),
        over(900.0, *map(str, range(TARGETS_COUNTED + 1))),
    ],
    ids=["no probes", "no time", "no targets", "too many"],
)
def test_nothing_may_be_lost(news: Transition) -> None:
    """No line rather than one of noughts."""
    assert lost(windows([1.0]), HOUR)(news) == ()


@pytest.fixture
async def objectives(tmp_path: Path) -> AsyncIterator[Objectives]:
    """An objective of 90 % over a target of which one in twenty answers was bad."""
    ledger = Ledger.open(tmp_path / "a.db", (RESULTS, ROLLUPS), inline=True)
    clock = Clock()
    now = clock.wall()
    rows = [
        result(
            target="a", slot=number, slot_at=now - number, at=now - number,
            fault=Fault.NONE if number else Fault.PROVIDER,
            verdict=Verdict.OK if number else Verdict.SERVER_ERROR,
        )
        for number in range(20)
    ]  # fmt: skip
    await ledger.write(lambda c: insert_results(c, rows))
    made = Objectives(
        (Slo("chat", 0.9),), (embedding_target(), embedding_target(name="b")), "here", ledger, clock
    )
    await made.remember()
    yield made
    await ledger.close(1.0)


async def test_what_is_left_of_a_budget_is_told(objectives: Objectives) -> None:
    """Of the alert's own target; where nothing is known, or no objective speaks, there is none."""
    told = budget_left(objectives)
    assert told(over(900.0, "a")) == ("50 % of its error budget is left (chat, 30d)",)
    assert told(over(900.0, "b")) == ()
    assert told(over(900.0, "a", "b")) == ()
    assert told(over(900.0, "nobody")) == ()
