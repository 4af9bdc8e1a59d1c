"""Where incidents stand in Slack: over restarts, within bounds, and without a ledger."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from alerting.slack_threads import KEPT_S, MOST, SLACK_THREADS, Thread, Threads

NOW = 1_700_000_000.0
THREAD = Thread("C1", "1.000001", "msg_1")


async def opened(folder: Path) -> Ledger:
    """Return an empty ledger."""
    return Ledger.open(folder / "a.db", (SLACK_THREADS,), inline=True)


async def test_another_process_finds_it(tmp_path: Path) -> None:
    """By our channel's name and the incident; the newest state of it."""
    ledger = await opened(tmp_path)
    await Threads(ledger).keep("team", "i", Thread("C1", "1.000001", "msg_0"), NOW)
    await Threads(ledger).keep("team", "i", THREAD, NOW)
    assert await Threads(ledger).find("team", "i") == THREAD
    assert await Threads(ledger).find("other", "i") is None
    assert await Threads(ledger).find("team", "j") is None
    await ledger.close(1.0)


async def test_incidents_that_are_long_over_are_let_go(tmp_path: Path) -> None:
    """The table does not grow for ever."""
    ledger = await opened(tmp_path)
    await Threads(ledger).keep("team", "old", THREAD, NOW)
    await Threads(ledger).keep("team", "new", THREAD, NOW + KEPT_S + 1)
    assert await Threads(ledger).find("team", "old") is None
    assert await Threads(ledger).find("team", "new") == THREAD
    await ledger.close(1.0)


@pytest.mark.parametrize("number", [MOST, MOST + 1])
async def test_memory_is_bounded(number: int) -> None:
    """Without a ledger the oldest are forgotten; looked at again, one is no longer the oldest."""
    threads = Threads()
    for each in range(number):
        await threads.keep("team", str(each), THREAD, NOW)
    assert (await threads.find("team", "0") is None) is (number > MOST)
    assert await threads.find("team", str(number - 1)) == THREAD


async def test_a_ledger_that_does_not_answer_costs_no_message(tmp_path: Path) -> None:
    """What this process posted it knows; what another did is told anew; both are logged."""
    ledger = await opened(tmp_path)
    await ledger.close(1.0)
    threads = Threads(ledger)
    with capture_logs() as logs:
        await threads.keep("team", "i", THREAD, NOW)
        assert await threads.find("team", "i") == THREAD
        assert await threads.find("team", "j") is None
    assert [each["event"] for each in logs] == ["slack.thread_not_kept", "slack.thread_not_found"]
