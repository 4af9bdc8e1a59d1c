"""A hang outage under the shipped configuration, in virtual time."""

from dataclasses import replace
from pathlib import Path

import pytest

from alerting.detection import Detection, detection
from alerting.engine import matching
from monitor.config.values import Config
from probes.target import Target
from tests.virtual.road import Found, Virtual, hang, shipped

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000", "XAI_API_KEY": "xai-0000000000000000"}
OUTAGE_AT_S = 3600.0
"""After an hour every window is full of good answers, as the printed time assumes."""


def expected(config: Config) -> dict[tuple[str, str], Detection]:
    """What `sonde check` promises about a hang: rule and subject, and how long it may take."""
    promised: dict[tuple[str, str], Detection] = {}
    for rule in config.rules:
        for target in matching(rule, config.targets, config.location):
            found = detection(rule, target, evaluate_every_s=config.evaluate_every_s)
            if isinstance(found, Detection) and "hang" in found.outage:
                promised[rule.name, target.name] = found
    return promised


async def test_every_rule_that_should_fire_does_in_time(tmp_path: Path) -> None:
    """Each default rule that speaks of hangs fires for each of its targets, as printed.

    Whom each outage strikes people hear from the loudest and from ProviderDown.
    """
    config = shipped(tmp_path, KEYS)

    def script(target: Target, at_s: float) -> Found:
        return hang(target) if at_s >= OUTAGE_AT_S else Found(0.6)

    virtual = Virtual(config, tmp_path, script)
    await virtual.run(OUTAGE_AT_S + 1800)
    fired = {(name, who): at - OUTAGE_AT_S for name, who, at in virtual.fired}
    told = {(name, who): at - OUTAGE_AT_S for name, who, at in virtual.recorder.firing()}
    assert fired.pop(("ProviderDown", "openai")) <= told.pop(("ProviderDown", "openai"))
    assert told.keys() < fired.keys()
    assert {name for name, _ in told} <= {"Down", "CriticalLatency", "ErrorRate", "HighLatency"}
    promised = expected(config)
    assert set(fired) == set(promised)
    assert {name for name, _ in fired} == {
        "Down",
        "ErrorRate",
        "HighLatency",
        "CriticalLatency",
        "SlowMean",
    }
    intervals = {target.name: target.interval_s for target in config.targets}
    for key, after_s in fired.items():
        latest_s = promised[key].seconds
        # The phase decides how much of the first interval had passed; sending takes no time here.
        earliest_s = latest_s - intervals[key[1]] - config.evaluate_every_s - 10.0 - 1.0
        assert earliest_s <= after_s <= latest_s, (key, after_s, promised[key].formula)


@pytest.mark.parametrize(("interval_s", "promise_s"), [(60.0, 230.0), (30.0, 135.0)])
async def test_the_promise_about_hard_outages(
    tmp_path: Path, interval_s: float, promise_s: float
) -> None:
    """Down is told within 230 s with the shipped interval, within 135 s at 30 s."""
    config = shipped(tmp_path, {"OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]})
    targets = tuple(replace(target, interval_s=interval_s) for target in config.targets)

    def script(target: Target, at_s: float) -> Found:
        return hang(target) if at_s >= OUTAGE_AT_S else Found(0.6)

    virtual = Virtual(replace(config, targets=targets), tmp_path, script)
    await virtual.run(OUTAGE_AT_S + 600)
    down = {who: at - OUTAGE_AT_S for name, who, at in virtual.fired if name == "Down"}
    first = min(at for name, _, at in virtual.recorder.firing() if name == "Down")
    assert first - OUTAGE_AT_S == pytest.approx(min(down.values()), abs=1.0)
    assert set(down) == {target.name for target in targets}
    assert max(down.values()) <= promise_s - 10.0  # the send budget is not used up here


async def test_recovery_resolves_each_alert_once(tmp_path: Path) -> None:
    """What fired in a ten-minute hang resolves after it, each exactly once, fire before resolve."""
    config = shipped(tmp_path, {"OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]})

    def script(target: Target, at_s: float) -> Found:
        return hang(target) if OUTAGE_AT_S <= at_s < OUTAGE_AT_S + 600 else Found(0.6)

    virtual = Virtual(config, tmp_path, script)
    await virtual.run(OUTAGE_AT_S + 3600)
    by_alert: dict[str, list[str]] = {}
    for _, notification in virtual.recorder.told:
        by_alert.setdefault(notification.fingerprint, []).append(notification.status.value)
    assert by_alert
    assert set(map(tuple, by_alert.values())) == {("firing", "resolved")}
