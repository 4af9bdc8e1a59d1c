"""What the API says of other locations: how a target does there now, and how it did."""

from dataclasses import replace
from pathlib import Path

from monitor.api.models.targets import Figures, ProbeRow, Series, TargetDetail
from monitor.config.values import Cluster, Config
from monitor.elsewhere import patience_s
from probes.result import Fault, Verdict
from probes.secret import SecretSource
from tests.integration.targets_api import NOW, config, life, minutely, path
from tests.unit.aggregator.samples import result

BAD = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}


def grouped(folder: Path) -> Config:
    """Return the configuration of one of three locations."""
    group = Cluster(
        redis=SecretSource(), replica="here-0", locations=("here", "iad1", "sin1", "gru1")
    )
    return replace(config(folder), cluster=group)


async def test_a_target_at_every_location(tmp_path: Path) -> None:
    """In the configured order, each with its figures; one that does not report has none."""
    async with life(grouped(tmp_path)) as now:
        for at in range(5):
            moment = NOW - 300 + 60 * at
            await now.take(result(at=moment, slot=at, location="here", **BAD))
            now.road.lasting.elsewhere.take(result(at=moment, location="iad1"), moment)
            now.road.lasting.elsewhere.take(result(at=moment, location="sin1", **BAD), moment)
        detail = TargetDetail.model_validate(await now.get(path("chat")))
        assert [(each.location, each.own, each.level) for each in detail.locations] == [
            ("here", True, "failing"),
            ("iad1", False, "ok"),
            ("sin1", False, "down"),
            ("gru1", False, "unknown"),
        ]
        figures = [each.figures for each in detail.locations]
        assert [each and (each.samples, each.error_rate) for each in figures] == [
            (5, 1.0),
            (5, 0.0),
            (5, 1.0),
            None,
        ]
        assert isinstance(figures[1], Figures)
        assert figures[1].p50_s is not None
        expected = "down in sin1, failing in here, fine in iad1, no report from gru1"
        assert detail.standing == expected
        assert detail.now.failing_at == ["sin1"]
        now.wall[0] += patience_s(now.sources.config.targets)
        later = TargetDetail.model_validate(await now.get(path("chat")))
    assert later.standing == "failing in here, no report from iad1, sin1 and gru1"
    assert later.now.failing_at == []


async def test_one_location_is_not_listed(tmp_path: Path) -> None:
    """Alone, and where nobody says that there are others."""
    async with life(config(tmp_path)) as now:
        detail = TargetDetail.model_validate(await now.get(path("chat")))
    assert (detail.locations, detail.standing, detail.now.failing_at) == ([], "", [])


async def test_the_past_as_seen_from_another_location(tmp_path: Path) -> None:
    """Series and probes of whatever location the ledger has rows of; ours unless one is named."""
    async with life(grouped(tmp_path)) as now:
        await now.commit(
            *minutely(NOW - 600, NOW), *minutely(NOW - 300, NOW, location="iad1", **BAD)
        )
        named = [{}, {"location": "iad1"}, {"location": "nowhere"}]
        series = [
            Series.model_validate(await now.get(path("chat", "/series"), step_s=3_600, **each))
            for each in named
        ]
        rows = [await now.get(path("chat", "/probes"), **each) for each in named]
    assert [sum(each.n) for each in series] == [10, 5, 0]
    assert [each.verdicts for each in series] == [{}, {"server_error": [5]}, {}]
    probes = [[ProbeRow.model_validate(row).verdict for row in each["items"]] for each in rows]
    assert probes == [["ok"] * 10, ["server_error"] * 5, []]
