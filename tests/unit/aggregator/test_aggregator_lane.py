"""The thread beside the loop: gathering, bounds, cancellation, closing."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence

import pytest

from aggregator.lane import Lane, LedgerError, Outcome, Work

PATIENCE_S = 30.0
"""How long a thread waits for the test before giving up: only a failing test gets that far."""


class Desk:
    """Serves works slowly: each batch waits until the test lets it go."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.called = threading.Event()
        self.open = threading.Event()
        self.finished = threading.Event()

    def serve(self, works: Sequence[Work]) -> Sequence[Outcome]:
        """Wait to be let go, then do the works without any connection."""
        self.batches.append(len(works))
        self.called.set()
        assert self.open.wait(PATIENCE_S)
        return [Outcome(work(None)) for work in works]  # type: ignore[arg-type] # none is needed

    def finish(self) -> None:
        """Note the end."""
        self.finished.set()

    def lane(self, limit: int = 100, batch: int = 100, linger_s: float = 0.0) -> Lane:
        """Return a lane to this desk."""
        return Lane("desk", self.serve, self.finish, limit=limit, batch=batch, linger_s=linger_s)


def giving(value: object) -> Callable[[sqlite3.Connection], object]:
    """Return a work that returns this."""
    return lambda _connection: value


async def first_in_service(desk: Desk, lane: Lane, tasks: asyncio.TaskGroup) -> None:
    """Give one work and go on once it is being served."""
    tasks.create_task(lane.submit(giving("first")))
    assert await asyncio.to_thread(desk.called.wait, PATIENCE_S)


async def test_works_gather_while_a_batch_is_served() -> None:
    """What comes while one batch runs goes together in the next, and the loop runs on."""
    desk = Desk()
    lane = desk.lane()
    async with asyncio.TaskGroup() as tasks:
        await first_in_service(desk, lane, tasks)
        waiting = [tasks.create_task(lane.submit(giving(number))) for number in range(10)]
        await asyncio.sleep(0)
        assert lane.queued == 10
        desk.open.set()
    assert [task.result() for task in waiting] == list(range(10))
    assert desk.batches == [1, 10]
    await lane.close(PATIENCE_S)


async def test_batches_are_bounded() -> None:
    """No batch is larger than asked for."""
    desk = Desk()
    lane = desk.lane(batch=4)
    async with asyncio.TaskGroup() as tasks:
        await first_in_service(desk, lane, tasks)
        for number in range(10):
            tasks.create_task(lane.submit(giving(number)))
        await asyncio.sleep(0)
        desk.open.set()
    assert desk.batches == [1, 4, 4, 2]
    await lane.close(PATIENCE_S)


async def test_too_many_waiting_works_are_refused_and_counted() -> None:
    """Beyond the limit a work is refused at once; those that wait are not harmed."""
    desk = Desk()
    lane = desk.lane(limit=2)
    async with asyncio.TaskGroup() as tasks:
        await first_in_service(desk, lane, tasks)
        waiting = [tasks.create_task(lane.submit(giving(number))) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(LedgerError, match="overloaded: 2 works are waiting"):
            await lane.submit(giving("too many"))
        desk.open.set()
    assert lane.rejected == 1
    assert [task.result() for task in waiting] == [0, 1]
    await lane.close(PATIENCE_S)


async def test_a_cancelled_wait_takes_no_work_back() -> None:
    """The work of a cancelled caller is done, and its mates get their answers."""
    desk, done = Desk(), []
    lane = desk.lane()
    async with asyncio.TaskGroup() as tasks:
        await first_in_service(desk, lane, tasks)
        leaving = tasks.create_task(lane.submit(lambda _connection: done.append("left")))
        staying = tasks.create_task(lane.submit(giving("stayed")))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        assert leaving.cancelled()
        desk.open.set()
    assert staying.result() == "stayed"
    assert done == ["left"]
    await lane.close(PATIENCE_S)


async def test_a_bug_in_serving_leaves_nobody_waiting() -> None:
    """Should serving itself raise, every caller of the batch gets that error; the lane goes on."""
    attempts: list[int] = []

    def serve(works: Sequence[Work]) -> Sequence[Outcome]:
        attempts.append(len(works))
        if len(attempts) == 1:
            raise ZeroDivisionError
        return [Outcome("fine")] * len(works)

    lane = Lane("desk", serve, lambda: None, limit=10, batch=10)
    with pytest.raises(ZeroDivisionError):
        await lane.submit(giving(1))
    assert await lane.submit(giving(1)) == "fine"
    await lane.close(PATIENCE_S)


async def test_closing_does_what_waits_then_finishes() -> None:
    """Works given before the lane closes are done; later ones are refused."""
    desk = Desk()
    lane = desk.lane()
    async with asyncio.TaskGroup() as tasks:
        await first_in_service(desk, lane, tasks)
        waiting = tasks.create_task(lane.submit(giving("done")))
        await asyncio.sleep(0)
        closing = tasks.create_task(lane.close(PATIENCE_S))
        await asyncio.sleep(0)
        with pytest.raises(LedgerError, match="is closed"):
            await lane.submit(giving("too late"))
        assert not desk.finished.is_set()
        desk.open.set()
    assert waiting.result() == "done"
    assert closing.done()
    assert desk.finished.is_set()
    await lane.close(PATIENCE_S)  # again: nothing happens


async def test_closing_gives_up_on_what_hangs() -> None:
    """A batch that never ends costs its callers an error, and closing its time, no more."""
    desk = Desk()
    lane = desk.lane()
    running = asyncio.ensure_future(lane.submit(giving("running")))
    assert await asyncio.to_thread(desk.called.wait, PATIENCE_S)
    waiting = asyncio.ensure_future(lane.submit(giving("waiting")))
    await asyncio.sleep(0)
    with pytest.raises(LedgerError, match=r"did not finish within 0\.01 s"):
        await lane.close(0.01)
    for given_up in (running, waiting):
        with pytest.raises(LedgerError, match="is unknown"):
            await given_up
    desk.open.set()
    await lane.close(PATIENCE_S)
    assert desk.batches == [1]  # what only waited was never done


async def test_an_error_at_the_end_reaches_whoever_closes() -> None:
    """Finishing may fail; that is told at every closing, not lost in the thread."""

    def finish() -> None:
        raise LedgerError("the last page did not fit")

    lane = Lane("desk", lambda _works: [], finish, limit=1, batch=1)
    for _ in range(2):
        with pytest.raises(LedgerError, match="the last page did not fit"):
            await lane.close(PATIENCE_S)


def test_a_loop_that_has_closed_is_not_told() -> None:
    """Answers for a loop that is gone are dropped; the lane serves the next loop."""
    desk = Desk()
    lane = desk.lane()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lane.submit(giving("nobody hears this"))

    async def come_back() -> object:
        desk.open.set()
        value = await lane.submit(giving("heard"))
        await lane.close(PATIENCE_S)
        return value

    asyncio.run(leave())
    assert asyncio.run(come_back()) == "heard"


async def test_works_in_a_rush_wait_for_company() -> None:
    """A first and the one that follows it are served at once; those right behind share a batch."""
    desk = Desk()
    desk.open.set()
    lane = desk.lane(linger_s=0.1)
    for number in range(2):
        assert await lane.submit(giving(number)) == number

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(lane.submit(giving(number)))
            await asyncio.sleep(0.001)
    await lane.close(PATIENCE_S)
    assert desk.batches == [1, 1, 5]


async def test_nobody_waits_for_company_behind_a_lone_work() -> None:
    """A background's work now and then delays no other: the next is not held for the linger."""
    desk = Desk()
    desk.open.set()
    lane = desk.lane(linger_s=PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S / 2):
        for number in range(2):
            assert await lane.submit(giving(number)) == number
    await lane.close(PATIENCE_S)
    assert desk.batches == [1, 1]


async def test_closing_waits_for_no_company() -> None:
    """Works that linger are done as soon as the lane is asked to close."""
    desk = Desk()
    desk.open.set()
    lane = desk.lane(linger_s=PATIENCE_S)
    for number in range(2):
        assert await lane.submit(giving(number)) == number

    late = asyncio.ensure_future(lane.submit(giving(1)))
    await asyncio.sleep(0)
    await lane.close(PATIENCE_S / 2)
    assert await late == 1
