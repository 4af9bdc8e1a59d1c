"""Where a result was measured, at every station of the road; and what several places say together.

Replicas at two other locations would tell of their results over a stream; here the road hears of
them as it does from there.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import Asked, page
from aggregator.stores.spool import pending_results
from aggregator.transfer.formats import Format, encoder
from aggregator.transfer.table import Selection
from alerting.expression import parse
from alerting.notification import Notification
from alerting.outbox import decode
from alerting.quorum import Quorum
from alerting.rule import Rule, Severity
from monitor.api.sources import sources_of
from monitor.clock import Clock
from monitor.config.values import Cluster, Config
from monitor.daemon import SCHEMAS
from monitor.otlp.subject import subjects
from monitor.report.subjects import places
from monitor.road import Observers, Road
from monitor.shipping import window_lines
from monitor.web.scrape import Scrapes
from probes.lag import LagMeter
from probes.result import Fault, ProbeResult, Verdict
from probes.secret import SecretSource
from tests.integration.targets_api import NOW, config, unasked
from tests.unit.aggregator.samples import result

EVERYWHERE: Final = Rule(
    name="DownEverywhere",
    when=parse("consecutive_failures(provider) >= 3"),
    over_s=900.0,
    severity=Severity.CRITICAL,
    quorum=Quorum(2, 3),
)
FINE: Final = (Verdict.OK, Fault.NONE)
BAD: Final = (Verdict.SERVER_ERROR, Fault.PROVIDER)


class Recorder:
    """A channel that is never reached: its messages stay in the outbox."""

    name = "recorder"

    async def send(self, notification: Notification, /) -> None:
        raise AssertionError(f"nothing is delivered here: {notification}")

    async def close(self) -> None:
        """Hold nothing."""


@dataclass
class Replica:
    """A replica at fra1, and what the others find."""

    config: Config
    road: Road
    ledger: Ledger
    clock: Clock
    now: list[float]

    async def find(self, location: str, found: tuple[Verdict, Fault]) -> None:
        """Have one result, ours or told by another location."""
        verdict, fault = found
        at = self.now[0]
        made: ProbeResult = result(
            provider="p",
            model="m",
            location=location,
            slot=int(at // 60),
            slot_at=at,
            at=at,
            verdict=verdict,
            fault=fault,
        )
        if location == "fra1":
            await self.road.take(self.config.targets[0], made)
        else:
            self.road.lasting.elsewhere.take(made, at)

    async def minutes(self, number: int, **found: tuple[Verdict, Fault]) -> None:
        """Have a result a minute at each of these locations, and evaluate after each."""
        for _ in range(number):
            self.now[0] += 60.0
            for location, each in found.items():
                await self.find(location, each)
            await self.road.evaluator.evaluate()

    async def messages(self) -> dict[str, Notification]:
        """Return what people were to be told, the newest of each alert."""
        rows = await self.ledger.read(
            lambda c: c.execute("SELECT payload FROM outbox ORDER BY seq").fetchall()
        )
        told = [decode(payload) for (payload,) in rows]
        return {each.alertname: each for each in told}

    def firing(self) -> dict[str, dict[str, str]]:
        """Return the labels of what fires, by rule."""
        return {each.alertname: dict(each.labels) for each in self.road.engine.alerts()}


@asynccontextmanager
async def replica(folder: Path) -> AsyncIterator[Replica]:
    """Make a replica of one of three locations."""
    group = Cluster(redis=SecretSource(), replica="fra1-0", locations=("fra1", "iad1", "sin1"))
    found = config(folder)
    found = replace(found, location="fra1", cluster=group, rules=(*found.rules, EVERYWHERE))
    ledger = Ledger.open(found.store.path, SCHEMAS)
    now = [NOW]
    clock = Clock(lambda: now[0], lambda: now[0])
    try:
        channels = {"recorder": Recorder()}
        road = Road(found, ledger, channels, unasked, clock, LagMeter(), Observers())
        yield Replica(found, road, ledger, clock, now)
    finally:
        await ledger.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log of transitions out of the output."""
    with capture_logs():
        yield


async def test_every_station_says_where(tmp_path: Path) -> None:
    """From the ledger to the message: whoever reads it knows that it was seen from fra1."""
    async with replica(tmp_path) as here:
        await here.minutes(4, fra1=BAD, iad1=FINE, sin1=FINE)
        sources = sources_of(here.road, None, here.ledger, here.clock, NOW)

        asked = Asked(target="chat", location="fra1", since=0.0, until=2 * NOW, failed=False)
        rows, _ = await here.ledger.read(lambda c: page(c, asked, None, 10))
        assert {row.location for _, row in rows} == {"fra1"}

        told = await here.messages()
        assert dict(told["Down"].labels)["location"] == "fra1"
        assert here.firing()["Down"]["location"] == "fra1"
        alerts = await sources.board.rows()
        assert {row.labels["location"] for row in alerts} == {"fra1"}

        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=Scrapes(here.road.metrics)), base_url="http://sonde"
        ) as http:
            text = (await http.get("/metrics")).text
        samples = [
            each for family in text_string_to_metric_families(text) for each in family.samples
        ]
        of_targets = [each for each in samples if "target" in each.labels]
        assert {each.name for each in of_targets} > {"sonde_window_samples", "sonde_probe_success"}
        assert {each.labels["location"] for each in of_targets} == {"fra1"}

        points = await here.ledger.read(lambda c: pending_results(c, 0, 10))
        assert points.lines
        assert all(b",location=fra1," in line for line in points.lines)
        readings = here.road.metrics.newest.evaluated.readings
        lines = list(window_lines(readings, here.config.location, 0))
        assert lines
        assert all(",location=fra1," in line for line in lines)

        spans = subjects(here.config.targets, here.config.providers, here.config.location)
        assert dict(spans["chat"].common)["sonde.location"] == "fra1"
        assert await here.ledger.read(places) == {"chat": {"fra1"}}
        csv = encoder(Format.CSV)
        exported = await here.ledger.read(lambda c: csv.page(c, 0, 10, Selection(0.0, 2 * NOW)))
        assert exported.data.count(b",fra1,") == 4


async def test_an_alert_of_one_region_says_that_it_is_one(tmp_path: Path) -> None:
    """In its message and on the page; the rule that asks all of them is silent."""
    async with replica(tmp_path) as here:
        await here.minutes(4, fra1=BAD, iad1=FINE, sin1=FINE)
        told = await here.messages()
        sources = sources_of(here.road, None, here.ledger, here.clock, NOW)
        (row,) = [each for each in await sources.board.rows() if each.name == "Down"]
    line = "Down in fra1 only: iad1 and sin1 get answers"
    assert told["Down"].notes[0] == line
    assert row.notes[0] == line
    assert "DownEverywhere" not in here.firing()


async def test_a_region_is_woken_by_the_others(tmp_path: Path) -> None:
    """What two of three see fires here too, though here all is well; it is of no location."""
    async with replica(tmp_path) as here:
        await here.minutes(4, fra1=FINE, iad1=BAD, sin1=BAD)
        labels = here.firing()["DownEverywhere"]
        message = (await here.messages())["DownEverywhere"]
        sources = sources_of(here.road, None, here.ledger, here.clock, NOW)
        (row,) = [each for each in await sources.board.rows() if each.name == "DownEverywhere"]
    assert "location" not in labels
    assert "location" not in dict(message.labels)
    assert "location" not in row.labels
    assert message.summary.endswith("; at iad1 (3) and sin1 (3), not at fra1 (0)")
    assert row.condition == "consecutive_failures(provider) >= 3 at 2 of 3 locations"


async def test_a_region_that_falls_silent_neither_fires_nor_ends(tmp_path: Path) -> None:
    """Its last figures do not count on, and its alert stays until somebody says that it is over."""
    async with replica(tmp_path) as here:
        await here.minutes(4, fra1=FINE, iad1=BAD, sin1=BAD)
        await here.minutes(5, fra1=FINE, iad1=BAD)
        assert "DownEverywhere" in here.firing()
        (alert,) = [each for each in here.road.engine.alerts() if each.rule is EVERYWHERE]
        assert [each.reports for each in alert.votes] == [True, True, False]
        await here.minutes(1, fra1=FINE, iad1=FINE)
        assert "DownEverywhere" not in here.firing()
        await here.minutes(4, fra1=FINE, iad1=BAD)
        assert "DownEverywhere" not in here.firing()
