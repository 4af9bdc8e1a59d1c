"""When rounds are made, what waits for them, and what comes of them; in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from alerting.metric import Fact
from monitor.clock import Clock
from monitor.config.values import Check, Egress
from monitor.egress.endpoint import Endpoint, parse_endpoint
from monitor.egress.verdict import Contact, Way
from monitor.egress.watch import PROVEN_S, EgressWatch
from probes.result import Fault, ProbeResult, Verdict
from tests.unit.aggregator.samples import result, timeout

pytestmark = pytest.mark.looptime

ADDRESS, NAME = parse_endpoint("1.1.1.1:443"), parse_endpoint("a.example:443")


@dataclass
class World:
    """What the endpoints do, and when they were asked."""

    answer: Contact = Contact.REACHED
    named: Contact | None = None
    """What those with a name do, if it is something else."""
    takes_s: float = 0.05
    asked_at: list[float] = field(default_factory=list)

    async def ask(self, endpoint: Endpoint) -> Contact:
        if endpoint is ADDRESS:
            self.asked_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s if self.answer is Contact.REACHED else 3.0)
        return self.answer if self.named is None or endpoint is ADDRESS else self.named


@asynccontextmanager
async def watching(world: World, check: Check = Check.AUTO) -> AsyncIterator[EgressWatch]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    clock = Clock(lambda: 1_700_000_000.0 + loop.time() - began, loop.time)
    watch = EgressWatch(Egress(check=check, endpoints=(ADDRESS, NAME)), clock, world.ask)
    task = asyncio.ensure_future(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def refused() -> ProbeResult:
    return result(verdict=Verdict.CONNECT_ERROR, fault=Fault.PROVIDER)


async def test_rounds_keep_their_beat_and_hurry_while_nothing_answers() -> None:
    """Every 15 s while all is well, 5 s after each round of 3 s once nothing answers."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(40)
        assert len(world.asked_at) == 3
        world.answer = Contact.SILENT
        await asyncio.sleep(30)
        assert watch.way is Way.SHUT
        assert len(world.asked_at) == 7
        world.answer = Contact.REACHED
        await asyncio.sleep(9)
        assert watch.way is Way.OPEN


async def test_a_place_without_egress_is_not_called_broken() -> None:
    """By itself the check counts only once something answered; told to, it counts at once."""
    for check, way in ((Check.AUTO, Way.UNKNOWN), (Check.ON, Way.SHUT)):
        async with watching(World(Contact.SILENT), check) as watch:
            await asyncio.sleep(20)
            assert watch.way is way
            known = {fact: value for fact, _, value in watch.facts(0.0)}
            assert known == ({} if check is Check.AUTO else {Fact.EGRESS_FAILING: 1.0})


async def test_a_failure_asks_at_once_and_waits_for_the_answer() -> None:
    """The first probe that fails after the network died is judged by a round made for it."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(10)
        world.answer = Contact.SILENT
        began = asyncio.get_running_loop().time()
        found = await watch.judged(refused())
        assert found.fault is Fault.NETWORK
        assert asyncio.get_running_loop().time() - began == pytest.approx(3.0, abs=0.1)
        again = asyncio.get_running_loop().time()
        assert (await watch.judged(refused())).fault is Fault.NETWORK
        assert asyncio.get_running_loop().time() == again


async def test_what_ran_out_just_after_the_network_came_back_is_still_the_networks() -> None:
    """A probe that hung through a cut is judged by the cut; one that began after it is not."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(5)
        world.answer = Contact.SILENT
        await asyncio.sleep(20)
        world.answer = Contact.REACHED
        await asyncio.sleep(10)
        assert watch.way is Way.OPEN
        assert (await watch.judged(timeout(30.0))).fault is Fault.NETWORK
        assert (await watch.judged(timeout(1.0))).fault is Fault.PROVIDER
        assert (await watch.judged(refused())).fault is Fault.PROVIDER


async def test_failures_of_a_provider_wait_a_round_trip_and_cause_few_rounds() -> None:
    """A provider that refuses every probe makes one round in two seconds, not one a probe."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(5)
        for _ in range(100):
            assert (await watch.judged(refused())).fault is Fault.PROVIDER
            await asyncio.sleep(0.05)
        assert len(world.asked_at) <= 5


async def test_what_is_no_lost_connection_waits_for_nothing() -> None:
    """Answers of any kind pass at once, before any round was made."""
    async with watching(World()) as watch:
        good = result()
        assert await watch.judged(good) is good


async def test_a_round_that_never_ends_holds_nothing_for_long() -> None:
    """Whatever became of the rounds, a result waits a few seconds at most and keeps its fault."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(5)
        world.takes_s = 600.0
        began = asyncio.get_running_loop().time()
        assert (await watch.judged(refused())).fault is Fault.PROVIDER
        assert asyncio.get_running_loop().time() - began <= 4.0


async def test_the_metric_shows_the_newest_whole_round() -> None:
    """One sample for each endpoint; none before the first round."""
    world = World()
    async with watching(world) as watch:
        assert [family.samples for family in watch.collect()] == [[]]
        await asyncio.sleep(1)
        (family,) = watch.collect()
        shown = {sample.labels["endpoint"]: sample.value for sample in family.samples}
        assert shown == {"1.1.1.1:443": 1.0, "a.example:443": 1.0}
        assert list(watch.facts(0.0)) == [(Fact.EGRESS_FAILING, "", 0.0)]


def test_https_endpoints_get_a_context_of_their_own() -> None:
    """Only where an endpoint is https is the trust store loaded, and nothing connects yet."""
    watch = EgressWatch(Egress(endpoints=(parse_endpoint("https://a.example"),)), Clock())
    assert watch.way is Way.UNKNOWN


def failing(watch: EgressWatch) -> float | None:
    """Return what rules are told; None: nothing."""
    return {fact: value for fact, _, value in watch.facts(0.0)}.get(Fact.EGRESS_FAILING)


async def test_a_provider_that_answers_proves_the_way() -> None:
    """Endpoints that somebody keeps us from call nothing broken, and hide no provider's outage."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(5)
        world.answer = Contact.SILENT
        watch.heard(result(total_s=1.0, status=200))  # before anything was silent
        await asyncio.sleep(20)
        watch.heard(result(total_s=19.0, status=200))  # sent before
        watch.heard(refused())
        await asyncio.sleep(10)
        assert failing(watch) == 1.0
        watch.heard(result(total_s=1.0, status=500))
        await asyncio.sleep(10)
        assert failing(watch) == 0.0
        assert (await watch.judged(refused())).fault is Fault.PROVIDER
        await asyncio.sleep(PROVEN_S)
        assert failing(watch) == 1.0
        assert (await watch.judged(refused())).fault is Fault.NETWORK


async def test_an_endpoint_that_answers_makes_the_check_good_again() -> None:
    """What a provider proved while endpoints failed says nothing of a cut that comes later."""
    world = World()
    async with watching(world) as watch:
        await asyncio.sleep(5)
        world.answer = Contact.SILENT
        await asyncio.sleep(20)
        watch.heard(result(total_s=1.0, status=200))
        world.answer = Contact.REACHED
        await asyncio.sleep(20)
        world.answer = Contact.SILENT
        await asyncio.sleep(20)
        assert failing(watch) == 1.0


async def test_an_answer_proves_names_only_if_one_was_looked_up() -> None:
    """Over a connection that was there nobody asks for a name."""
    world = World(named=Contact.NO_NAME)
    async with watching(world) as watch:
        await asyncio.sleep(5)
        watch.heard(result(total_s=1.0, status=200, resolve_s=None))
        await asyncio.sleep(20)
        assert watch.way is Way.NAMELESS
        watch.heard(result(total_s=1.0, status=200, resolve_s=0.1))
        await asyncio.sleep(20)
        assert watch.way is Way.OPEN


async def test_where_endpoints_never_answered_a_provider_that_does_ends_an_old_alert() -> None:
    """By themselves they prove nothing there; that a provider answers does."""
    async with watching(World(Contact.SILENT)) as watch:
        await asyncio.sleep(20)
        assert failing(watch) is None
        watch.heard(result(total_s=1.0, status=200))
        await asyncio.sleep(20)
        assert failing(watch) == 0.0
