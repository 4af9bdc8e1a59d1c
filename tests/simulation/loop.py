"""An event loop whose time is only counted: it waits for nothing, and repeats itself exactly."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class StuckError(Exception):
    """Every task waits for something that will not come."""


class _Nothing(selectors.BaseSelector):
    """Nothing is ever ready; waiting makes the time pass."""

    def __init__(self) -> None:
        self.now = 0.0
        # Any, here and below: a descriptor or what has one; the stub's name for it is its own.
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: object = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StuckError
        self.now += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time; `hold` is what a process that stands still does to it."""

    def __init__(self, now: float) -> None:
        self._nothing = _Nothing()
        self._nothing.now = now
        super().__init__(self._nothing)

    def time(self) -> float:
        return self._nothing.now

    def hold(self, seconds: float) -> None:
        """Let time pass without anybody having had the processor."""
        self._nothing.now += seconds
