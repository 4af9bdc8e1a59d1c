"""Threads for work that may hang, and that nobody waits for at the end.

asyncio looks names up in its loop's executor, and the usual one is joined when the loop closes and
again when the process ends. `getaddrinfo` cannot be cancelled and blocks for as long as the
system's resolver likes (half a minute with two dead name servers): a stop would wait for it.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from errno import EAGAIN
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST: Final = 64
"""Threads at a time: far more than look-ups that can hang, scrapes and packing need together."""

_Job = tuple[Future[Any], Callable[[], object]]  # Any: each work has a result of its own


class DaemonThreads(ThreadPoolExecutor):
    """Runs each work at once, in a daemon thread: one that is idle, or a new one.

    Nothing queues, so what hangs holds nothing else up. A ThreadPoolExecutor by name, because
    `loop.set_default_executor` takes no other; none of its threads is ever started.
    """

    def __init__(self, most: int = MOST) -> None:
        super().__init__(max_workers=1)
        self._places = threading.BoundedSemaphore(most)
        self._idle = threading.Semaphore(0)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._started = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a work; raises OSError when all threads there may be are busy."""
        if not self._places.acquire(blocking=False):
            raise OSError(EAGAIN, "too many threads hang already")
        future: Future[T] = Future()
        try:
            if not self._idle.acquire(blocking=False):
                threading.Thread(target=self._work, daemon=True, name="work").start()
                self._started += 1
        except RuntimeError as error:  # the system gives us no more threads
            self._places.release()
            raise OSError(EAGAIN, str(error)) from error
        self._jobs.put((future, partial(fn, *args, **kwargs)))
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _do(*job)
            del job  # what it held must not live until the next one
            self._idle.release()
            self._places.release()

    def shutdown(
        self,
        wait: bool = True,  # noqa: ARG002 - nobody is waited for, whatever is asked
        *,
        cancel_futures: bool = False,
    ) -> None:
        """Let idle threads end now, and busy ones when they can."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        for _ in range(self._started):
            self._jobs.put(None)


def _do(future: Future[Any], work: Callable[[], object]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        found = work()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits
        future.set_exception(error)
    else:
        future.set_result(found)


def run(main: Coroutine[Any, Any, T]) -> T:  # Any: as asyncio.run has it
    """Do what `asyncio.run` does, without waiting for look-ups that hang."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(main)
