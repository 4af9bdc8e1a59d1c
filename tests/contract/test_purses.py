"""One suite over every purse: what is drawn is drawn for good, and never more than the cap."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from aggregator.ledger import Ledger, LedgerError
from monitor.budget.purse import BUDGET, KEPT_DAYS, Drawn, LedgerPurse, Purse
from monitor.clock import Clock
from monitor.cluster.drawn import Waits
from monitor.cluster.link import Link
from monitor.cluster.purse import RedisPurse
from monitor.cluster.purse_fields import PURSE
from tests.servers.redis import RedisServer
from tests.standins.purse import Disk, MemoryPurse
from tests.standins.redis_budget import RememberedLink, RememberedRedis

DAY = date(2026, 6, 1)
JUNE = Clock(lambda: datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())


@pytest.fixture(params=["ledger", "memory", "redis", "redis remembered"])
async def purse(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Purse]:
    """Each implementation in turn, empty; and Redis as the tests of its faults remember it."""
    if request.param == "memory":
        yield MemoryPurse()
        return
    ledger = Ledger.open(tmp_path / "purse.db", (BUDGET, PURSE), inline=True)
    if request.param == "ledger":
        yield LedgerPurse(ledger)
    elif request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        link = Link(Redis.from_url(server.url), "contract")
        yield RedisPurse(link, ledger, JUNE, "a", waits=Waits(0.0, 0.0))
        await link.close()
    else:
        remembered = RememberedLink(RememberedRedis())
        yield RedisPurse(remembered, ledger, JUNE, "a", waits=Waits(0.0, 0.0))
    await ledger.close()


async def test_draws_add_up_to_the_cap_and_no_further(purse: Purse) -> None:
    """The last draw gets the rest, the one after it nothing; asking changes nothing."""
    assert await purse.draw("p", DAY, 60, 100) == Drawn(60, 60)
    assert await purse.draw("p", DAY, 0, 100) == Drawn(0, 60)
    assert await purse.draw("p", DAY, 60, 100) == Drawn(40, 100)
    assert await purse.draw("p", DAY, 60, 100) == Drawn(0, 100)


async def test_a_cap_that_was_lowered_grants_nothing_more(purse: Purse) -> None:
    """What is drawn stays drawn; a higher cap grants what it adds."""
    await purse.draw("p", DAY, 80, 100)
    assert await purse.draw("p", DAY, 10, 50) == Drawn(0, 80)
    assert await purse.draw("p", DAY, 100, 120) == Drawn(40, 120)


async def test_subjects_and_days_have_purses_of_their_own(purse: Purse) -> None:
    """Neither another provider's draws nor yesterday's count."""
    await purse.draw("p", DAY, 100, 100)
    assert await purse.draw("", DAY, 10, 100) == Drawn(10, 10)
    assert await purse.draw("p", DAY + timedelta(days=1), 10, 100) == Drawn(10, 10)


async def test_what_is_given_back_can_be_drawn_again(purse: Purse) -> None:
    """By anybody."""
    await purse.draw("p", DAY, 100, 100)
    await purse.give_back("p", DAY, 30)
    assert await purse.draw("p", DAY, 100, 100) == Drawn(30, 100)


async def test_overruns_are_counted_by_provider_and_day(purse: Purse) -> None:
    """For a process after this one."""
    for provider in ("p", "p", "q"):
        await purse.overrun(provider, DAY)
    assert await purse.overruns(DAY) == {"p": 2, "q": 1}
    assert await purse.overruns(DAY + timedelta(days=1)) == {}


async def test_the_largest_budget_fits(purse: Purse) -> None:
    """A million dollars in nano-dollars is far from the end of the integers."""
    assert await purse.draw("p", DAY, 10**15, 10**15) == Drawn(10**15, 10**15)


async def test_what_is_drawn_outlives_the_process(tmp_path: Path) -> None:
    """Opened again, the ledger knows what was drawn: nothing was closed in an orderly way."""
    path = tmp_path / "purse.db"
    first = Ledger.open(path, (BUDGET,))
    await LedgerPurse(first).draw("p", DAY, 70, 100)
    copy = tmp_path / "killed.db"
    for suffix in ("", "-wal"):  # as a kill leaves it
        (tmp_path / f"killed.db{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    second = Ledger.open(copy, (BUDGET,))
    assert await LedgerPurse(second).draw("p", DAY, 70, 100) == Drawn(30, 100)
    await first.close()
    await second.close()


async def test_old_days_are_forgotten(tmp_path: Path) -> None:
    """The first draw of a day takes out what is older than a year and a bit."""
    ledger = Ledger.open(tmp_path / "purse.db", (BUDGET,), inline=True)
    purse = LedgerPurse(ledger)
    for days in (KEPT_DAYS + 1, KEPT_DAYS, 0):
        await purse.draw("p", DAY - timedelta(days=days), 1, 100)
    days = await ledger.read(lambda c: [d for (d,) in c.execute("SELECT day FROM budget_days")])
    assert days == [(DAY - timedelta(days=KEPT_DAYS)).isoformat(), DAY.isoformat()]
    await ledger.close()


async def test_the_stand_in_fails_on_command() -> None:
    """A full disk draws nothing, a slow one draws unheard."""
    purse = MemoryPurse()
    for disk, drawn in ((Disk.FULL, 0), (Disk.SLOW, 10)):
        purse.disk = disk
        with pytest.raises(LedgerError):
            await purse.draw("p", DAY, 10, 100)
        assert purse.drawn["p", DAY] == drawn
