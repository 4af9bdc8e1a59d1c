"""Evaluation in slices: others have their turn, and what was begun loses nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import RESULTS
from aggregator.window import Windows
from alerting.deliver import Deliverer
from alerting.engine import Engine, Transition
from alerting.expression import parse
from alerting.metric import Fact
from alerting.routing.route import Route
from alerting.routing.router import Router
from alerting.rule import Rule, Severity, Subject
from alerting.state import Edge
from alerting.store import ALERTING, load_states
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.config.values import Cluster, Config
from monitor.evaluator import HEAR_S, SLICE_S, Asked, Evaluator
from monitor.facts import Facts, Reading
from monitor.inhibitor import Inhibitor
from monitor.keys import KeyReading
from monitor.metrics import Metrics
from monitor.routing import Beside, Routing, heard, labelling
from probes.lag import LagMeter
from probes.result import Fault, Verdict
from probes.secret import SecretSource
from probes.target import Provider, Target
from tests.unit.aggregator.samples import result
from tests.unit.alerting.windows import CHAT

pytestmark = pytest.mark.looptime

DOWN = Rule(name="Down", when=parse("failures >= 1"), over_s=300.0, severity=Severity.CRITICAL)
NEAR = Rule(name="Near", when=parse("budget.used > 80%"), subject=Subject.PROVIDER)
WAITS = Rule(name="Waits", when=parse("budget.used > 95%"), subject=Subject.PROVIDER, hold_s=20.0)
TARGETS = tuple(replace(CHAT, name=f"t{number}") for number in range(50))
KEY = KeyReading(provider="openai", requests_per_min=7)
BAD = result(verdict=Verdict.SERVER_ERROR, fault=Fault.PROVIDER)


class Desk:
    """An evaluator over a real ledger, on a clock that moves on whenever somebody looks."""

    def __init__(
        self,
        ledger: Ledger,
        look_s: float,
        targets: tuple[Target, ...],
        cluster: Cluster | None = None,
    ) -> None:
        self.ledger = ledger
        self.look_s = look_s
        self.now = 1_000_000.0
        provider = Provider(
            name="openai", preset="openai", base_url="http://here", api_key=SecretSource()
        )
        config = Config(
            source="test",
            location="fra1",
            providers=(provider,),
            targets=targets,
            windows_s=(60.0, 300.0),
            rules=(DOWN, NEAR, WAITS),
            cluster=cluster,
        )
        self.windows = Windows(longest_s=300.0)
        self.metrics = Metrics("fra1", "1")
        self.heard: list[Transition] = []
        self.engine = Engine(config.rules, targets, location="fra1")
        clock = Clock(lambda: self.now, self._monotonic)
        deliverer = Deliverer(ledger, {}, clock.steady, self.metrics.notified)
        routing = Routing(
            Router((Route(("team",), group_by=("target",)),), labelling(targets, "fra1")),
            Inhibitor(self.engine.told_anew, self.metrics.inhibited),
            self.engine.told_anew,
            clock,
            self.metrics,
            Beside(),
            heard,
        )
        announcer = Announcer(ledger, deliverer, self.metrics, self.heard.append, routing)
        self.facts = Facts()
        self.lag = LagMeter()
        self.evaluator = Evaluator(
            config,
            self.engine,
            self.windows,
            clock,
            self.metrics,
            announcer,
            self.lag,
            Asked(self.facts, lambda _now: (KEY,)),
        )

    def _monotonic(self) -> float:
        self.now += self.look_s
        return self.now

    def fail(self) -> None:
        """Give every target a failure."""
        for target in TARGETS:
            self.windows.ingest(replace(BAD, target=target.name), self.now)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Make an empty ledger."""
    made = Ledger.open(tmp_path / "sonde.db", (RESULTS, ALERTING), inline=True)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log of transitions out of the output."""
    with capture_logs():
        yield


async def pauses(desk: Desk) -> int:
    """Evaluate once; return how often others had the loop meanwhile, for as long as a slice."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await desk.evaluator.evaluate()
    return round((loop.time() - began) / SLICE_S)


@pytest.mark.looptime
async def test_an_evaluation_that_takes_long_lets_others_have_the_loop(ledger: Ledger) -> None:
    """After each slice for as long as it took; a quick one is done in one go."""
    slow, quick = Desk(ledger, SLICE_S, TARGETS), Desk(ledger, SLICE_S / 1e4, TARGETS)
    slow.fail()
    quick.fail()
    # A step for each view (summarised, judged), each target shown and each alert, and some more.
    assert await pauses(slow) >= 4 * len(TARGETS)
    assert await pauses(quick) == 0
    assert [t.identity for t in slow.heard] == [t.identity for t in quick.heard]


async def test_every_slice_sees_the_same_moment(ledger: Ledger) -> None:
    """What comes during an evaluation belongs to the next one."""
    desk = Desk(ledger, SLICE_S, TARGETS)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.evaluator.evaluate())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.fail()
        await task
        assert desk.heard == []
        assert {reading.summary.n for reading in desk.metrics.newest.evaluated.readings} == {0}
        await desk.evaluator.evaluate()
    assert len(desk.heard) == len(TARGETS)


async def test_what_is_shown_is_of_one_evaluation(ledger: Ledger) -> None:
    """Every target over every window, the alerts and the keys, handed over as one value."""
    desk = Desk(ledger, 0.0, TARGETS[:2])
    desk.fail()
    await desk.evaluator.evaluate()
    found = desk.metrics.newest.evaluated
    named = [(reading.target.name, reading.summary.over_s) for reading in found.readings]
    assert named == [("t0", 60.0), ("t0", 300.0), ("t1", 60.0), ("t1", 300.0)]
    assert [alert.targets for alert in found.alerts] == [("t0",), ("t1",)]
    assert found.keys == (KEY,)
    desk.now += 60.0
    await desk.evaluator.evaluate()
    assert desk.metrics.newest.evaluated is not found
    assert {reading.summary.n for reading in found.readings} == {1}


@pytest.mark.looptime
async def test_an_evaluation_cut_short_loses_no_message(ledger: Ledger) -> None:
    """What had fired by then is in the outbox after the next one, the rest with it; each once."""
    desk = Desk(ledger, SLICE_S, TARGETS)
    desk.fail()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.evaluator.evaluate())
        # every target's summary, and half of the judging
        await asyncio.sleep(SLICE_S * len(TARGETS) * 1.5)
        task.cancel()
    assert await outbox_rows(ledger) == 0
    assert 0 < len(desk.heard) < len(TARGETS)
    await desk.evaluator.evaluate()
    assert await outbox_rows(ledger) == len(desk.heard) == len(TARGETS)
    states, _ = await ledger.read(load_states)
    assert states == desk.engine.states()


async def outbox_rows(ledger: Ledger) -> int:
    """Count the messages to be sent."""
    rows: list[tuple[int]] = await ledger.read(
        lambda c: c.execute("SELECT count(*) FROM outbox").fetchall()
    )
    return rows[0][0]


async def test_facts_are_asked_for_at_the_evaluations_own_moment(ledger: Ledger) -> None:
    """Every source hears the steady time the windows are summarised at; what it says is judged."""
    desk = Desk(ledger, 0.0, TARGETS[:2])
    asked: list[float] = []

    def source(now: float) -> Iterator[Reading]:
        asked.append(now)
        yield Fact.BUDGET_USED, "openai", 0.9

    desk.facts.add(source)
    await desk.evaluator.evaluate()
    assert asked == [desk.now]
    assert [(each.alertname, each.now) for each in desk.heard] == [("Near", desk.now)]


async def test_a_source_that_breaks_is_named_and_stops_nobody(ledger: Ledger) -> None:
    """Logged once when it breaks and once when it is mended; what the windows say is judged."""
    desk = Desk(ledger, 0.0, TARGETS[:2])
    broken = [True]

    def source(_now: float) -> Iterator[Reading]:
        if broken[0]:
            raise RuntimeError("no purse")
        yield Fact.BUDGET_USED, "openai", 0.1

    desk.facts.add(source)
    desk.fail()
    with capture_logs() as logs:
        await desk.evaluator.evaluate()
        await desk.evaluator.evaluate()
        assert desk.metrics.registry.get_sample_value("sonde_rules_broken") == 1
        broken[0] = False
        await desk.evaluator.evaluate()
    assert [each["event"] for each in logs if each["event"].startswith("rules.")] == [
        "rules.broken",
        "rules.mended",
    ]
    assert desk.metrics.registry.get_sample_value("sonde_rules_broken") == 0
    assert [each.alertname for each in desk.heard] == ["Down", "Down"]


def waiting(desk: Desk) -> None:
    """Let a condition with a hold of 20 s be true from now on."""
    desk.facts.add(lambda _now: [(Fact.BUDGET_USED, "openai", 0.99)])


def edges(desk: Desk) -> list[Edge]:
    """Return what became of it."""
    return [each.edge for each in desk.heard if each.alertname == "Waits"]


@pytest.mark.parametrize(("late_s", "fires"), [(0.0, True), (1.9, True), (20.0, False)])
async def test_a_loop_that_stood_still_watched_nothing(
    ledger: Ledger, late_s: float, *, fires: bool
) -> None:
    """Held up in the middle of an evaluation or after it: it ends no hold."""
    desk = Desk(ledger, 0.0, TARGETS[:1])
    waiting(desk)
    await desk.evaluator.evaluate()
    desk.now += 20.0
    noticed_at = desk.now - 0.001
    desk.lag.turn_began(noticed_at, late_s)
    desk.lag.turn_ended(noticed_at)
    await desk.evaluator.evaluate()
    assert (edges(desk) == [Edge.PENDING, Edge.FIRED]) is fires
    desk.now += late_s
    await desk.evaluator.evaluate()
    assert edges(desk) == [Edge.PENDING, Edge.FIRED]


async def test_a_replica_that_stood_still_hears_the_others_before_it_judges(
    ledger: Ledger,
) -> None:
    """The news of an outage that is over comes before the news of its end: it fires for nobody."""
    desk = Desk(ledger, 0.0, TARGETS[:1], Cluster(redis=SecretSource(), replica="a"))
    waiting(desk)
    with capture_logs() as logs:
        running = asyncio.ensure_future(desk.evaluator.run())
        await asyncio.sleep(1.0)
        desk.now += 5.0 + 600.0
        await asyncio.sleep(4.0 + HEAR_S - 0.1)
        judged = [each["event"] for each in logs].count("rules.unwatched")
        await asyncio.sleep(0.2)
        running.cancel()
    assert judged == 0
    assert [each["event"] for each in logs].count("rules.unwatched") == 1


async def test_a_beat_that_comes_late_was_not_watched_for(ledger: Ledger) -> None:
    """Stopped while it waited for a socket that is ready afterwards, a loop sees no lateness."""
    desk = Desk(ledger, 0.0, TARGETS[:1])
    waiting(desk)
    with capture_logs() as logs:
        running = asyncio.ensure_future(desk.evaluator.run())
        await asyncio.sleep(1.0)
        desk.now += 5.0 + 600.0
        await asyncio.sleep(5.0)
        running.cancel()
    assert edges(desk) == [Edge.PENDING]
    told = [each["seconds"] for each in logs if each["event"] == "rules.unwatched"]
    assert told == [600.0]
    desk.now += 15.0
    await desk.evaluator.evaluate()
    assert edges(desk) == [Edge.PENDING, Edge.FIRED]
