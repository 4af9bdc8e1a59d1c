"""One target, its series, marks and attempts, over a real road and a real ledger."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import monitor.api.asking
from aggregator.drift import save_sightings
from alerting.alert import Identity
from alerting.routing.router import Decision, Event
from alerting.routing.store import log_decisions
from monitor.api.models.targets import Mark, ProbeRow, Series, TargetDetail
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import Saying, Words, note
from probes.drift import DriftKind, Sighting
from probes.result import Fault, RateLimit, SkipReason, Verdict
from tests.integration.targets_api import NOW, Life, config, life, minutely, path
from tests.unit.aggregator.samples import result, stream, timeout

HOUR = 3_600.0
DAY = 86_400.0
NAMES = ("chat", "openai/gpt-4o", "a/series", "a", "x/../y", "w@1:2/probes", "events")
EXPECTING = (
    "{name: chat, provider: p, model: m, deadline: 20s, prompt: 'Say <ok>', "
    "expect: {contains: ok, regex: '^o'}}"
)
INFLUXDB = ", influxdb: {url: 'http://127.0.0.1:9', bucket: b}, history: influxdb"


async def series(now: Life, **asked: float) -> Series:
    return Series.model_validate(await now.get(path("chat", "/series"), **asked))


async def marks(now: Life, **asked: float) -> list[Mark]:
    return [Mark.model_validate(each) for each in await now.get(path("chat", "/events"), **asked)]


async def test_a_target_and_what_is_set(tmp_path: Path) -> None:
    """Each window, what an answer must be, the prompt as it is written."""
    async with life(config(tmp_path, (EXPECTING,))) as now:
        await now.take(result(at=NOW))
        found = TargetDetail.model_validate(await now.get(path("chat")))
        assert [each.window for each in found.windows] == ["5m", "15m", "1h"]
        assert [each.samples for each in found.windows] == [1, 1, 1]
        assert found.deadline_s == 20.0
        assert found.prompt == "Say <ok>"
        assert found.expects == ['contains "ok"', "matches ^o"]
        assert found.status_page == found.usual == ""
        words = frozenset({Words(PageState.DEGRADED), Words(PageState.DEGRADED, "Slow answers")})
        said = Saying("p", "status.example", NOW - 40, words)
        now.sources = replace(now.sources, sayings=lambda: [said])
        found = TargetDetail.model_validate(await now.get(path("chat")))
        assert found.status_page == (
            "provider reports: degraded: “Slow answers” (status page read 40s ago)"
        )


async def test_a_model_list_has_no_prompt(tmp_path: Path) -> None:
    """Null says so."""
    target = "{name: chat, provider: p, model: m, operation: models}"
    async with life(config(tmp_path, (target,))) as now:
        assert (await now.get(path("chat")))["prompt"] is None


async def test_every_name_a_configuration_allows(tmp_path: Path) -> None:
    """Slashes separate nothing when they are quoted, not even before the words of our paths."""
    targets = [f'{{name: "{name}", provider: p, model: m}}' for name in NAMES]
    async with life(config(tmp_path, targets)) as now:
        for name in NAMES:
            await now.take(result(target=name, at=NOW))
            assert (await now.get(path(name)))["now"]["name"] == name
            assert (await now.get(path(name, "/series")))["target"] == name
            assert len((await now.get(path(name, "/probes")))["items"]) == 1
            assert await now.get(path(name, "/events")) == []
        assert (await now.get("/targets/openai/gpt-4o"))["now"]["name"] == "openai/gpt-4o"
        for name in ("nobody", "a/", "%2e%2e", "chat\x00", "🦆"):
            for rest in ("", "/series", "/events", "/probes"):
                assert (await now.refusal(path(name, rest)))[0] == 404


async def test_a_series_of_all_there_is(tmp_path: Path) -> None:
    """Counts, figures, failures by verdict and fault, and what is not known as null."""
    async with life(config(tmp_path)) as now:
        limits = (RateLimit("requests", 100, 40, None), RateLimit("tokens", 1_000, 900, 1.0))
        odd = (RateLimit("requests", None, 40, None), RateLimit("tokens", 10, 90, 1.0))
        await now.commit(
            *minutely(NOW - HOUR, NOW - HOUR + 1_200, cost_usd=0.5, rate_limits=limits),
            *minutely(NOW - HOUR, NOW - HOUR + 1_200, location="elsewhere"),
            timeout(30.0, at=NOW - 100, slot=2, rate_limits=odd),
            result(verdict=Verdict.RESET, fault=Fault.NETWORK, at=NOW - 90, slot=3),
            stream(0.5, 2.5, 21, at=NOW - 80, slot=4),
        )
        await now.skip(NOW - 70)
        await now.skip(NOW - 60, SkipReason.BUDGET)
        await now.roll_up()
        await now.commit(result(at=NOW - 50, slot=5))  # in no roll-up yet
        found = await series(now, step_s=1_800)
    assert (found.since, found.until, found.step_s) == (NOW - DAY, NOW, 1_800)
    assert found.at == [NOW - HOUR, NOW - 1_800]
    assert found.n == [20, 4]
    assert found.missed == [0, 1]
    assert found.p50_s == [1.0, None]
    assert found.p99_s == [1.0, None]
    assert found.lower_bound == [False, False]
    assert found.verdicts == {"reset": [0, 1], "timeout": [0, 1]}
    assert found.faults == {"network": [0, 1], "provider": [0, 1]}
    assert found.cost_usd == [10.0, None]
    assert found.headroom == [0.4, 1.0]


async def test_timeouts_make_a_lower_bound(tmp_path: Path) -> None:
    """Steps in which a p95 or p99 is one say so."""
    async with life(config(tmp_path)) as now:
        for number in range(20):
            made = timeout(9.0, at=NOW - 60, slot=number)
            await now.commit(made if number > 15 else result(at=NOW - 60, slot=number))
        found = await series(now)
    assert found.lower_bound == [True]
    assert found.p95_s == [pytest.approx(9.0, rel=0.02)]
    assert found.p50_s == [1.0]


async def test_a_series_is_read_in_pieces(tmp_path: Path) -> None:
    """Whatever the pieces are, each step is there once and whole."""
    async with life(config(tmp_path)) as now:
        await now.commit(*minutely(NOW - 30 * HOUR, NOW))
        await now.roll_up(before=NOW)
        for step_s in (60, 300, 3_600, 86_400):
            found = await series(now, since=NOW - 30 * HOUR, until=NOW, step_s=step_s)
            assert sum(found.n) == 30 * 60
            assert found.at == sorted(set(found.at))
        assert (await series(now, since=NOW - 30 * HOUR, until=NOW)).step_s == 300


@pytest.mark.parametrize(
    "asked",
    [
        {"since": NOW, "until": NOW},
        {"since": NOW - DAY, "step_s": 90},
        {"since": NOW - 10 * DAY, "step_s": 60},
        {"since": 0, "until": 253_402_300_799, "step_s": 86_400},
        {"since": "nan"},
        {"until": "1e400"},
        {"step_s": 0},
    ],
)
async def test_a_series_that_cannot_be(tmp_path: Path, asked: dict[str, float]) -> None:
    """It is refused, and why is said."""
    async with life(config(tmp_path)) as now:
        status, detail = await now.refusal(path("chat", "/series"), **asked)
    assert status == 422
    assert detail


async def test_the_configured_history_is_asked(tmp_path: Path) -> None:
    """An InfluxDB that is not there is a refusal for now, and the overview goes on."""
    async with life(config(tmp_path, store=INFLUXDB)) as now:
        for rest in ("/series", "/events"):
            status, detail = await now.refusal(path("chat", rest))
            assert status == 503
            assert "ConnectError" in detail
        assert (await now.get(path("chat", "/probes")))["items"] == []
        assert len((await now.get("/overview"))["targets"]) == 1


async def test_a_store_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the deadline the asker is told, and may ask for less."""
    monkeypatch.setattr(monitor.api.asking, "DEADLINE_S", 0.05)
    async with life(config(tmp_path)) as now:
        go_on = asyncio.Event()

        async def hang(_work: object, **_asked: object) -> object:
            await go_on.wait()
            return None

        monkeypatch.setattr(now.ledger, "read", hang)
        for rest in ("/series", "/events", "/probes"):
            status, detail = await now.refusal(path("chat", rest))
            assert status == 503
            assert "ask for less" in detail


async def test_marks_of_every_kind(tmp_path: Path) -> None:
    """Troubles, drift, what the provider's page said, alerts of the target and its provider."""
    async with life(config(tmp_path)) as now:
        await now.commit(
            *minutely(NOW - HOUR, NOW - HOUR + 120),
            timeout(9.0, at=NOW - 3_000, slot=2, request_id="req_1"),
            timeout(9.0, at=NOW - 2_990, slot=3),
            result(at=NOW - 2_900, slot=4),
        )
        model = DriftKind.MODEL
        seen = Sighting("chat", "m", model, "m-1", "m-2", NOW - 2_000)
        await now.ledger.write(lambda c: save_sightings(c, [seen]))
        words = frozenset({Words(PageState.OUTAGE), Words(PageState.OUTAGE, "Down <b>")})
        for at, said in ((NOW - 1_800, words), (NOW - 1_500, frozenset()), (NOW - 60, words)):
            saying = Saying("p", "status.example", at, said | {Words(PageState.OPERATIONAL)})
            await now.ledger.write(partial(note, saying=saying, kept_s=1e9))
        own = Identity("Down", (("severity", "critical"), ("target", "chat")))
        keys = Identity("Account", (("provider", "p"), ("severity", "warning")))
        other = Identity("Down", (("provider", "p"), ("severity", "critical"), ("target", "chat2")))
        for at, identity, event, detail in (
            (NOW - 900, own, Event.ROUTED, "everything"),
            (NOW - 900, own, Event.ROUTED, "everything"),
            (NOW - 890, own, Event.TOLD, ""),
            (NOW - 600, own, Event.TOLD_OVER, ""),
            (NOW - 600, own, Event.TOLD_OVER, ""),
            (NOW - 500, keys, Event.INHIBITED, "louder: Down"),
            (NOW - 400, other, Event.ROUTED, ""),
            (NOW - 300, own, Event.NO_ROUTE, ""),
        ):
            made = Decision(identity, event, "", detail)
            await now.ledger.write(partial(log_decisions, decisions=(made,), at=at))
        found = await marks(now)
        later = await marks(now, since=NOW - 550, until=NOW)
    told = [(each.kind, each.at - NOW, each.until and each.until - NOW) for each in found]
    assert told == [
        ("trouble", -3_000, -2_900),
        ("drift", -2_000, None),
        ("status_page", -1_800, -1_500),
        ("status_page", -1_800, -1_500),
        ("alert", -900, -600),
        ("alert", -500, -500),
        ("alert", -300, -300),
        ("status_page", -60, None),
        ("status_page", -60, None),
    ]
    trouble, drift = found[:2]
    assert (trouble.fault, trouble.title) == ("provider", "2 failed in a row")
    assert trouble.detail == "request ids: req_1"
    assert drift.detail == "m-1 → m-2"
    assert {each.title for each in found[2:4]} == {"the whole page says outage", "Down <b>"}
    assert found[5].detail == "warning, held back: louder: Down"
    assert [each.kind for each in later] == ["alert", "alert", "status_page", "status_page"]


async def every_page(now: Life, limit: int, **asked: str | float) -> list[ProbeRow]:
    rows: list[ProbeRow] = []
    cursor = ""
    for number in range(1_000):
        found = await now.get(path("chat", "/probes"), limit=limit, cursor=cursor, **asked)
        rows += [ProbeRow.model_validate(each) for each in found["items"]]
        cursor = found["next_cursor"]
        if cursor is None:
            return rows
        await now.commit(result(at=NOW + number, slot=10_000 + number))
    raise AssertionError("no last page")


async def test_pages_lose_nothing_while_rows_are_added(tmp_path: Path) -> None:
    """Each attempt once, the newest first, those of one moment among them."""
    async with life(config(tmp_path)) as now:
        await now.commit(
            *minutely(NOW - HOUR, NOW),
            *(result(at=NOW - 60, slot=number, attempt=2) for number in range(7)),
            *minutely(NOW - HOUR, NOW, location="elsewhere"),
        )
        for limit in (1, 3, 67, 500):
            rows = await every_page(now, limit, until=NOW - 1)
            assert len({row.id for row in rows}) == len(rows) == 67
            assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
        first = await now.get(path("chat", "/probes"), limit=67, until=NOW - 1)
        assert first["next_cursor"] is None


async def test_failures_alone(tmp_path: Path) -> None:
    """Between wall times; each with what it consisted of as far as that is known."""
    async with life(config(tmp_path)) as now:
        await now.commit(
            *minutely(NOW - HOUR, NOW),
            *(timeout(9.0, at=NOW - 100 * n, slot=n, connect_s=0.1, sent_s=0.1) for n in range(9)),
        )
        rows = await every_page(now, 2, failed="true")
        assert len(rows) == 9
        assert [(each.name, each.ended) for each in rows[0].stages] == [
            ("connect", True),
            ("head", False),
        ]
        rows = await every_page(now, 2, failed="true", since=NOW - 450, until=NOW - 150)
        assert [row.at - NOW for row in rows] == [-200, -300, -400]


@pytest.mark.parametrize(
    "cursor", ["x", "0x1p+3", "nan_1", "inf_1", "0x1p+99999_1", "0x1p+3_99999999999999999999"]
)
async def test_a_cursor_that_is_none(tmp_path: Path, cursor: str) -> None:
    """It is refused, and what is expected is said."""
    async with life(config(tmp_path)) as now:
        status, detail = await now.refusal(path("chat", "/probes"), cursor=cursor)
    assert status == 422
    assert "next_cursor" in detail


async def test_another_life_is_asked_at_once(tmp_path: Path) -> None:
    """Routes keep no sources: after a configuration was taken up anew they ask the new ones."""
    async with life(config(tmp_path)) as now:
        async with now.http as http:
            assert (await http.get(path("new"))).status_code == 404
            target = replace(now.sources.config.targets[0], name="new")
            found = replace(now.sources.config, targets=(target,))
            now.sources = replace(now.sources, config=found)
            assert (await http.get(path("new", "/series"))).status_code == 200
            assert (await http.get(path("chat"))).status_code == 404
