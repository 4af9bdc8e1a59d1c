"""The stream over a real socket: what is told, in which order, and when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from monitor.api.models.live import Tick
from monitor.api.stream import MOST
from tests.integration.api_served import WRITE, Served, served


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


class Listener:
    """Reads events off one stream."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.headers = answer.headers
        self._lines = answer.aiter_lines()

    async def event(self) -> tuple[str, str, Any]:  # Any: JSON of any shape
        """Return the next event's id, name and data."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(30):
            async for line in self._lines:
                if not line and "data" in fields:
                    return fields["id"], fields["event"], json.loads(fields["data"])
                name, _, value = line.partition(": ")
                fields[name] = value
        raise AssertionError("the stream has ended")

    async def rest(self) -> None:
        """Read until the stream ends."""
        async with asyncio.timeout(15):
            async for _line in self._lines:
                continue


@asynccontextmanager
async def listening(daemon: Served, **headers: str) -> AsyncIterator[Listener]:
    async with daemon.http.stream("GET", "/stream", headers=headers) as answer:
        assert answer.status_code == 200
        yield Listener(answer)


async def test_who_is_new_gets_everything_once(daemon: Served) -> None:
    """The first tick holds all there is; what follows goes on from its id."""
    await daemon.firing()
    async with listening(daemon) as listener:
        assert listener.headers["content-type"].startswith("text/event-stream")
        first_id, name, data = await listener.event()
        tick = Tick.model_validate(data)
        assert name == "tick"
        assert tick.instance is not None
        assert {row.name for row in tick.targets} == {"chat/one", "two"}
        assert tick.alerts
        second_id, name, data = await listener.event()
    Tick.model_validate(data)
    life, _, number = second_id.partition(".")
    assert first_id.startswith(life)
    assert int(number) > int(first_id.partition(".")[2])


async def test_who_comes_back_gets_what_was_missed(daemon: Served) -> None:
    """With the id of what was heard, the next tick is of what changed after it, and no resync."""
    await daemon.firing()
    async with listening(daemon) as listener:
        heard, _, _ = await listener.event()
    async with listening(daemon, **{"Last-Event-ID": heard}) as listener:
        later, name, _ = await listener.event()
    life, _, number = later.partition(".")
    assert (name, life) == ("tick", heard.partition(".")[0])
    assert int(number) > int(heard.partition(".")[2])


async def test_after_a_restart_everything_is_asked_for_anew(daemon: Served) -> None:
    """An id of another life, or one that nobody gave, gets `resync` first and ticks then."""
    for unknown in ("00000000.1", "nonsense", "x.y", f"{'9' * 90}.1"):
        async with listening(daemon, **{"Last-Event-ID": unknown}) as listener:
            assert (await listener.event())[1:] == ("resync", {})


async def test_an_alert_that_is_silenced_is_told_at_once(daemon: Served) -> None:
    """What somebody does on one page shows on everybody's, within an evaluation and a second."""
    alert = await daemon.firing()
    async with listening(daemon) as listener:
        await listener.event()
        body = {"author": "ann", "comment": "mine"}
        path = f"/alerts/{alert['fingerprint']}/acknowledge"
        assert (await daemon.http.post(path, json=body, headers=WRITE)).status_code == 201
        for _ in range(20):
            _, _, data = await listener.event()
            rows = {row["fingerprint"]: row for row in data["alerts"] or ()}
            if rows.get(alert["fingerprint"], {}).get("acknowledged"):
                return
    raise AssertionError("nobody was told")


async def test_streams_are_counted_and_bounded(daemon: Served) -> None:
    """One too many finds no place and is counted; a place that becomes free is given away."""
    feed = daemon.daemon._feed  # a hundred sockets would prove no more
    async with listening(daemon) as listener:
        await listener.event()
        assert feed.listeners == 1
    for _ in range(50):
        if not feed.listeners:
            break
        await asyncio.sleep(0.1)
    assert feed.listeners == 0
    feed.listening(MOST)
    refused = await daemon.http.get("/stream")
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    metrics = (await daemon.http.get(f"{daemon.url}/metrics")).text
    assert "sonde_api_streams_refused_total 1.0" in metrics
    feed.listening(-MOST)


async def test_streams_end_when_the_daemon_stops(daemon: Served) -> None:
    """At once, so that none of them uses up the time there is for stopping."""
    async with listening(daemon) as listener:
        await listener.event()
        daemon.daemon._feed.stop()  # what stopping does first
        await listener.rest()
