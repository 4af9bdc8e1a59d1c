"""Killed and started again, in virtual time: what a restart may and may not change."""

from pathlib import Path

import pytest

from monitor.config.values import Config
from probes.target import Target
from tests.virtual.road import Found, Recorder, Virtual, hang, shipped

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000"}
OUTAGE_AT_S = 1800.0
HOLD_S = 300.0
"""Of the shipped ErrorRate."""


def failing(target: Target, at_s: float) -> Found:
    return hang(target) if at_s >= OUTAGE_AT_S else Found(0.6)


def error_rates(recorder: Recorder) -> dict[str, list[tuple[str, float]]]:
    told: dict[str, list[tuple[str, float]]] = {}
    for at, notification in recorder.told:
        if notification.alertname == "ErrorRate":
            target = dict(notification.labels)["target"]
            told.setdefault(target, []).append((notification.status.value, at))
    return told


async def lives(config: Config, folder: Path, *spans: tuple[float, float]) -> list[Recorder]:
    """Run a process for each (begin, end) of the story; every one but the last is killed."""
    recorders = []
    for number, (begin, end) in enumerate(spans):
        virtual = Virtual(config, folder, failing, after_s=begin)
        await virtual.run(end - begin, killed=number < len(spans) - 1)
        recorders.append(virtual.recorder)
    return recorders


@pytest.mark.parametrize("killed_after_s", [150, 210, 330, 430, 460])
@pytest.mark.parametrize("away_s", [20, 600])
async def test_a_hold_survives_and_downtime_does_not_count(
    tmp_path: Path, killed_after_s: int, away_s: int
) -> None:
    """Killed during its hold, an alert fires when it has been seen true for as long as that.

    No sooner for the time nobody looked, and no later for having begun anew.
    """
    config = shipped(tmp_path, KEYS)
    killed_at = OUTAGE_AT_S + killed_after_s
    back_at = killed_at + away_s
    (alone,) = await lives(config, whole(tmp_path), (0.0, OUTAGE_AT_S + 900))
    first, second = await lives(config, tmp_path, (0.0, killed_at), (back_at, back_at + 900))
    undisturbed = {target: told[0][1] for target, told in error_rates(alone).items()}
    assert error_rates(first) == {}
    fired = {target: told for target, told in error_rates(second).items() if told}
    assert set(fired) == set(undisturbed)
    for target, told in fired.items():
        assert [status for status, _ in told] == ["firing"]
        began = undisturbed[target] - HOLD_S
        seen_before_s = max(0.0, killed_at - began)
        # One beat of the evaluation may have passed unsaved at either end.
        assert told[0][1] >= back_at + (HOLD_S - seen_before_s) - 10.0
        if began < killed_at and away_s < 600:
            assert told[0][1] <= back_at + (HOLD_S - seen_before_s) + 70.0


def whole(folder: Path) -> Path:
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir()
    return undisturbed


async def test_what_fired_stays_so_over_a_gap(tmp_path: Path) -> None:
    """Missing data resolves nothing and tells nobody twice; good answers do resolve."""
    config = shipped(tmp_path, KEYS)

    def recovering(target: Target, at_s: float) -> Found:
        return hang(target) if OUTAGE_AT_S <= at_s < OUTAGE_AT_S + 4000 else Found(0.6)

    before = Virtual(config, tmp_path, recovering)
    await before.run(OUTAGE_AT_S + 900, killed=True)
    fired = {n.fingerprint for _, n in before.recorder.told if n.status.value == "firing"}
    assert len(fired) > 4
    # Back after half an hour, the windows are empty and the provider is still down.
    back_at = OUTAGE_AT_S + 900 + 1800
    after = Virtual(config, tmp_path, recovering, after_s=back_at)
    await after.run(OUTAGE_AT_S + 4000 - back_at, killed=True)
    assert after.recorder.told == []
    healed = Virtual(config, tmp_path, recovering, after_s=OUTAGE_AT_S + 4000)
    await healed.run(3600)
    told = [(n.fingerprint, n.status.value) for _, n in healed.recorder.told]
    assert sorted(told) == sorted((fingerprint, "resolved") for fingerprint in fired)
