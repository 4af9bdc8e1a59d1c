"""The overview and the list of targets, over a real road and a real ledger."""

import asyncio
from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs

from monitor.api.models.live import Overview
from monitor.api.models.targets import TargetRow
from monitor.api.strips import Strips
from probes.result import Failing, Fault, SkipReason, Verdict
from probes.target import Slot
from tests.integration.targets_api import CHAT, NOW, Life, config, life, minutely
from tests.unit.aggregator.samples import result, timeout

SLOT = Slot(1, NOW)
HOUR = 3_600.0
DAY = 86_400.0


async def overview(now: Life) -> Overview:
    async with now.http as http:
        answer = await http.get("/overview")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return Overview.model_validate_json(answer.content)


async def the_row(now: Life) -> TargetRow:
    (row,) = (await overview(now)).targets
    return row


async def test_a_new_ledger_has_empty_steps(tmp_path: Path) -> None:
    """Before anything was read, and when there is nothing, all lists have their length."""
    async with life(config(tmp_path)) as now:
        for _ in range(2):
            row = await the_row(now)
            assert row.day.n == row.day.missed == [0] * 24
            assert row.month.n == row.month.provider == [0] * 30
            assert row.spark.p50_s == row.spark.first_token_p50_s == [None] * 24
            assert row.now.level == "unknown"
            assert row.now.last is None
            await now.sources.strips.refresh()


async def test_strips_tell_what_roll_ups_know(tmp_path: Path) -> None:
    """Hours and days, refused and missed slots among them, each at its step; others' are not."""
    async with life(config(tmp_path)) as now:
        await now.commit(
            *minutely(NOW - 3 * DAY, NOW - 3 * DAY + HOUR, total_s=2.0),
            *minutely(NOW - 2 * HOUR, NOW - HOUR, first_token_s=0.25, total_s=1.0),
            *minutely(NOW - 2 * HOUR, NOW, location="elsewhere", total_s=9.0),
            *minutely(NOW - 40 * DAY, NOW - 40 * DAY + HOUR),
            timeout(30.0, at=NOW - HOUR + 1, slot=1),
            result(verdict=Verdict.AUTH, fault=Fault.ACCOUNT, at=NOW - HOUR + 2, slot=2),
            result(verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR, at=NOW - HOUR + 3, slot=3),
        )
        failing = Failing(Verdict.OVERLOADED, Fault.PROVIDER)
        await now.skip(NOW - HOUR + 4)
        await now.skip(NOW - HOUR + 5, SkipReason.BREAKER, failing)
        await now.skip(NOW - HOUR + 6, SkipReason.BUDGET)
        await now.roll_up(before=NOW)
        await now.sources.strips.refresh()
        row = await the_row(now)
    assert row.day.since == NOW - 23 * HOUR
    assert row.day.n[21:] == [60, 3, 0]
    assert row.day.provider[21:] == [0, 2, 0]
    assert row.day.other[21:] == [0, 1, 0]
    assert row.day.missed[21:] == [0, 2, 0]
    assert sum(row.day.n) == 63
    assert row.month.n[26:] == [60, 0, 0, 63]
    assert sum(row.month.n) == 123
    assert row.month.provider[29] == 2
    assert row.spark.p50_s[21:] == [1.0, None, None]
    assert row.spark.first_token_p50_s[21] == 0.25


async def test_what_is_committed_is_counted_along_once(tmp_path: Path) -> None:
    """By its number, whether it was rolled up meanwhile or not; late ones in their hour."""
    async with life(config(tmp_path)) as now:
        strips = now.sources.strips
        await now.commit(*minutely(NOW - 600, NOW))
        await strips.refresh()
        assert sum((await the_row(now)).day.n) == 10
        await now.roll_up()
        await now.commit(*minutely(NOW, NOW + 300, total_s=3.0))
        await now.skip(NOW + 1)
        await strips.refresh()
        await now.roll_up()
        await now.commit(result(at=NOW - 5, slot=5), result(at=NOW - 5 * HOUR, slot=6))
        await now.commit(result(at=NOW + 400, slot=7, attempt=2))
        for _ in range(2):
            await strips.refresh()
            row = await the_row(now)
            assert row.day.n[18:] == [1, 0, 0, 0, 11, 5]
            assert row.day.missed[-1] == 1
            assert row.month.n[-1] == 17
            assert row.spark.p50_s[-1] is not None
            assert abs(row.spark.p50_s[-1] - 3.0) <= 0.03


async def test_the_past_is_read_anew_each_hour(tmp_path: Path) -> None:
    """What was imported meanwhile is in it then; hours move on, and nothing counts twice."""
    async with life(config(tmp_path)) as now:
        strips = now.sources.strips
        await now.commit(*minutely(NOW - 600, NOW))
        await strips.refresh()
        await now.commit(*minutely(NOW - 2 * DAY, NOW - 2 * DAY + 600))
        await now.ledger.write(
            lambda c: c.execute("UPDATE results SET id = -id WHERE at < ?", (NOW - DAY,)).rowcount
        )
        await now.roll_up()
        await strips.refresh()
        assert sum((await the_row(now)).month.n) == 10
        now.wall[0] += HOUR
        await strips.refresh()
        row = await the_row(now)
    assert sum(row.month.n) == 20
    assert row.day.n[21:] == [10, 0, 0]
    assert row.day.since == NOW - 22 * HOUR


async def test_a_roll_up_of_a_newer_version(tmp_path: Path) -> None:
    """Its target has empty strips, and the others have theirs."""
    other = CHAT.replace("chat", "other")
    async with life(config(tmp_path, (CHAT, other))) as now:
        await now.commit(*minutely(NOW - 600, NOW), *minutely(NOW - 600, NOW, target="other"))
        await now.roll_up()
        spoilt = "UPDATE rollups SET bucket = x'07' WHERE series = 1"
        await now.ledger.write(lambda c: c.execute(spoilt).rowcount)
        await now.sources.strips.refresh()
        found = {row.now.name: row for row in (await overview(now)).targets}
    assert sum(found["chat"].day.n) == 0
    assert sum(found["other"].day.n) == 10


async def test_targets_as_they_are_now(tmp_path: Path) -> None:
    """The newest result, figures of the shown window, and why it is not probed."""
    async with life(config(tmp_path)) as now:
        for number in range(20):
            await now.take(result(at=NOW, slot=number, total_s=1.0 + number, cost_usd=0.5))
        target = now.sources.config.targets[0]
        now.road.pipeline.slot_skipped(target, SLOT, SkipReason.BUDGET)
        row = (await the_row(now)).now
        assert row.level == "ok"
        assert row.last is not None
        assert row.last.total_s == 20.0
        assert row.paused == "budget"
        assert row.figures.window == "15m"
        assert row.figures.samples == 20
        assert row.figures.p50_s is not None
        assert row.figures.p50_s.value == 10.0
        assert row.figures.cost_usd == 10.0
        now.road.pipeline.slot_skipped(target, SLOT, SkipReason.IN_FLIGHT)
        assert (await the_row(now)).now.paused == ""
        await now.take(replace(timeout(30.0, at=NOW + 1, slot=50), detail="<b>no</b>"))
        row = (await the_row(now)).now
        assert row.level == "failing"
        assert row.last is not None
        assert row.last.detail == "<b>no</b>"
        now.wall[0] += 2_000
        assert (await the_row(now)).now.level == "unknown"


async def test_rows_without_news_are_the_same_objects(tmp_path: Path) -> None:
    """So whoever streams them sends what changed alone; a new rank alone makes another."""
    targets = [CHAT.replace("chat", name) for name in ("a", "b", "c")]
    async with life(config(tmp_path, targets)) as now:
        for name in "abc":
            await now.take(result(target=name, at=NOW))
        first = await now.sources.present.rows()
        again = await now.sources.present.rows()
        assert [each.name for each in first] == ["a", "b", "c"]
        assert all(one is other for one, other in zip(first, again, strict=True))
        await now.take(timeout(9.0, target="b", at=NOW, slot=2))
        later = await now.sources.present.rows()
    assert [(each.name, each.rank) for each in later] == [("b", 0), ("a", 1), ("c", 2)]
    assert later[2] is first[2]
    assert later[1].model_copy(update={"rank": 0}) == first[0]


async def test_a_list_of_targets(tmp_path: Path) -> None:
    """Filtered by provider, level and words, page by page, the worst first."""
    targets = [CHAT.replace("chat", f"n{number}") for number in range(5)]
    async with life(config(tmp_path, targets)) as now:
        for number in range(4):
            await now.take(result(target=f"n{number}", at=NOW))
        await now.take(timeout(9.0, target="n3", at=NOW, slot=2))
        found = await now.get("/targets", limit=2)
        names = [each["name"] for each in found["items"]]
        while found["next_cursor"] is not None:
            found = await now.get("/targets", limit=2, cursor=found["next_cursor"])
            names += [each["name"] for each in found["items"]]
        assert names == ["n3", "n4", "n0", "n1", "n2"]
        for asked, expected in (
            ({"level": "failing"}, ["n3"]),
            ({"q": "N1"}, ["n1"]),
            ({"provider": "p", "level": "unknown"}, ["n4"]),
            ({"provider": "q"}, []),
        ):
            found = await now.get("/targets", **asked)
            assert [each["name"] for each in found["items"]] == expected
        assert (await now.refusal("/targets", cursor="²"))[0] == 422
        assert (await now.refusal("/targets", level="bad"))[0] == 422


async def test_a_ledger_that_cannot_be_read_is_asked_again(tmp_path: Path) -> None:
    """It is logged, what was read stays, and the task goes on: a page stops no daemon."""
    async with life(config(tmp_path)) as now:
        await now.commit(*minutely(NOW - 600, NOW))
        await now.sources.strips.refresh()
        await now.ledger.close()
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(now.sources.strips.run(), name="reading of the past")
                while not logs:  # noqa: ASYNC110 - it tells nobody else
                    await asyncio.sleep(0.01)
                assert not task.done()
                task.cancel()
        assert [each["event"] for each in logs] == ["strips.not_read"]
        assert sum((await the_row(now)).day.n) == 10


async def test_another_life_goes_on_with_what_was_read(tmp_path: Path) -> None:
    """Strips are there at once, count along without a gap, and new targets are read."""
    async with life(config(tmp_path)) as now:
        await now.commit(*minutely(NOW - 600, NOW), *minutely(NOW - 600, NOW - 300, target="other"))
        await now.roll_up()
        await now.sources.strips.refresh()
        await now.commit(*minutely(NOW, NOW + 120))
        found = now.sources.config
        another = replace(found.targets[0], name="other")
        found = replace(found, targets=(*found.targets, another))
        strips = Strips(found, now.ledger, now.sources.clock)
        strips.take_over(now.sources.strips)
        assert strips.of("chat") == now.sources.strips.of("chat")
        await strips.refresh()
        whole = Strips(found, now.ledger, now.sources.clock)
        await whole.refresh()
        assert strips.of("chat") == whole.of("chat")
        assert b'"n":[' + b"0," * 22 + b"5,0]" in strips.of("other")
        alone = Strips(replace(found, targets=(another,)), now.ledger, now.sources.clock)
        alone.take_over(strips)
        await alone.refresh()
        assert alone.of("other") == strips.of("other")
