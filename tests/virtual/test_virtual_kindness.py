"""Outages with the breaker, patience and confirmations of the shipped road, in virtual time."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.summary import Summary
from alerting.detection import Detection, detection
from alerting.expression import parse
from alerting.rule import Rule, Severity
from monitor.config.values import Config
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot, Target
from tests.virtual.road import START, Found, Virtual, hang, shipped

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000"}
OUTAGE_AT_S = 3600.0
OUTAGE_S = 7200.0
LONGEST_COOL_S = 600.0


class Asked(Virtual):
    """A road that notes every attempt, and whose attempts find what they are told to."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        script: Callable[[Target, float], Found],
        *,
        after_s: float = 0.0,
        told: Callable[[ProbeResult], ProbeResult] = lambda result: result,
    ) -> None:
        super().__init__(config, folder, script, after_s=after_s)
        self._told = told
        self.asked: list[tuple[str, float, int]] = []
        """Target, seconds since the beginning, number of the attempt."""
        self.seen: list[Summary] = []

    async def _probe(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        self.asked.append((target.name, self.elapsed_s(), attempt))
        return self._told(await super()._probe(target, slot, attempt))

    def look_at(self, at_s: float, over_s: float = 3600.0) -> None:
        """Have a look at every target's window at that second of the story."""

        def look() -> None:
            now = asyncio.get_running_loop().time() - self._began + START
            names = [target.name for target in self.road.config.targets]
            self.seen = [self.road.windows.summary((name,), over_s, now) for name in names]

        asyncio.get_running_loop().call_later(at_s - self.elapsed_s(), look)

    def asked_in(self, begin_s: float, end_s: float) -> int:
        return sum(begin_s <= at < end_s for _, at, _ in self.asked)


def during_outage(found: Callable[[Target], Found]) -> Callable[[Target, float], Found]:
    end_s = OUTAGE_AT_S + OUTAGE_S
    return lambda target, at: found(target) if OUTAGE_AT_S <= at < end_s else Found(0.6)


def lived(virtual: Virtual) -> dict[str, list[tuple[str, float]]]:
    """When each alert fired and was over, by name and subject, told or spoken for by another."""
    found: dict[str, list[tuple[str, float]]] = {}
    for status, kept in (("firing", virtual.fired), ("resolved", virtual.ended)):
        for name, who, at in kept:
            found.setdefault(f"{name} {who}", []).append((status, at))
    return {name: sorted(each, key=lambda one: one[1]) for name, each in found.items()}


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "virtual.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_a_hang_is_asked_about_seldom_and_reads_as_failing(tmp_path: Path) -> None:
    """Two hours of hanging: a tenth of the requests, every slot a failure, none missing.

    Each alert fires once and resolves once; Down within the longest wait of the breaker and what
    it takes for the next probe of that target to come and be seen.
    """
    config = shipped(tmp_path, KEYS)
    virtual = Asked(config, tmp_path, during_outage(hang))
    virtual.look_at(OUTAGE_AT_S + OUTAGE_S - 1.0)
    await virtual.run(OUTAGE_AT_S + OUTAGE_S + 3600.0)
    over_s = OUTAGE_AT_S + OUTAGE_S
    assert virtual.asked_in(OUTAGE_AT_S, over_s) < len(config.targets) * OUTAGE_S / 60 / 10
    assert [(seen.coverage, seen.error_rate) for seen in virtual.seen] == [(1.0, 1.0)] * 4
    for name, messages in lived(virtual).items():
        assert [status for status, _ in messages] == ["firing", "resolved"], name
        assert not name.startswith("LowThroughput")
    for target in config.targets:
        _, (_, resolved_at) = lived(virtual)[f"Down {target.name}"]
        assert over_s <= resolved_at <= over_s + LONGEST_COOL_S + 2 * 60.0 + 30.0 + 10.0
    kinds = rows(tmp_path, "SELECT DISTINCT reason, verdict, fault FROM skips")
    assert kinds == [("breaker", "timeout", "provider")]


OWN = Rule(
    name="Own",
    when=parse("latency.p50 > 20s"),
    over_s=900.0,
    hold_s=300.0,
    severity=Severity.WARNING,
)
"""Needs more latencies than any rule that ships: half a window of them, and a hold."""


async def test_no_alert_is_later_for_the_breaker(tmp_path: Path) -> None:
    """A rule that needs thirteen real latencies gets them, and fires when `sonde check` says."""
    config = shipped(tmp_path, KEYS)
    config = replace(config, rules=(*config.rules, OWN))
    virtual = Asked(config, tmp_path, during_outage(hang))
    await virtual.run(OUTAGE_AT_S + 3600.0)
    for target in config.targets:
        found = detection(OWN, target, evaluate_every_s=config.evaluate_every_s)
        assert isinstance(found, Detection)
        ((_, fired_at),) = lived(virtual)[f"Own {target.name}"]
        assert fired_at - OUTAGE_AT_S <= found.seconds, found.formula
    assert rows(tmp_path, "SELECT DISTINCT reason FROM skips") == [("breaker",)]


async def test_a_restart_in_an_outage_brings_no_good_news(tmp_path: Path) -> None:
    """Refused slots are failures in the windows of the next process: nothing resolves."""
    config = shipped(tmp_path, KEYS)
    killed_at, back_at = OUTAGE_AT_S + 3000.0, OUTAGE_AT_S + 3030.0
    first = Asked(config, tmp_path, during_outage(hang))
    await first.run(killed_at, killed=True)
    second = Asked(config, tmp_path, during_outage(hang), after_s=back_at)
    second.look_at(back_at + 10.0)
    await second.run(600.0)
    assert {name for name in lived(first) if name.startswith("Down")}
    assert lived(second) == {}
    assert second.recorder.told == []
    for seen in second.seen:
        assert seen.failures >= 45
        assert seen.missed == 0


@pytest.mark.parametrize("verdict", [Verdict.AUTH, Verdict.QUOTA])
async def test_a_refused_account_is_asked_every_five_minutes(
    tmp_path: Path, verdict: Verdict
) -> None:
    """One canary at a time for the key, one alert, resolved once the account is good again."""
    config = shipped(tmp_path, KEYS)
    script = during_outage(lambda _target: Found(0.3, verdict, Fault.ACCOUNT))
    virtual = Asked(config, tmp_path, script)
    virtual.look_at(OUTAGE_AT_S + OUTAGE_S - 1.0)
    await virtual.run(OUTAGE_AT_S + OUTAGE_S + 1800.0)
    refused = [name for name, at, _ in virtual.asked if 0 <= at - OUTAGE_AT_S < OUTAGE_S]
    assert len(refused) <= 2 + OUTAGE_S / 300.0
    assert set(refused[2:]) == {target.name for target in config.targets}
    assert [(seen.coverage, seen.count(Fault.ACCOUNT) > 55) for seen in virtual.seen] == [
        (1.0, True)
    ] * 4
    (alert,) = lived(virtual)
    assert alert == "Account openai"
    (_, fired_at), (_, resolved_at) = lived(virtual)[alert]
    assert fired_at - OUTAGE_AT_S <= 60.0 + 10.0
    # The canary, and then a quarter of an hour without two such failures in the window.
    assert resolved_at - OUTAGE_AT_S - OUTAGE_S <= 300.0 + 60.0 + 900.0 + 10.0


async def test_a_throttled_key_is_left_alone_for_as_long_as_it_asks(tmp_path: Path) -> None:
    """Every Retry-After is waited for; what is skipped is neither down nor missing."""
    config = shipped(tmp_path, KEYS)
    script = during_outage(lambda _target: Found(0.1, Verdict.THROTTLED, Fault.ACCOUNT))

    def with_retry_after(result: ProbeResult) -> ProbeResult:
        after_s = 600.0 if result.verdict is Verdict.THROTTLED else None
        return replace(result, retry_after_s=after_s)

    virtual = Asked(config, tmp_path, script, told=with_retry_after)
    virtual.look_at(OUTAGE_AT_S + OUTAGE_S - 1.0)
    await virtual.run(OUTAGE_AT_S + OUTAGE_S + 60.0)
    assert virtual.asked_in(OUTAGE_AT_S, OUTAGE_AT_S + OUTAGE_S) <= OUTAGE_S / 600.0
    assert {seen.missed for seen in virtual.seen} == {0}
    assert {name.split()[0] for name in lived(virtual)} <= {"Account"}
    assert rows(tmp_path, "SELECT DISTINCT reason FROM skips") == [("throttled_by_us",)]


@pytest.mark.parametrize(("fault", "alert"), [(Fault.ACCOUNT, "Account"), (Fault.PROVIDER, "Down")])
async def test_a_limit_for_the_day_is_told_though_it_is_asked_about_once_an_hour(
    tmp_path: Path, fault: Fault, alert: str
) -> None:
    """A 429 that asks for hours is an outage from its first minutes on, for every target."""
    config = shipped(tmp_path, KEYS)
    script = during_outage(lambda _target: Found(0.1, Verdict.THROTTLED, fault))
    virtual = Asked(
        config,
        tmp_path,
        script,
        told=lambda found: found if found.ok else replace(found, retry_after_s=36_000.0),
    )
    await virtual.run(OUTAGE_AT_S + OUTAGE_S + 4500.0)
    assert virtual.asked_in(OUTAGE_AT_S, OUTAGE_AT_S + OUTAGE_S) <= 2 * len(config.targets)
    heard = {name: at for name, at in lived(virtual).items() if name.startswith(alert)}
    assert len(heard) == (1 if fault is Fault.ACCOUNT else len(config.targets))
    for (fired, fired_at), (resolved, _) in heard.values():
        assert (fired, resolved) == ("firing", "resolved")
        assert fired_at - OUTAGE_AT_S <= 3 * 60.0 + 10.0


async def test_a_blip_is_confirmed_beside_its_slot(tmp_path: Path) -> None:
    """A further attempt stands in the ledger, and in no window, rate or alert."""
    config = shipped(tmp_path, KEYS)
    script = during_outage(lambda _target: Found(0.2, Verdict.SERVER_ERROR, Fault.PROVIDER))

    def only_at_first(result: ProbeResult) -> ProbeResult:
        if result.attempt == 1:
            return result
        return replace(result, verdict=Verdict.OK, fault=Fault.NONE)

    virtual = Asked(config, tmp_path, script, told=only_at_first)
    virtual.look_at(OUTAGE_AT_S + OUTAGE_S - 1.0)
    await virtual.run(OUTAGE_AT_S + OUTAGE_S + 60.0)
    assert [(seen.n, seen.error_rate) for seen in virtual.seen] == [(60, 1.0)] * 4
    confirmed = rows(
        tmp_path,
        "SELECT count(*), sum(second.verdict = 'ok'), min(second.at - first.at - first.total_s)"
        " FROM results first JOIN results second USING (target, slot)"
        " WHERE first.attempt = 1 AND second.attempt = 2",
    )
    ((number, recovered, least_s),) = confirmed
    assert number == recovered == len(config.targets) * OUTAGE_S / 60
    assert isinstance(least_s, float)
    assert least_s >= 1.0
    assert rows(tmp_path, "SELECT count(*) FROM skips") == [(0,)]
    assert rows(tmp_path, "SELECT count(*) FROM results WHERE attempt > 2") == [(0,)]
    counted = virtual.road.metrics.confirmations.labels("recovered")
    assert counted._value.get() == number
