"""When a rule may be true: neither everywhere nor nowhere where the witnesses are known."""

import numpy as np
import pytest

from aggregator.part import FAULTS, VERDICTS
from alerting.expression import parse
from alerting.rule import NoData, Rule
from alerting.trial.history import History, history
from alerting.trial.witness import possible
from probes.result import Fault, Verdict

ALWAYS = [[-np.inf, np.inf]]


def past(failed: tuple[float, ...], missed: tuple[float, ...] = ()) -> History:
    """A result every ten seconds of ten minutes; some failed, and those took 9 s."""
    times = np.arange(0.0, 600.0, 10.0)
    bad = np.isin(times, failed)
    verdicts = np.where(bad, VERDICTS.index(Verdict.TIMEOUT), VERDICTS.index(Verdict.OK))
    faults = np.where(bad, FAULTS.index(Fault.PROVIDER), FAULTS.index(Fault.NONE))
    return history(
        times,
        (verdicts.astype(np.uint8), faults.astype(np.uint8), np.zeros(60, np.uint8)),
        (np.where(bad, 9.0, 1.0), None, None, None, None),
        np.array(missed),
    )


def spans(when: str, *histories: History, **said: int) -> list[list[float]]:
    rule = Rule(name="R", when=parse(when), over_s=60.0, **said)  # type: ignore[arg-type] # ints
    found: list[list[float]] = possible(rule, histories).tolist()
    return found


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("failures >= 2", [[110.0, 160.0]]),
        ("failures(timeout) > 1", [[110.0, 160.0]]),
        ("failures >= 1", [[100.0, 170.0], [400.0, 460.0]]),
        ("error_rate > 0%", [[100.0, 170.0], [400.0, 460.0]]),
        ("error_rate(network) > 10%", []),
        ("consecutive_failures >= 2", [[110.0, 120.0]]),
        ("failures of last 3 >= 2", [[110.0, 130.0]]),
        ("latency.max > 5s", [[100.0, 170.0], [400.0, 460.0]]),
        ("latency.p95 > 5s", [[110.0, 160.0]]),
        ("first_token.p50 > 1s", []),
        ("coverage < 90%", [[300.0, 360.0]]),
        ("no_data", [[300.0, 360.0]]),
        ("egress.failing and failures >= 1", []),
        ("failures >= 1 and coverage < 90%", []),
        ("failures >= 2 or no_data", [[110.0, 160.0], [300.0, 360.0]]),
        ("failures >= 1 and failures >= 2", [[110.0, 160.0]]),
        ("failures >= 2 and failures >= 1", [[110.0, 160.0]]),
    ],
)
def test_spans_are_where_the_witnesses_are(when: str, expected: list[list[float]]) -> None:
    """So many of them in one window, from the last of them until the first leaves it."""
    assert spans(when, past((100.0, 110.0, 400.0), (300.0,))) == expected


@pytest.mark.parametrize(
    "when",
    [
        "samples < 3",
        "failures < 3",
        "failures == 0",
        "latency.std > 1s",
        "latency.mean == 1s",
        "coverage > 50%",
        "coverage <= 100%",
        "no_data == 0",
        "not failures >= 1",
        "latency.p95 > 2 * latency.p50",
    ],
)
def test_what_has_no_witnesses_may_always_be(when: str) -> None:
    """There every change is looked at."""
    assert spans(when, past((100.0,))) == ALWAYS


def test_minimums_ask_for_more_witnesses() -> None:
    """A rate over so many samples takes so many failures; `min_failures` takes its own number."""
    failing = past((100.0, 110.0, 120.0, 400.0))
    assert spans("error_rate >= 50%", failing, min_samples=6) == [[120.0, 160.0]]
    assert spans("failures >= 1", failing, min_failures=3) == [[120.0, 160.0]]
    assert spans("latency.min > 5s", failing, min_samples=3) == [[120.0, 160.0]]
    assert spans("latency.max < 5s", failing, min_samples=61) == []


def test_an_alert_on_missing_data_may_come_of_a_missed_slot() -> None:
    """Whatever else the rule asks for."""
    rule = Rule(name="R", when=parse("failures > 9"), over_s=60.0, no_data=NoData.ALERT)
    assert possible(rule, [past((), (300.0,))]).tolist() == [[300.0, 360.0]]


def test_newest_results_of_several_at_one_moment_are_in_no_order() -> None:
    """Then every change is looked at; nothing known of nobody is never."""
    both = (past((100.0,)), past((100.0,)))
    assert spans("consecutive_failures >= 2", *both) == ALWAYS
    assert spans("consecutive_failures >= 2") == []
    assert spans("failures >= 1") == []
