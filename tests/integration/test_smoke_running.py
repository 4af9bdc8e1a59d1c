"""A round over real sockets: whom it asks, how long it waits, and what it leaves behind."""

import asyncio
from dataclasses import replace

import pytest

from monitor.config.values import Config
from monitor.smoke.probed import Probed
from monitor.smoke.running import probe_all
from probes.lag import LagMeter
from probes.result import ProbeResult, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Provider
from tests.integration.fault_server import serving
from tests.integration.faults import silent
from tests.integration.probing import KEY, chat


def config(url: str, *names: str, at_once: int = 8) -> Config:
    provider = Provider(
        name="p",
        preset="openai",
        base_url=url,
        api_key=SecretSource(Secret(KEY)),
        max_concurrency=at_once,
    )
    targets = tuple(chat(name=name) for name in names)
    return Config(source="test", location="here", providers=(provider,), targets=targets, rules=())


async def test_waiting_for_a_place_is_no_part_of_a_timeout() -> None:
    """With one place each probe has all of its time, and they are told of as they end."""
    told: list[Probed] = []
    with serving(silent) as server:
        asked = config(server.url, "a", "b", "c", at_once=1)
        found = await probe_all(asked, asked.targets, LagMeter(), 0.2, told.append)
    assert [each.target.name for each in found.probed] == ["a", "b", "c"]
    assert [each.verdict for each in found.results] == [Verdict.TIMEOUT] * 3
    assert all(each.total_s == pytest.approx(0.2) for each in found.results)
    assert sorted(each.target.name for each in told) == ["a", "b", "c"]
    assert found.took_s >= 0.6
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_side_by_side_where_there_is_room() -> None:
    """Three that hang are over when one is."""
    with serving(silent) as server:
        asked = config(server.url, "a", "b", "c")
        found = await probe_all(asked, asked.targets, LagMeter(), 0.5)
    assert (found.failed, found.ok) == (3, False)
    began = [each.at for each in found.results]
    assert max(began) - min(began) < 0.5


async def test_only_what_is_chosen_is_asked() -> None:
    """And of the others no connection is made."""
    with serving(silent) as server:
        asked = config(server.url, "a", "b")
        found = await probe_all(asked, asked.targets[1:], LagMeter(), 0.1)
    (only,) = found.probed
    assert isinstance(only.found, ProbeResult)
    assert only.target == replace(asked.targets[1])


async def test_an_interrupted_round_leaves_nothing_behind() -> None:
    """Connections are closed, and no task goes on."""
    with serving(silent) as server:
        asked = config(server.url, "a", "b")
        task = asyncio.create_task(probe_all(asked, asked.targets, LagMeter()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
