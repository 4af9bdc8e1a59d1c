"""One trouble, one piece of news: what our own way out, a refused key and facts lead to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alerting.metric import Fact
from monitor.facts import Reading
from probes.result import Fault, Verdict
from probes.target import Target
from tests.virtual.road import Found, Recorder, Virtual, hang, shipped, subject

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000", "XAI_API_KEY": "xai-0000000000000000"}
BEGAN_S = 3600.0
"""After an hour every window is full of good answers."""
NOTICED_S = 10.0
"""How much later than the probes the check of our own way out finds it broken, or mended."""

News = list[tuple[str, str, str]]


def told(recorder: Recorder) -> News:
    """What people heard: name, whom it speaks of, firing or resolved."""
    return [(n.alertname, subject(n), n.status.value) for _, n in recorder.told]


def cut_off(until_s: float, fault: Fault = Fault.NETWORK) -> Callable[[Target, float], Found]:
    """Nothing leaves this machine for a while."""

    def script(_target: Target, at_s: float) -> Found:
        if BEGAN_S <= at_s < until_s:
            return Found(0.1, Verdict.CONNECT_ERROR, fault)
        return Found(0.6)

    return script


def watch_egress(virtual: Virtual, until_s: float) -> None:
    """Let the road know of our way out what its check would have found."""

    def facts(_now: float) -> list[Reading]:
        failing = BEGAN_S + NOTICED_S <= virtual.elapsed_s() < until_s + NOTICED_S
        return [(Fact.EGRESS_FAILING, "", float(failing))]

    virtual.road.facts.add(facts)


@pytest.mark.parametrize("fault", [Fault.NETWORK, Fault.MONITOR])
@pytest.mark.parametrize("lasts_s", [300.0, 1800.0])
async def test_our_own_outage_is_one_alert(tmp_path: Path, fault: Fault, lasts_s: float) -> None:
    """Every target fails, and people hear of our way out alone: that it is down, and up again."""
    config = shipped(tmp_path, KEYS)
    until_s = BEGAN_S + lasts_s
    virtual = Virtual(config, tmp_path, cut_off(until_s, fault))
    watch_egress(virtual, until_s)
    await virtual.run(until_s + 3600)
    location = config.location
    assert told(virtual.recorder) == [
        ("MonitorEgress", location, "firing"),
        ("MonitorEgress", location, "resolved"),
    ]
    (fired_s, _), (resolved_s, _) = virtual.recorder.told
    assert fired_s - BEGAN_S <= 60.0
    assert 0.0 <= resolved_s - until_s <= 300.0


async def test_a_short_cut_is_no_news(tmp_path: Path) -> None:
    """Half a minute without a way out fires nothing."""
    virtual = Virtual(shipped(tmp_path, KEYS), tmp_path, cut_off(BEGAN_S + 20))
    watch_egress(virtual, BEGAN_S + 20)
    await virtual.run(BEGAN_S + 3600)
    assert told(virtual.recorder) == []


async def test_what_outlasts_our_own_outage_is_told_after_it(tmp_path: Path) -> None:
    """A provider that goes down while we are cut off is told once we are back, and once."""
    config = shipped(tmp_path, {"OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]})
    until_s, healed_s = BEGAN_S + 600.0, BEGAN_S + 3600.0
    cut = cut_off(until_s)

    def script(target: Target, at_s: float) -> Found:
        return hang(target) if until_s <= at_s < healed_s else cut(target, at_s)

    virtual = Virtual(config, tmp_path, script)
    watch_egress(virtual, until_s)
    await virtual.run(healed_s + 3600)
    news = told(virtual.recorder)
    assert news[:2] == [
        ("MonitorEgress", config.location, "firing"),
        ("MonitorEgress", config.location, "resolved"),
    ]
    for target in config.targets:
        downs = [status for name, who, status in news if (name, who) == ("Down", target.name)]
        assert downs == ["firing", "resolved"]


async def test_a_restart_forgets_nothing_that_is_held_back(tmp_path: Path) -> None:
    """Killed while we are cut off, the next process tells the end of that and nothing else."""
    config = shipped(tmp_path, KEYS)
    until_s, killed_s = BEGAN_S + 1200.0, BEGAN_S + 600.0
    first = Virtual(config, tmp_path, cut_off(until_s))
    watch_egress(first, until_s)
    await first.run(killed_s, killed=True)
    assert told(first.recorder) == [("MonitorEgress", config.location, "firing")]
    second = Virtual(config, tmp_path, cut_off(until_s), after_s=killed_s + 20)
    watch_egress(second, until_s)
    await second.run(until_s + 3600 - killed_s)
    assert told(second.recorder) == [("MonitorEgress", config.location, "resolved")]


@pytest.mark.parametrize("verdict", [Verdict.AUTH, Verdict.QUOTA, Verdict.FORBIDDEN])
async def test_a_refused_key_is_one_alert(tmp_path: Path, verdict: Verdict) -> None:
    """Revoked, out of money or not allowed for two hours: Account for that key, and only that.

    With it goes what its probes know of the cause, and in the end how many failed.
    """
    healed_s = BEGAN_S + 7200.0

    def script(target: Target, at_s: float) -> Found:
        if target.provider == "openai" and BEGAN_S <= at_s < healed_s:
            return Found(0.2, verdict, Fault.ACCOUNT, "the key ends in a blank")
        return Found(0.6)

    virtual = Virtual(shipped(tmp_path, KEYS), tmp_path, script)
    await virtual.run(healed_s + 7200)
    assert told(virtual.recorder) == [
        ("Account", "openai", "firing"),
        ("Account", "openai", "resolved"),
    ]
    (_, fired), (_, resolved) = virtual.recorder.told
    assert "the key ends in a blank" in fired.notes
    assert "probes failed" in resolved.notes[0]


async def test_an_outage_beside_a_model_that_is_never_granted_is_told(tmp_path: Path) -> None:
    """Account fires for good because of one model: that the others go down is news all the same."""
    config = shipped(tmp_path, {"OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]})
    denied, *others = config.targets

    def script(target: Target, at_s: float) -> Found:
        if target.name == denied.name:
            return Found(0.2, Verdict.FORBIDDEN, Fault.ACCOUNT)
        return hang(target) if at_s >= BEGAN_S else Found(0.6)

    virtual = Virtual(config, tmp_path, script)
    await virtual.run(BEGAN_S + 600)
    fired = {(name, who): at for name, who, at in virtual.recorder.firing()}
    assert fired["Account", "openai"] < BEGAN_S
    for target in others:
        assert fired["Down", target.name] - BEGAN_S <= 230.0


@pytest.mark.parametrize(
    ("fact", "values", "expected"),
    [
        (Fact.BUDGET_USED, (0.5, 0.79, 0.85, 0.2), ["BudgetNear"]),
        (Fact.BUDGET_USED, (0.5, 0.85, 1.0, 0.99, 1.0, 0.1), ["BudgetNear", "Budget"]),
        (Fact.RETIREMENT_DAYS, (31.0, 29.5, 5.0, 400.0), ["Retirement"]),
        (Fact.DRIFT_EVENTS, (0.0, 1.0, 2.0, 0.0), ["Drift"]),
    ],
)
async def test_each_fact_is_told_once(
    tmp_path: Path, fact: Fact, values: tuple[float, ...], expected: list[str]
) -> None:
    """A value every five minutes: each default rule over it fires once, and resolves once."""
    config = shipped(tmp_path, {"OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]})
    who = config.targets[0].name if fact is not Fact.BUDGET_USED else "openai"
    virtual = Virtual(config, tmp_path, lambda _target, _at: Found(0.6))

    def facts(_now: float) -> list[Reading]:
        number = min(int(virtual.elapsed_s() // 300), len(values) - 1)
        return [(fact, who, values[number])]

    virtual.road.facts.add(facts)
    await virtual.run(300.0 * len(values) + 1200)
    news = told(virtual.recorder)
    assert [name for name, _, status in news if status == "firing"] == expected
    assert sorted(name for name, _, status in news if status == "resolved") == sorted(expected)
    assert {whom for _, whom, _ in news} == {who}
