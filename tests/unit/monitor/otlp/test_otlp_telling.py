"""Which exporter hears of results, from one configuration to the next."""

import asyncio
from dataclasses import replace

from prometheus_client import CollectorRegistry

from monitor.clock import Clock
from monitor.config.values import Config
from monitor.otlp.exporter import Exporter
from monitor.otlp.telling import Telling
from probes.result import ProbeResult
from tests.unit.monitor.otlp.telling_values import CONFIG, OTLP, TARGET, answered

OFF = replace(CONFIG, otlp=None)
ELSEWHERE = replace(CONFIG, otlp=replace(OTLP, endpoint="http://127.0.0.1:9"))


def opened(config: Config) -> tuple[Telling, CollectorRegistry]:
    registry = CollectorRegistry()
    telling = Telling(Clock())
    telling.open(config, registry)
    return telling, registry


def waiting(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("sonde_otlp_waiting_results")


async def until_other(telling: Telling, before: Exporter | None) -> None:
    """Wait until another exporter is there, or none."""
    async with asyncio.timeout(5):
        while telling._exporter is before:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


async def test_without_an_endpoint_results_go_to_others_alone() -> None:
    """And no metric speaks of it."""
    telling, registry = opened(OFF)
    heard: list[ProbeResult] = []
    on_result = telling.also(heard.append)
    on_result(answered())
    assert len(heard) == 1
    assert list(registry.collect()) == []


async def test_with_one_both_hear_of_results() -> None:
    """The others first."""
    telling, registry = opened(CONFIG)
    heard: list[ProbeResult] = []
    telling.also(heard.append)(answered())
    assert (len(heard), waiting(registry)) == (1, 1.0)


async def test_the_exporter_stays_while_its_section_does() -> None:
    """What waits goes on waiting, and other targets are told of at once."""
    telling, registry = opened(CONFIG)
    on_result = telling.also(lambda _result: None)
    on_result(answered())
    before = telling._exporter
    telling.take_up(replace(CONFIG, targets=(replace(TARGET, name="new"),)))
    on_result(answered(target="new"))
    assert telling._exporter is before
    assert waiting(registry) == 2.0


async def test_another_endpoint_is_another_exporter() -> None:
    """None, one, another, none, one again: counters are registered once."""
    telling, registry = opened(OFF)
    async with asyncio.TaskGroup() as group:
        group.create_task(telling.run())
        await asyncio.sleep(0)
        exporter = None
        for config in (CONFIG, ELSEWHERE, OFF, CONFIG):
            telling.take_up(config)
            await until_other(telling, exporter)
            exporter = telling._exporter
            assert (exporter is None) == (config.otlp is None)
        telling.stop()
    assert waiting(registry) == 0.0


async def test_a_stop_before_anything_began() -> None:
    """Ends as well."""
    for config in (OFF, CONFIG):
        telling, _ = opened(config)
        telling.stop()
        async with asyncio.timeout(5):
            await telling.run()


async def test_targets_that_change_while_an_exporter_is_made_are_told_of() -> None:
    """It is made in a thread, of the configuration of that moment; the newest one counts."""
    telling, registry = opened(OFF)
    async with asyncio.TaskGroup() as group:
        group.create_task(telling.run())
        await asyncio.sleep(0)
        telling.take_up(CONFIG)
        for _ in range(3):  # the thread is at it
            await asyncio.sleep(0)
        telling.take_up(replace(CONFIG, targets=(replace(TARGET, name="new"),)))
        await until_other(telling, None)
        telling.also(lambda _result: None)(answered(target="new"))
        assert waiting(registry) == 1.0
        telling.stop()
