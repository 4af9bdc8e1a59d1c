"""A slot among replicas: counted once, whatever each of them made of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.heard import Standing
from aggregator.ledger import Ledger
from aggregator.results import SkippedSlot
from aggregator.stores.rebuild import begin
from aggregator.window import Windows
from monitor.clock import Clock
from monitor.cluster.protocol import Heard, News
from monitor.daemon import SCHEMAS
from monitor.elsewhere import Elsewhere
from monitor.hearing import AT_ONCE, Hearing
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from probes.result import Failing, Fault, ProbeResult, SkipReason, Verdict
from probes.target import Slot
from tests.unit.aggregator.samples import embedding_target, result

NOW = 1_763_000_000.0
TARGET = embedding_target(name="chat", provider="openai")


class Station:
    """A pipeline that is not alone, and its ears."""

    def __init__(self, folder: Path, *, ahead_s: float = 0.0) -> None:
        self.ledger = Ledger.open(folder / "sonde.db", SCHEMAS, inline=True)
        self.windows, self.elsewhere = Windows(3_600.0), Elsewhere(3_600.0)
        self.wall = NOW
        clock = Clock(lambda: self.wall, lambda: 0.0)
        self.wall += ahead_s  # the clock was set since the start
        self.exported: list[ProbeResult] = []
        self.pipeline = Pipeline(
            *(self.ledger, self.windows, Metrics("here", "1"), clock, "here"),
            self.exported.append,
            alone=False,
        )
        self.learnt: list[ProbeResult] = []
        self.hearing = Hearing(
            *({"chat": TARGET}, "here", self.pipeline, self.elsewhere),
            lambda _target, found: self.learnt.append(found),
            clock,
        )

    async def hear(self, *news: News) -> dict[str, int]:
        """Hear something; return what became of it."""
        heard = [Heard(replica="b", news=each) for each in news]
        found = await self.hearing.take(heard, lambda _connection: None)
        return {word: number for word, number in found.items() if number}

    def counted(self, over_s: float = 3_600.0) -> tuple[int, int]:
        summary = self.windows.summary(("chat",), over_s, NOW)
        return summary.n, summary.missed


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """A station whose ledger is closed in the end."""
    made = Station(tmp_path)
    yield made
    await made.ledger.close()


def found(slot: int, ago_s: float = 10.0, **said: object) -> ProbeResult:
    """Return a result that was had so long ago."""
    return result(slot=slot, at=NOW - ago_s - 1.0, **said)


def skipped(slot: int, failing: Failing | None = None) -> SkippedSlot:
    return SkippedSlot("chat", "here", Slot(slot, NOW), SkipReason.BREAKER, NOW, failing)


async def test_a_slot_that_two_probed_counts_once(station: Station) -> None:
    """Ours gives what was heard of it its place, so it is once in roll-ups and after a restart."""
    assert await station.hear(found(1)) == {"new": 1}
    own = found(1, ago_s=9.0)
    await station.pipeline.take(TARGET, own)
    assert station.counted() == (1, 0)
    assert station.exported == [own]
    rows = await station.ledger.read(
        lambda c: c.execute("SELECT heard_from FROM results ORDER BY id").fetchall()
    )
    assert rows == [("",)]
    assert await station.hear(found(1, ago_s=8.0)) == {"known": 1}


async def test_what_was_heard_stands_where_it_was_had(station: Station) -> None:
    """Not where it was heard; and not in the future, whatever another's clock says."""
    await station.hear(found(1, ago_s=1_000.0), found(2, ago_s=-50.0))
    assert station.counted(over_s=900.0) == (1, 0)
    assert station.counted() == (2, 0)
    assert station.pipeline.last_slot_at["chat"] == NOW


async def test_what_is_heard_late_is_not_of_now(station: Station) -> None:
    """An outage of before that is heard of after newer results is written down, and no alert's."""
    await station.hear(found(9, ago_s=10.0), found(1, ago_s=60.0))
    old = [found(slot, ago_s=600.0, verdict=Verdict.TIMEOUT) for slot in (2, 3, 4)]
    assert await station.hear(*old) == {"late": 3}
    assert station.counted() == (2, 0)
    assert [each.slot for each in station.learnt] == [9, 1]
    assert station.pipeline.last_result["chat"].slot == 1


async def test_what_is_heard_late_of_another_location_is_not_of_now_either(
    station: Station,
) -> None:
    """A region that was cut off tells its backlog: no rule takes it for what is now."""
    assert await station.hear(found(9, location="iad1")) == {"new": 1}
    old = [found(slot, ago_s=600.0, location="iad1") for slot in (2, 3, 4)]
    assert await station.hear(*old) == {"late": 3}
    assert station.elsewhere.windows["iad1"].summary(("chat",), 3_600.0, NOW).n == 1


async def test_a_clock_that_runs_ahead_takes_no_slot_of_tomorrow(station: Station) -> None:
    """What is told of times that have not come is left out: our own results of then will count."""
    assert await station.hear(found(1, ago_s=-3_600.0)) == {"unknown": 1}
    await station.pipeline.take(TARGET, found(1, ago_s=-3_600.0))
    assert station.counted() == (1, 0)


async def test_a_clock_of_ours_that_was_ahead_takes_none_either(station: Station) -> None:
    """When the same numbers come again, each is another slot, though we have such a row."""
    for at in (10.0, 9.0):
        await station.pipeline.take(TARGET, found(1, ago_s=at))
    assert station.counted() == (2, 0)


async def test_another_provider_is_another_target(station: Station) -> None:
    """Under the same name: a replica whose configuration is not ours."""
    assert await station.hear(found(1, provider="evil")) == {"unknown": 1}


async def test_nothing_comes_back_of_a_target_that_is_gone(station: Station) -> None:
    """Another configuration was taken up while its news was written down."""
    station.pipeline.keep_only({})
    assert await station.hear(found(1)) == {"late": 1}
    assert station.counted() == (0, 0)
    assert not station.pipeline.last_slot_at


async def test_a_clock_that_was_set_moves_nothing(tmp_path: Path) -> None:
    """Wall times of now are brought to our steady clock."""
    station = Station(tmp_path, ahead_s=5_000.0)
    await station.hear(result(slot=1, at=NOW + 5_000.0 - 101.0))
    assert station.counted(over_s=90.0) == (0, 0)
    assert station.counted(over_s=200.0) == (1, 0)
    await station.ledger.close()


async def test_a_failing_skip_counts_as_it_did_elsewhere(station: Station) -> None:
    """As the failure it stood for."""
    await station.hear(skipped(1, Failing(Verdict.AUTH, Fault.ACCOUNT)), skipped(2))
    summary = station.windows.summary(("chat",), 3_600.0, NOW)
    assert summary.by_fault[Fault.ACCOUNT] == 1
    assert station.pipeline.last_skip["chat"] is SkipReason.BREAKER


async def test_many_are_counted_in_slices(station: Station) -> None:
    """In order, and each learnt from, though others run in between."""
    await station.hear(*(found(slot) for slot in range(2 * AT_ONCE + 1)))
    assert [each.slot for each in station.learnt] == list(range(2 * AT_ONCE + 1))


async def test_a_lost_slot_counts_as_missed_once(station: Station) -> None:
    """Unless something came of it after all."""
    assert await station.pipeline.lost(TARGET, Slot(1, NOW))
    assert not await station.pipeline.lost(TARGET, Slot(1, NOW))
    assert station.counted() == (0, 1)
    assert await station.hear(found(1)) == {"late": 1}
    await station.hear(found(2))
    assert not await station.pipeline.lost(TARGET, Slot(2, NOW))
    assert station.counted() == (1, 1)


async def test_a_ledger_that_takes_nothing_stops_no_news(station: Station) -> None:
    """They count, volatile and loudly so; a lost slot counts as well."""
    await station.ledger.close()
    assert await station.hear(found(1), found(2)) == {Standing.NEW: 2}
    assert await station.pipeline.lost(TARGET, Slot(3, NOW))
    assert station.counted() == (2, 1)
    assert station.pipeline.ledger_error is not None


async def test_what_is_rebuilt_from_influxdb_is_not_heard_as_well(station: Station) -> None:
    """A new ledger has its past from there: the stream's share of it would count twice."""
    began_ns = int((NOW - 100.0) * 1e9)
    await station.ledger.write(lambda c: begin(c, began_ns))
    assert await station.hear(found(1, ago_s=200.0), found(2)) == {"known": 1, "new": 1}
    assert station.counted() == (1, 0)
    assert await station.ledger.write(lambda c: begin(c, 0)) == began_ns


async def test_a_target_that_is_gone_is_written_down_alone(station: Station) -> None:
    """News that were under way when it went out of the configuration, and its lost slots."""
    station.pipeline.keep_only({})
    assert not await station.pipeline.lost(TARGET, Slot(1, NOW))
    assert station.counted() == (0, 0)
