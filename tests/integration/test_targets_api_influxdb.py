"""The API about targets when the past is asked of a real InfluxDB."""

from dataclasses import replace
from pathlib import Path

from monitor.api.models.targets import Mark, Series
from monitor.config.load import load
from probes.result import Fault
from tests.integration.targets_api import CHAT, FRAME, NOW, life, minutely, path
from tests.integration.test_rebuild_influxdb import written
from tests.servers.influxdb import Influxdb
from tests.unit.aggregator.samples import timeout

STORE = """, history: influxdb,
  influxdb: {url: "${URL}", token: "${TOKEN}", bucket: "${BUCKET}", org: o}"""


async def test_the_past_comes_from_where_it_is_configured(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """Figures and troubles from InfluxDB, which is told of no skips: they are null, and never 0."""
    file = tmp_path / "sonde.yaml"
    file.write_text(FRAME.replace("@@", CHAT).replace("!!", STORE))
    environ = {"URL": influxdb.url, "TOKEN": influxdb.token, "BUCKET": influxdb.bucket}
    found = load(file, environ, cwd=tmp_path, strict=False).config
    assert found.store.influxdb is not None
    made = [*minutely(NOW - 3_600, NOW - 60), timeout(9.0, at=NOW - 60, slot=7)]
    await written(tmp_path, influxdb, made)
    async with life(found) as now:
        await now.skip(NOW - 30)
        series = Series.model_validate(await now.get(path("chat", "/series"), step_s=3_600))
        (mark,) = [Mark.model_validate(each) for each in await now.get(path("chat", "/events"))]
        here = replace(found.store, history=type(found.store.history).LEDGER)
        now.sources = replace(now.sources, config=replace(found, store=here))
        own = Series.model_validate(await now.get(path("chat", "/series"), step_s=3_600))
    assert series.at == [NOW - 3_600]
    assert series.n == [60]
    assert series.missed == [None]
    assert series.verdicts == {"timeout": [1]}
    assert series.headroom == [None]
    assert (mark.kind, mark.fault, mark.at, mark.until) == (
        "trouble",
        Fault.PROVIDER,
        NOW - 60,
        None,
    )
    assert (own.n, own.missed) == ([0], [1])
