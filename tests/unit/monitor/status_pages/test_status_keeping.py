"""The writing down of what status pages say, in virtual time."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.status_pages.keeping import EVERY_S, keep_statements
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import STATEMENTS, Saying, Statement, Words, statements
from tests.unit.alerting.failing_ledger import FailingLedger

pytestmark = pytest.mark.looptime


class Kept:
    """A page that is watched, and the ledger it is written down in."""

    def __init__(self, folder: Path) -> None:
        self.ledger = FailingLedger.open(folder / "a.db", (STATEMENTS,), inline=True)
        self.saying = self.said(100.0, PageState.OPERATIONAL)

    def said(self, at: float, state: PageState) -> Saying:
        return Saying("openai", "status.example.com", at, frozenset({Words(state)}))

    async def turns(self, number: int) -> None:
        """Let it look so many times."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout((number - 0.5) * EVERY_S):
                await keep_statements(self.ledger, lambda: [self.saying], 1e9)

    async def kept(self) -> tuple[Statement, ...]:
        return await self.ledger.read(lambda c: statements(c, "openai", 0.0, 1e9))


async def test_what_was_not_read_again_is_written_once(tmp_path: Path) -> None:
    """Turns are more frequent than readings."""
    page = Kept(tmp_path)
    works = page.ledger.stats.works
    await page.turns(3)
    assert page.ledger.stats.works == works + 1
    assert [each.first_at for each in await page.kept()] == [100.0]
    await page.ledger.close()


async def test_what_changed_is_written(tmp_path: Path) -> None:
    """At the next turn."""
    page = Kept(tmp_path)

    async def change() -> None:
        await asyncio.sleep(1.5 * EVERY_S)
        page.saying = page.said(190.0, PageState.OUTAGE)

    async with asyncio.TaskGroup() as group:
        group.create_task(change())
        await page.turns(3)
    assert [(each.state, each.ended_at) for each in await page.kept()] == [
        ("operational", 190.0),
        ("outage", None),
    ]
    await page.ledger.close()


async def test_what_the_disk_refused_is_offered_again(tmp_path: Path) -> None:
    """And the keeping goes on; why it was refused is logged."""
    page = Kept(tmp_path)
    page.ledger.full = True
    with capture_logs() as logs:
        await page.turns(2)
    assert [each["event"] for each in logs] == ["status_pages.not_written"] * 2
    page.ledger.full = False
    await page.turns(1)
    assert len(await page.kept()) == 1
    await page.ledger.close()
