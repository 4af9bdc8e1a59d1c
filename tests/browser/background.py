"""A loop in a thread of its own: playwright holds the one of the test."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, TypeVar

LIMIT_S = 60.0
T = TypeVar("T")


class Background:
    """Runs what is asynchronous, for tests that are not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._entered = AsyncExitStack()

    @contextmanager
    def block(self) -> Iterator["Background"]:
        """Return the same loop, with what is entered there ending with the block."""
        inner = Background(self._loop)
        try:
            yield inner
        finally:
            self.run(inner._entered.aclose())

    def run(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as typeshed has coroutines
        """Return what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter an asynchronous context, which ends with the block."""
        return self.run(self._entered.enter_async_context(context))


@contextmanager
def background() -> Iterator[Background]:
    """Run a loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        with Background(loop).block() as begun:
            yield begun
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
