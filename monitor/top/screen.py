"""The live screen: frames on a terminal, keys from it, until somebody has seen enough."""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timezone
from typing import Final

from rich.console import Console
from rich.live import Live

from monitor.clock import Clock
from monitor.top.board import Board
from monitor.top.frame import frame
from monitor.top.source import Source
from monitor.top.view import View, pressed

AT_LEAST_EVERY_S: Final = 1.0
"""Ages grow although nothing is told."""
AT_MOST_EVERY_S: Final = 0.1
"""More frames than this nobody sees."""


class Screen:
    """What is on the terminal."""

    def __init__(self, console: Console, board: Board, zone: timezone) -> None:
        self._console, self._board, self._zone = console, board, zone
        self.changed = asyncio.Event()
        self._view: View | None = View()

    async def show(self, source: Source, clock: Clock) -> None:
        """Show frames until a key ends it."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self.changed.set)
        async with asyncio.TaskGroup() as group:
            following = source.follow(self._board, self.changed, clock)
            task = group.create_task(following, name="following the daemon")
            with (
                _keys(loop, self._press),
                Live(console=self._console, screen=True, auto_refresh=False) as live,
            ):
                while self._view is not None:
                    self.changed.clear()
                    width, height = self._console.size
                    live.update(
                        frame(self._board, self._view, width, height, self._zone), refresh=True
                    )
                    await asyncio.sleep(AT_MOST_EVERY_S)
                    await self._change()
            task.cancel()

    async def _change(self) -> None:
        try:
            async with asyncio.timeout(AT_LEAST_EVERY_S):
                await self.changed.wait()
        except TimeoutError:
            return

    def _press(self, keys: str) -> None:
        for key in keys:
            self._view = None if self._view is None else pressed(self._view, key)
        self.changed.set()


@contextmanager
def _keys(loop: asyncio.AbstractEventLoop, press: Callable[[str], None]) -> Iterator[None]:
    """Hand every key to `press` as it is typed; afterwards the terminal is as it was."""
    terminal = sys.stdin.fileno()
    if not os.isatty(terminal):  # somebody's pipe: Ctrl-C ends it
        yield
        return
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    loop.add_reader(terminal, lambda: press(_typed(terminal)))
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _typed(terminal: int) -> str:
    """Return what was typed; the end of input, or an arrow's sequence, is no letter of anything."""
    raw = os.read(terminal, 256)
    if not raw:
        return "q"
    return "" if raw.startswith(b"\x1b") and len(raw) > 1 else raw.decode("utf-8", "ignore")
