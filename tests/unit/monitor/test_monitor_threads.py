"""Work in threads that nobody waits for."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from monitor.threads import DaemonThreads, run

PATIENCE_S = 10.0


@pytest.fixture
def hang() -> Iterator[Callable[[], None]]:
    """Return a work that hangs until the end of the test."""
    over = threading.Event()

    def wait() -> None:
        over.wait()

    yield wait
    over.set()


def test_a_work_has_its_result_or_its_error() -> None:
    """As with any executor; one that is cancelled before it begins is not done."""
    threads = DaemonThreads()
    assert threads.submit(max, 1, 2).result(PATIENCE_S) == 2
    assert isinstance(threads.submit(int, "x").exception(PATIENCE_S), ValueError)
    threads.shutdown()


def test_threads_are_daemons_and_serve_again() -> None:
    """One work after another needs no second thread, or few."""
    threads = DaemonThreads()
    found = {threads.submit(threading.current_thread).result(PATIENCE_S) for _ in range(100)}
    assert all(thread.daemon for thread in found)
    assert len(found) < 10
    threads.shutdown()
    for thread in found:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_what_hangs_holds_nothing_up_and_is_bounded(hang: Callable[[], None]) -> None:
    """Others go on; at the bound a work is refused at once, and places come back."""
    threads = DaemonThreads(most=3)
    hung = [threads.submit(hang) for _ in range(2)]
    assert threads.submit(max, 1, 2).result(PATIENCE_S) == 2
    over = threading.Event()
    third = threads.submit(over.wait)
    with pytest.raises(OSError, match="too many threads hang already"):
        threads.submit(max, 1, 2)
    threads.shutdown()
    assert not any(future.done() for future in hung)
    over.set()
    assert third.result(PATIENCE_S)


def test_a_system_without_threads_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a look-up that fails, and the place is not lost."""
    threads = DaemonThreads(most=1)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="can't start new thread"):
            threads.submit(max, 1, 2)
    assert threads.submit(max, 1, 2).result(PATIENCE_S) == 2
    threads.shutdown()


def test_run_does_not_wait_for_a_look_up(
    hang: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that never answers: the loop ends when its work has, and not when it does."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_arguments, **_options: hang())

    async def look_up() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.get_running_loop().getaddrinfo("influx.example", 8086)
        except TimeoutError:
            return "no answer"
        return "an answer"

    assert run(look_up()) == "no answer"
