"""A configuration taken up while hours pass: what goes on, what begins, what ends."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.config.values import Config
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.result import Operation
from probes.target import Slot, Target
from tests.unit.monitor.budget.paying import budget
from tests.virtual.road import ALERT_BY_ALERT, START, Found, Recorder, Virtual, hang, shipped
from tests.virtual.test_virtual_full_disk import limit

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000"}
OUTAGE_AT_S = 1800.0

Change = Callable[[Config], Config]


class Changing(Virtual):
    """A road that is followed by others, as the daemon lets them follow each other."""

    async def run_changing(self, seconds: float, changes: dict[float, Change]) -> None:
        """Run so many virtual seconds; at each of these moments another configuration leads."""
        await self.road.restore(lambda: False)
        async with asyncio.TaskGroup() as group:
            schedule = group.create_task(self.road.scheduler.run(5.0))
            lasting = [group.create_task(run()) for run in self.road.running_on().values()]
            here = [group.create_task(run()) for run in self.road.running_here().values()]
            delivery = group.create_task(self.road.deliverer.run())
            for at, change in sorted(changes.items()):
                await asyncio.sleep(at - self.elapsed_s())
                before = self.road
                road = self._following(change(before.config))
                await road.prepare(before)
                async with before.turn():
                    for task in here:
                        task.cancel()
                    await before.budget.give_back(road.take_over(before))
                    self.road = road
                    here = [group.create_task(run()) for run in road.running_here().values()]
            await asyncio.sleep(seconds - self.elapsed_s())
            self.road.scheduler.stop()
            await asyncio.wait([schedule])
            for task in (schedule, delivery, *lasting, *here):
                task.cancel()
        await self.ledger.close()

    same_channel = True
    """Whether the channel stays as it is; else each change leads elsewhere, and all is noted."""

    def _another(self) -> Recorder:
        return Recorder(self.elapsed_s, told=self.recorder.told)

    def _following(self, config: Config) -> Road:
        return Road(
            replace(config, routes=ALERT_BY_ALERT),
            self.ledger,
            {"recorder": self.recorder if self.same_channel else self._another()},
            self._probe,
            self.road._clock,
            LagMeter(),
            Observers(on_transition=self._heard),
            before=self.road,
        )


def failing(target: Target, at_s: float) -> Found:
    return hang(target) if at_s >= OUTAGE_AT_S else Found(0.6)


def healthy(_target: Target, _at_s: float) -> Found:
    return Found(0.6)


def same_but(config: Config) -> Config:
    """Change what no rule and no target is about."""
    return replace(config, evaluate_every_s=config.evaluate_every_s + 0.5)


@pytest.mark.parametrize("at_s", [OUTAGE_AT_S + 150, OUTAGE_AT_S + 330, OUTAGE_AT_S + 700])
async def test_holds_go_on_and_nothing_is_told_twice(tmp_path: Path, at_s: float) -> None:
    """An alert fires when it would have, be the change before, in or after its hold; once."""
    config = shipped(tmp_path, KEYS)
    (tmp_path / "one").mkdir()
    alone = Changing(config, tmp_path / "one", failing)
    await alone.run_changing(OUTAGE_AT_S + 900, {})
    changed = Changing(config, tmp_path, failing)
    await changed.run_changing(OUTAGE_AT_S + 900, {at_s: same_but})
    before = {(name, of): at for name, of, at in alone.fired}
    after = {(name, of): at for name, of, at in changed.fired}
    assert before
    assert after.keys() == before.keys()
    assert len(changed.fired) == len(after)
    told = [(name, of) for name, of, _ in changed.recorder.firing()]
    assert told
    assert len(told) == len(set(told))
    assert all(abs(after[key] - at) <= 2 * 5.5 for key, at in before.items())


async def test_every_slot_is_run_once(tmp_path: Path) -> None:
    """Twenty changes within minutes, with probes in flight: the slots of an undisturbed run."""
    config = shipped(tmp_path, KEYS)
    slow = lambda _target, _at: Found(9.0)  # noqa: E731 - a script
    (tmp_path / "one").mkdir()
    alone = Changing(config, tmp_path / "one", slow)
    await alone.run_changing(1200, {})
    changed = Changing(config, tmp_path, slow)
    await changed.run_changing(1200, {300.0 + 13.7 * i: same_but for i in range(20)})
    assert _slots(tmp_path) == _slots(tmp_path / "one")
    assert _skips(tmp_path) == _skips(tmp_path / "one")


def _rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "virtual.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def _slots(folder: Path) -> list[tuple[object, ...]]:
    sql = "SELECT target, slot, verdict FROM results WHERE attempt = 1 ORDER BY 1, 2"
    return _rows(folder, sql)


def _skips(folder: Path) -> list[tuple[object, ...]]:
    return _rows(folder, "SELECT target, slot, reason FROM skips ORDER BY 1, 2")


async def test_targets_come_go_and_change(tmp_path: Path) -> None:
    """The removed one stops, the new one starts within its interval, a changed one changes."""
    config = shipped(tmp_path, KEYS)
    chat = next(each for each in config.targets if each.operation is Operation.CHAT)
    others = tuple(each for each in config.targets if each is not chat)
    new = replace(chat, name="new", interval_s=30.0)
    faster = replace(others[0], interval_s=20.0)

    def change(running: Config) -> Config:
        return replace(running, targets=(faster, *others[1:], new))

    virtual = Changing(config, tmp_path, healthy)
    await virtual.run_changing(1200, {600.0: change})
    rows = _rows(tmp_path, "SELECT target, at FROM results ORDER BY at")
    at = {name: [float(str(a)) - START for t, a in rows if t == name] for name, _ in rows}
    assert max(at[chat.name]) < 600.0
    assert 600.0 <= min(at["new"]) <= 631.0
    late = [each for each in at[faster.name] if each > 600.0]
    assert len(late) >= 28
    assert min(late) <= 621.0


async def test_figures_are_the_same_before_and_after(tmp_path: Path) -> None:
    """No sample is lost or doubled, and a longer window knows what came before it was asked for."""
    config = replace(shipped(tmp_path, KEYS), windows_s=(300.0,), rules=())
    counts: list[tuple[int, int]] = []

    def longer(running: Config) -> Config:
        return replace(running, windows_s=(300.0, 1200.0))

    virtual = Changing(config, tmp_path, healthy)
    await virtual.run_changing(1500, {900.0: same_but, 1000.0: longer})
    now = virtual.road._clock.steady()
    for target in config.targets:
        rows = _rows(
            tmp_path,
            f"SELECT count(*) FROM results WHERE target = '{target.name}'"
            f" AND at + total_s > {now - 1200.0}",
        )
        counts.append(
            (virtual.road.windows.summary((target.name,), 1200.0, now).n, int(str(rows[0][0])))
        )
    assert counts
    assert all(abs(found - kept) <= 1 and found > 15 for found, kept in counts)


async def test_an_alert_whose_rule_is_gone_is_over(tmp_path: Path) -> None:
    """It is told as over, in the words of a restart without the rule."""
    config = shipped(tmp_path, KEYS)

    def without(running: Config) -> Config:
        rules = tuple(rule for rule in running.rules if rule.name != "Down")
        return replace(running, rules=rules)

    virtual = Changing(config, tmp_path, failing)
    await virtual.run_changing(OUTAGE_AT_S + 900, {OUTAGE_AT_S + 800: without})
    fired = {(name, of) for name, of, _ in virtual.recorder.firing() if name == "Down"}
    over = [
        notification
        for _, notification in virtual.recorder.told
        if notification.alertname == "Down" and notification.status.value == "resolved"
    ]
    assert fired
    assert len(over) == len(fired)


async def test_a_slot_that_begins_as_its_target_goes_or_changes(tmp_path: Path) -> None:
    """Begun under the old plan and run under the new: not at all, or as the target is by then."""
    config = shipped(tmp_path, KEYS)
    gone, old, *others = config.targets
    new = replace(old, model="another")
    virtual = Changing(config, tmp_path, healthy)
    before = virtual.road
    await before.restore(lambda: False)
    road = virtual._following(replace(config, targets=(new, *others)))
    await road.prepare(before)
    async with before.turn():
        road.take_over(before)
    for target in (gone, old):
        await road.lasting._run_slot(target, Slot(1, START))
    await virtual.ledger.close()
    assert _rows(tmp_path, "SELECT target, model FROM results") == [(old.name, "another")]


async def test_who_waits_for_money_is_waited_for(tmp_path: Path) -> None:
    """An attempt that has not been sent yet holds its connections open as one under way does."""
    config = replace(shipped(tmp_path, KEYS), budgets=(budget("", 5.0),))
    target = next(each for each in config.targets if each.operation is Operation.CHAT)
    road = Virtual(config, tmp_path, healthy).road
    async with asyncio.TaskGroup() as group:
        async with road.turn():  # nothing is drawn yet, and nobody can draw
            group.create_task(road.run_slot(target, Slot(1, START)))
            await asyncio.sleep(1)
            idle = group.create_task(road.idle())
            await asyncio.sleep(1)
            assert not idle.done()
        await idle
    await road._ledger.close()
    assert _rows(tmp_path, "SELECT target FROM results") == [(target.name,)]


@pytest.mark.parametrize("same_channel", [True, False])
async def test_a_full_disk_neither_repeats_nor_loses(tmp_path: Path, *, same_channel: bool) -> None:
    """Changed while the ledger takes nothing: each alert is told once, and once that it is over."""
    config = shipped(tmp_path, KEYS)

    def script(target: Target, at_s: float) -> Found:
        return hang(target) if OUTAGE_AT_S <= at_s < OUTAGE_AT_S + 1500 else Found(0.6)

    virtual = Changing(config, tmp_path, script)
    virtual.same_channel = same_channel
    changes = dict.fromkeys((OUTAGE_AT_S + at for at in (150, 330, 700, 1100, 1900)), same_but)
    running = asyncio.ensure_future(virtual.run_changing(OUTAGE_AT_S + 3300, changes))
    await asyncio.sleep(OUTAGE_AT_S - 100)
    await limit(virtual, 0)
    await asyncio.sleep(1300)
    told_while_full = len(virtual.recorder.told)
    await limit(virtual, 1_000_000)
    await running
    assert told_while_full
    told = [(n.fingerprint, n.status.value) for _, n in virtual.recorder.told]
    assert len(told) == len(set(told))
    fired = {fingerprint for fingerprint, status in told if status == "firing"}
    assert {fingerprint for fingerprint, status in told if status == "resolved"} == fired
