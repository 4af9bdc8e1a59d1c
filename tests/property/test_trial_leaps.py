"""Leaping from change to change finds what looking at every beat finds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.part import FAULTS, VERDICTS
from aggregator.window import Windows
from alerting.alert import Transition
from alerting.engine import Engine, Snapshot
from alerting.expression import parse
from alerting.match import Match
from alerting.rule import NoData, Rule, Subject
from alerting.series import series_of
from alerting.trial.beats import Beats
from alerting.trial.history import History, history
from alerting.trial.leap import transitions
from benchmarks.windows import result
from probes.result import Fault, Operation, Verdict
from probes.target import Target

CONDITIONS = (
    "consecutive_failures(provider, network) >= 3",
    "failures(provider) of last 5 >= 3",
    "failures >= 1",
    "failures(timeout, server_error) > 2",
    "failures == 2",
    "failures < 2",
    "error_rate(provider) > 20%",
    "error_rate >= 50%",
    "error_rate == 100%",
    "latency.p95 > 5s",
    "latency.p50 >= 5s",
    "latency.p90 < 2s",
    "latency.mean > 4s",
    "latency.max >= 9s",
    "latency.max < 2s",
    "latency.min > 4s",
    "latency.min <= 1s",
    "latency.std > 2s",
    "first_token.p50 > 1s",
    "coverage < 50%",
    "coverage <= 80%",
    "coverage == 100%",
    "no_data",
    "no_data == 0",
    "samples < 3",
    "rate < 1",
    "cost > 3 USD/h",
    "not failures >= 1",
    "latency.p50 > 2 * latency.p50 of {target: b}",
    "failures >= 2 and latency.max > 5s",
    "latency.max > 8s or (failures >= 2 and not samples > 4)",
    "egress.failing or failures >= 1",
    "egress.failing and failures >= 1",
)
EVERY_S = 5.0
UNTIL = 600.0
TARGETS = tuple(
    Target(name=name, provider="p", preset="openai", model="m", operation=Operation.CHAT, prompt="")
    for name in "ab"
)


@dataclass(frozen=True)
class Sample:
    """What became of one slot; a verdict of None: nothing did."""

    after_s: float
    verdict: Verdict | None
    latency_s: float
    first_token_s: float | None


samples = st.builds(
    Sample,
    st.sampled_from([0.0, 1.7, 5.0, 30.0, 60.0, 61.3]),
    st.sampled_from([Verdict.OK, Verdict.TIMEOUT, Verdict.SERVER_ERROR, Verdict.AUTH, None]),
    st.sampled_from([1.0, 3.0, 5.0, 9.0]),
    st.sampled_from([None, 0.5, 2.0]),
)
pasts = st.lists(samples, max_size=25)


def conditions() -> st.SearchStrategy[str]:
    return st.sampled_from(CONDITIONS)


rules = st.builds(
    Rule,
    name=st.just("R"),
    when=conditions().map(parse),
    over_s=st.sampled_from([60.0, 150.0, 300.0]),
    hold_s=st.sampled_from([0.0, 7.0, 60.0]),
    keep_firing_for_s=st.sampled_from([0.0, 12.0, 90.0]),
    min_samples=st.sampled_from([0, 2, 6]),
    min_failures=st.sampled_from([0, 2, 4]),
    subject=st.sampled_from([Subject.TARGET, Subject.PROVIDER]),
    clear=st.sampled_from([None, parse("samples >= 3 and failures < 1")]),
    no_data=st.sampled_from(NoData),
    match=st.sampled_from([Match(), Match((("target", ("a",)),))]),
)


def timed(past: Sequence[Sample]) -> list[tuple[float, Sample]]:
    at = 0.0
    found = []
    for each in past:
        at += each.after_s
        found.append((at, each))
    return found


FAULT_OF = {
    Verdict.OK: Fault.NONE,
    Verdict.TIMEOUT: Fault.PROVIDER,
    Verdict.SERVER_ERROR: Fault.PROVIDER,
    Verdict.AUTH: Fault.ACCOUNT,
}


def columns(past: Sequence[Sample]) -> History:
    had = [(at, each, each.verdict) for at, each in timed(past) if each.verdict is not None]
    measured = [verdict in (Verdict.OK, Verdict.TIMEOUT) for _, _, verdict in had]
    return history(
        np.array([at for at, _, _ in had], np.float64),
        (
            np.array([VERDICTS.index(verdict) for _, _, verdict in had], np.uint8),
            np.array([FAULTS.index(FAULT_OF[verdict]) for _, _, verdict in had], np.uint8),
            np.zeros(len(had), np.uint8),
        ),
        (
            np.array(
                [e.latency_s if m else np.nan for (_, e, _), m in zip(had, measured, strict=True)],
                np.float64,
            ),
            np.array(
                [
                    np.nan if e.first_token_s is None or v is not Verdict.OK else e.first_token_s
                    for _, e, v in had
                ],
                np.float64,
            ),
            None,
            None,
            np.full(len(had), 0.01),
        ),
        np.array([at for at, each in timed(past) if each.verdict is None], np.float64),
    )


def fed(windows: Windows, name: str, at: float, sample: Sample) -> None:
    if sample.verdict is None:
        windows.missed(name, at)
        return
    windows.ingest(
        replace(
            result(at),
            target=name,
            verdict=sample.verdict,
            fault=FAULT_OF[sample.verdict],
            total_s=sample.latency_s,
            first_token_s=sample.first_token_s,
            cost_usd=0.01,
        ),
        at,
    )


def on_every_beat(rule: Rule, pasts: Sequence[Sequence[Sample]]) -> list[Transition]:
    windows = Windows(longest_s=3_600.0)
    engine = Engine((rule,), TARGETS, location="here")
    waiting = sorted(
        ((at, place, each) for place, past in enumerate(pasts) for at, each in timed(past)),
        key=lambda item: item[0],
    )
    found: list[Transition] = []
    now = 0.0
    while now < UNTIL:
        while waiting and waiting[0][0] <= now:
            at, place, each = waiting.pop(0)
            fed(windows, TARGETS[place].name, at, each)
        summaries = {view: windows.summary(view.targets, view.over_s, now) for view in engine.views}
        found += engine.evaluate(Snapshot(now, summaries))
        now += EVERY_S
    return found


def by_identity(found: Sequence[Transition]) -> list[Transition]:
    return sorted(found, key=lambda each: (each.identity.labels, each.now))


@settings(max_examples=400, deadline=None)
@given(rule=rules, past=pasts, other=pasts)
def test_leaps_are_every_beat(rule: Rule, past: list[Sample], other: list[Sample]) -> None:
    """The same transitions with the same values, whatever the rule and whatever came."""
    compared(rule, past, other)


answers = st.lists(
    st.builds(
        Sample,
        st.sampled_from([5.0, 15.0]),
        st.just(Verdict.OK),
        st.sampled_from([1.0, 9.0]),
        st.none(),
    ),
    min_size=6,
    max_size=30,
)
percentiles = st.builds(
    Rule,
    name=st.just("R"),
    when=st.sampled_from(["latency.p50 > 5s", "latency.p95 >= 9s", "latency.p50 < 5s"]).map(parse),
    over_s=st.just(120.0),
    min_samples=st.sampled_from([0, 5, 6, 7]),
)


@settings(max_examples=300, deadline=None)
@given(rule=percentiles, past=answers)
def test_leaps_find_every_percentile(rule: Rule, past: list[Sample]) -> None:
    """Also where it takes exactly as many slow answers as there are."""
    compared(rule, past, [])


def compared(rule: Rule, past: Sequence[Sample], other: Sequence[Sample]) -> None:
    histories = {"a": columns(past), "b": columns(other)}
    beats = Beats(0.0, EVERY_S, UNTIL)
    leapt = [
        each
        for series in series_of(rule, TARGETS, "here")
        for each in transitions(series, histories, beats)
    ]
    assert by_identity(leapt) == by_identity(on_every_beat(rule, (past, other)))
