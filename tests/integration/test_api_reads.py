"""What /api/v1 reads, over a real socket from a daemon that runs."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from structlog.testing import capture_logs

from aggregator.ledger import LedgerError
from monitor.api import costs
from monitor.api.models.alerts import (
    AlertRow,
    HistoryRow,
    MaintenanceRow,
    SilenceRow,
    StoryRow,
)
from monitor.api.models.cluster import Replicas
from monitor.api.models.instance import Instance, Write
from monitor.api.models.money import Costs, LimitRow, SloRow
from monitor.api.models.shape import Page, Problem
from tests.integration.api_served import Served, served


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


SHAPES: dict[str, Any] = {  # Any: whatever pydantic takes for a type
    "/instance": Instance,
    "/cluster": Replicas,
    "/alerts": list[AlertRow],
    "/alerts/history": Page[HistoryRow],
    "/alerts/explain": list[StoryRow],
    "/silences?expired=true": list[SilenceRow],
    "/maintenance": list[MaintenanceRow],
    "/slos": list[SloRow],
    "/costs?days=3": Costs,
    "/ratelimits": list[LimitRow],
    "/audit": Page[Write],
}


async def test_every_route_answers_what_its_model_says(daemon: Served) -> None:
    """Each answer is its model's, with nothing more and nothing less in it."""
    await daemon.firing()
    for path, shape in SHAPES.items():
        answer = await daemon.http.get(path)
        assert answer.status_code == 200, path
        TypeAdapter(shape).validate_json(answer.content, strict=True)


DEAF = """
notify:
  group_wait: 0s
  channels: {ops: {type: webhook, url_file: hook, allow_http: true, allow_private: true}}
"""


class Shut:
    """A ledger that cannot be read."""

    async def read(self, _work: object, **_how: object) -> None:
        raise LedgerError("it does not answer")


async def undelivered(daemon: Served, fingerprint: str) -> str:
    """Return why the channel was not told of an alert, once it is known."""
    for _ in range(100):
        rows = {row["fingerprint"]: row for row in await daemon.get("/alerts")}
        (channel,) = rows[fingerprint]["channels"]
        if channel["undelivered"]:
            assert (channel["channel"], channel["told"]) == ("ops", False)
            return str(channel["undelivered"])
        await asyncio.sleep(0.1)
    raise AssertionError("it was told")


async def test_a_channel_that_took_no_message_was_not_told(tmp_path: Path) -> None:
    """A message that was written and did not arrive has told nobody: the alert says why.

    Alerts are in memory: while the ledger cannot be read they are shown, with what was known.
    """
    (tmp_path / "hook").write_text("http://127.0.0.1:9/", encoding="utf-8")
    async with served(tmp_path, more=DEAF) as daemon:
        fingerprint = (await daemon.firing())["fingerprint"]
        assert (await undelivered(daemon, fingerprint)).startswith("waiting after ")
        board = daemon.daemon._sources.board
        board._ledger = Shut()  # type: ignore[assignment] # a disk that hangs, at once
        with capture_logs() as logged:
            await asyncio.sleep(0.5)
            assert (await undelivered(daemon, fingerprint)).startswith("waiting after ")
        assert "alerts.deliveries_not_read" in {each["event"] for each in logged}


async def test_costs_that_take_too_long_are_refused(daemon: Served) -> None:
    """Not now, and no bug of ours: who asks for a year of much may ask for less."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(costs, "ANSWER_S", 0.0)
        answer = await daemon.http.get("/costs?days=366")
    assert (answer.status_code, answer.json()["title"]) == (503, "Not now")


async def test_an_alert_says_all_that_is_known_of_it(daemon: Served) -> None:
    """Who it is about, since when, why, whose fault; and what silences see of it."""
    alert = await daemon.firing()
    assert alert["provider"] == "dead"
    assert alert["fault"] == "provider"
    assert alert["labels"]["fingerprint"] == alert["fingerprint"]
    assert alert["since"] <= alert["fired_at"]
    assert alert["clear_since"] is None
    assert any("connect_error" in note for note in alert["notes"])


async def test_history_and_stories_tell_why_nobody_was_told(daemon: Served) -> None:
    """Without a channel the history says so, and the story of that alert too."""
    alert = await daemon.firing()
    history = await daemon.get(f"/alerts/history?word={alert['fingerprint']}")
    assert "no route leads to a channel" in history["items"][0]["text"]
    (story,) = await daemon.get(f"/alerts/explain?word={alert['fingerprint']}")
    assert story["name"] == alert["name"]
    assert story["now"] == ["in no group: no route leads to a channel"]


async def test_pages_of_history_lose_and_double_nothing(daemon: Served) -> None:
    """Page by page the same rows as at once, however many are added at the front meanwhile."""
    whole: list[dict[str, Any]] = []
    for _ in range(100):
        whole = (await daemon.get("/alerts/history?limit=500"))["items"]
        if len(whole) >= 4:
            break
        await asyncio.sleep(0.1)
    seen: list[int] = []
    cursor: str | None = str(whole[0]["id"] + 1)
    while cursor is not None:
        page = await daemon.get(f"/alerts/history?limit=1&cursor={cursor}")
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [row["id"] for row in whole]


async def test_objectives_are_told_together_and_each(daemon: Served) -> None:
    """The first row is the objective itself, of all its targets; its burn is what its rules see."""
    await daemon.firing()
    rows: list[dict[str, Any]] = []
    for _ in range(100):
        rows = await daemon.get("/slos")
        if len(rows) == 3 and rows[0]["n"] > 1:
            break
        await asyncio.sleep(0.1)
    assert [row["target"] for row in rows] == ["", "chat/one", "two"]
    assert rows[0]["good_ratio"] == 0.0
    assert rows[0]["burns"][0]["window"] == "1h"
    assert rows[0]["burns"][0]["rate"] == pytest.approx(100.0)


async def test_costs_have_a_column_for_each_day(daemon: Served) -> None:
    """What nobody probed costs null and not 0, and the budget stands beside it."""
    found = await daemon.get("/costs?days=3")
    assert len(found["days"]) == 3
    assert [row["target"] for row in found["rows"]] == ["chat/one", "two"]
    assert found["rows"][0]["usd"][:2] == [None, None]
    assert [budget["limit_usd"] for budget in found["budgets"]] == [5.0]


async def test_maintenance_is_told_with_its_next_time(daemon: Served) -> None:
    """A window of the configuration, when it is open next and for whom."""
    (window,) = await daemon.get("/maintenance")
    assert window["schedule"] == "Sun 02:00-04:00 UTC"
    assert window["matchers"] == ["team=web"]
    assert window["next_until"] - window["next_at"] == 7200.0


async def test_what_did_not_change_is_not_sent_again(daemon: Served) -> None:
    """With the tag of what one has, the answer is 304 without a body; with another it is 200.

    Asked of what no probe changes: costs are others with every request that is paid for.
    """
    first = await daemon.http.get("/openapi.json")
    tag = first.headers["etag"]
    for known, status in ((tag, 304), (f'"x", W/{tag}', 304), ("*", 304), ('"x"', 200)):
        answer = await daemon.http.get("/openapi.json", headers={"If-None-Match": known})
        assert (answer.status_code, bool(answer.content)) == (status, status == 200)
        assert answer.headers["etag"] == tag
    for read in (first, await daemon.http.get("/costs")):
        assert read.headers["cache-control"] == "private, no-cache"
        assert read.headers["etag"]


async def test_short_answers_have_no_tag(daemon: Served) -> None:
    """A 304 would be no shorter; they are not to be kept."""
    answer = await daemon.http.get("/ratelimits")
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


PROBLEMS = {
    "/nothing": 404,
    "/alerts?x=1": 422,
    "/audit?limit=1&limit=2": 422,
    "/audit?limit=0": 422,
    "/audit?limit=501": 422,
    "/audit?cursor=-1": 422,
    "/audit?cursor=%D9%A1": 422,
    "/audit?cursor=99999999999999999999": 422,
    "/alerts/history?since=nan": 422,
    "/alerts/history?since=1e400": 422,
    "/alerts/explain?word=" + 201 * "x": 422,
    "/costs?days=367": 422,
}


async def test_what_is_not_understood_is_a_problem(daemon: Served) -> None:
    """A slip of the pen is told, as application/problem+json, and never answered as if right."""
    for path, status in PROBLEMS.items():
        answer = await daemon.http.get(path)
        assert answer.headers["content-type"] == "application/problem+json", path
        problem = Problem.model_validate_json(answer.content)
        assert (answer.status_code, problem.status) == (status, status), path


async def test_a_cursor_beyond_all_rows_is_the_first_page(daemon: Served) -> None:
    """Any number is a place in the list, the largest SQLite knows too."""
    assert (await daemon.get("/audit?cursor=9999999999999999999"))["items"] == []


async def test_a_method_that_is_not_there(daemon: Served) -> None:
    """405 names what there is."""
    answer = await daemon.http.put("/alerts", json={}, headers={"X-Sonde-Write": "1"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_a_ledger_that_does_not_answer_is_a_503(daemon: Served) -> None:
    """The disk is not the API's fault: later, and not 500."""
    await daemon.ledger.close()
    answer = await daemon.http.get("/audit")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_the_document_is_served(daemon: Served) -> None:
    """Whoever makes a client finds the contract with the API."""
    document = await daemon.get("/openapi.json")
    kept = Path("monitor/api/openapi.json").read_text(encoding="utf-8")
    assert document == json.loads(kept)
