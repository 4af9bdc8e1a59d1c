"""/status as it is served, without a socket."""

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette

from aggregator.stores.history import HistoryError
from monitor.public.view import PublicView, State
from monitor.web.public import FRESH_S, PublicPages


class Desk:
    """Gathers what a test says, and counts how often."""

    def __init__(self, said: PublicView | Exception | None) -> None:
        self.said = said
        self.asked = 0
        self.now = 0.0

    async def gather(self) -> PublicView | None:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    def client(self) -> httpx2.AsyncClient:
        app = Starlette(routes=PublicPages(self.gather, lambda: self.now).routes())
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://anybody.example"
        )


PAGE = PublicView("Acme", 0.0, State.OPERATIONAL, (), ())


async def test_anybody_may_ask_under_any_name() -> None:
    """No token, no name of ours: page, JSON and style sheet, none of which may run anything."""
    async with Desk(PAGE).client() as client:
        page = await client.get("/status")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await client.get("/status.json")).json()["title"] == "Acme"
        assert "rect.good" in (await client.get("/status.css")).text
        assert (await client.post("/status")).status_code == 405


async def test_many_readers_cost_one_look_a_minute() -> None:
    """Those who ask at once wait for the same; after a minute it is looked at anew."""
    desk = Desk(PAGE)
    async with desk.client() as client:
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(client.get("/status"))
        assert desk.asked == 1
        desk.now = FRESH_S + 1
        await client.get("/status.json")
        assert desk.asked == 2


async def test_without_a_page_there_is_none() -> None:
    """It is off unless it is configured, and says how to have it."""
    async with Desk(None).client() as client:
        found = await client.get("/status")
        assert (found.status_code, "public_page" in found.text) == (404, True)
        assert (await client.get("/status.json")).status_code == 404


@pytest.mark.parametrize("error", [HistoryError("secret path"), TimeoutError()])
async def test_a_past_that_cannot_be_read_is_no_empty_page(error: Exception) -> None:
    """Readers are told to try again, and nothing of what went wrong; the next one tries anew."""
    desk = Desk(error)
    async with desk.client() as client:
        found = await client.get("/status")
        assert (found.status_code, "secret" in found.text) == (503, False)
        desk.said = PAGE
        assert (await client.get("/status")).status_code == 200
