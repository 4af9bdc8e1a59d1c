"""Runs the processes of a story one after the other: the shipped road, stopped or killed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from aggregator.ledger import Ledger, LedgerError
from alerting.match import Match
from alerting.metric import Fact
from alerting.notifiers.webhook import WebhookNotifier
from alerting.outbox import last_seq
from alerting.routing.silence import Silence
from alerting.routing.silence_store import add_silence
from alerting.state import Firing
from alerting.store import load_states
from monitor.clock import Clock
from monitor.daemon import DELIVERY_STOP_S, PROBES_STOP_S, SCHEMAS
from monitor.facts import Reading
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.secret import Secret, SecretSource
from tests.simulation.loop import VirtualLoop
from tests.simulation.story import SETTLE_S, Jump, Life, Story, story_of
from tests.simulation.world import START, Seen, SimulatedLedger, Sink, Started, Witness, World

MISSING_S: Final = 2.0
"""A process that stood still for longer counts as not having watched (`monitor.evaluator`)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is left when a story is over."""

    story: Story
    witness: Witness
    road: Road
    rows: dict[str, list[tuple[Any, ...]]]  # Any: whatever the columns hold
    now: float


class _Process:
    """One life of the road."""

    def __init__(self, world: World, life: Life, path: Path) -> None:
        self._world = world
        self._life = life
        self._lag = LagMeter()
        ledger = SimulatedLedger.open(path, SCHEMAS, inline=True)
        assert isinstance(ledger, SimulatedLedger)
        self.ledger = ledger
        ledger.world, ledger.limbo = world, []
        ledger._writer._connection.execute("PRAGMA synchronous = OFF")
        clock = Clock(world.wall, world.loop.time, world.boottime)
        notifiers = {name: self._notifier(name) for name in life.channels}
        self._started(clock)
        observers = Observers(on_result=self._counted, on_transition=self._seen)
        self.road = Road(life.config, ledger, notifiers, world.probe, clock, self._lag, observers)
        self.road.confirmations._random = Random(world.story.seed)
        self.road.facts.add(self._egress)

    def _notifier(self, name: str) -> WebhookNotifier:
        source = SecretSource(Secret(f"https://{name}.invalid/hook"))
        notifier = WebhookNotifier(name, source, wall=self._world.wall, tls=_NO_TLS)
        # A connection to anywhere would be a socket; what it would carry is the real thing.
        notifier._client = Sink(self._world, name)  # type: ignore[assignment]
        return notifier

    def _started(self, clock: Clock) -> None:
        world, connection = self._world, self.ledger._reader._connection
        states, _ = load_states(connection)
        kinds = {
            each: "firing" if isinstance(state, Firing) else "pending"
            for each, state in states.items()
        }
        offset_s = clock.steady() - world.now
        world.witness.lives.append(Started(world.now, kinds, last_seq(connection), offset_s))

    def _egress(self, _now: float) -> Iterator[Reading]:
        cut = self._world.story.spell_of(self._world.story.cuts, "", self._world.now)
        yield Fact.EGRESS_FAILING, "", float(cut is not None)

    def _counted(self, result: object) -> None:
        world = self._world
        if self.road.pipeline.ledger_error is None:
            found = next(a for a in reversed(world.witness.answers) if a.result == result)
            world.witness.committed.append(found)

    def _seen(self, transition: Any) -> None:  # Any: an alert's transition, kept as it is
        world = self._world
        watched_s = world.loop.time() - world.held_s - world.watched_before_s
        world.witness.seen.append(Seen(world.now, world.life, watched_s, transition))
        labels = dict(transition.labels)
        about = labels.get("target", labels.get("provider", ""))
        world.note(f"{transition.alertname} {about}: {transition.edge}")

    async def run(self) -> None:
        """Live as a daemon does, to the end that the story has for it."""
        world, road = self._world, self.road
        await road.restore(lambda: False)
        async with asyncio.TaskGroup() as group:
            schedule = group.create_task(road.scheduler.run(PROBES_STOP_S))
            delivery = group.create_task(road.deliverer.run())
            lasting = (*road.eternal().values(), self._leaps)
            eternal = [group.create_task(_for_ever(run)) for run in lasting]
            last = self._life is world.story.lives[-1]  # it lives for as long as healing takes
            least_s = SETTLE_S if last else 0.0
            await asyncio.sleep(max(least_s, self._life.until_s - world.now))
            if self._life.killed_after:
                world.doom(self._life.killed_after)
                await world.loop.create_future()
            await self._stop(schedule, delivery)
            for task in eternal:
                task.cancel()
        with suppress(LedgerError):
            await self.ledger.close()
        world.loop.stop()

    async def _stop(self, schedule: asyncio.Task[None], delivery: asyncio.Task[None]) -> None:
        """Stop as the daemon does."""
        road = self.road
        road.scheduler.stop()
        road.confirmations.stop()
        await _ended(schedule, PROBES_STOP_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await road.evaluator.evaluate()
        road.deliverer.stop()
        await _ended(delivery, DELIVERY_STOP_S)
        await road.budget.close()

    async def _leaps(self) -> None:
        world = self._world
        for leap in world.story.leaps:
            if leap.at_s < world.now:
                continue
            await asyncio.sleep(leap.at_s - world.now)
            world.fault(leap.kind)
            if leap.kind is not Jump.STEP:
                world.witness.gone.append((world.now, world.now + leap.by_s))
            if leap.kind is Jump.STEP:
                world.step_s += leap.by_s
            elif leap.kind is Jump.SUSPEND:
                world.asleep_s += leap.by_s
            else:
                world.loop.hold(leap.by_s)
                self._lag.turn_began(world.loop.time(), leap.by_s)  # as it sees in its selector
                self._lag.turn_ended(world.loop.time())
                world.held_s += leap.by_s if leap.by_s > MISSING_S else 0.0
        await world.loop.create_future()


async def _for_ever(run: Callable[[], Awaitable[None]]) -> None:
    await run()


_NO_TLS: Any = object()  # Any: never used, for nothing is connected to


async def _ended(task: asyncio.Task[None], within_s: float) -> None:
    await asyncio.wait([task], timeout=within_s)
    task.cancel()
    await asyncio.wait([task], timeout=0.5)


def run_story(seed: int, folder: Path) -> Ending:
    """Run the story of a seed on a ledger in an empty folder."""
    story = story_of(seed)
    world = World(story)
    path = folder / "simulated.db"
    _silence(story, path)
    *before, last = story.lives
    for life in before:
        _live(world, life, path)
        world.note(f"process {world.life} is over; the next begins in {life.away_s:g} s")
        _next_loop(world, life.away_s)
    process = _live(world, last, path)
    rows = _rows(path)
    world.loop.close()
    return Ending(story, world.witness, process.road, rows, world.now)


def _live(world: World, life: Life, path: Path) -> _Process:
    world.life, world.dead = world.life + 1, False
    process = _Process(world, life, path)
    _until_over(world, process)
    world.witness.lives[-1].ended_at = world.now
    return process


def _silence(story: Story, path: Path) -> None:
    """Put the silences of the story into the ledger, as somebody with a command would."""
    ledger = Ledger.open(path, SCHEMAS, inline=True)
    for each in story.silences:
        match = Match((("target", (each.target,)),))
        silence = Silence(
            "s1", match, START + each.from_s, START + each.to_s, "somebody", "a known trouble"
        )
        ledger._writer.serve([partial(add_silence, silence=silence, now=START)])
    ledger._reader._connection.close()
    ledger._writer.finish()
    SimulatedLedger.forsake(ledger)  # type: ignore[arg-type] # it lets go of any ledger


def _until_over(world: World, process: _Process) -> None:
    loop = world.loop
    main = loop.create_task(process.run())
    main.add_done_callback(lambda _: loop.stop())
    asyncio.set_event_loop(None)
    loop.run_forever()
    world._acts_left = None
    if main.done():
        main.result()
    world.dead = True
    _bury(loop)
    process.ledger.forsake()


def _bury(loop: VirtualLoop) -> None:
    """Take the tasks of a dead process out of the world: nothing of them may act any more."""
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined] # of C, and not in the stub
        with suppress(BaseException):
            task.get_coro().close()


def _next_loop(world: World, away_s: float) -> None:
    before = world.loop
    world.watched_before_s += away_s
    world.loop = VirtualLoop(before.time() + away_s)
    before.close()


def _rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read what the ledger holds in the end."""
    ledger = Ledger.open(path, SCHEMAS, inline=True)
    queries = {
        "outbox": "SELECT seq, id, channel, payload, created_at, status, last_error FROM outbox",
        "results": "SELECT target, slot, attempt, at FROM results",
        "skips": "SELECT target, slot, reason, at FROM skips",
        "told": "SELECT channel, labels FROM alert_group_members WHERE told = 1",
        "log": "SELECT at, fingerprint, event, channel FROM alert_log ORDER BY id",
    }
    read = ledger._reader._connection.execute
    found = {name: read(query).fetchall() for name, query in queries.items()}
    SimulatedLedger.forsake(ledger)  # type: ignore[arg-type] # as above
    return found
