"""Name resolution that can hang without holding anything else up.

`getaddrinfo` blocks for as long as the system's resolver likes (with two dead name servers half a
minute) and cannot be cancelled. In a shared thread pool a few such calls starve every other
provider and keep the process from ending. Here each look-up has a daemon thread of its own, their
number is bounded per provider key, and whoever waits can be cancelled at any time.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from aiohappyeyeballs import AddrInfoType

LOOKUPS: Final = 16
"""Look-ups of one provider key that may hang at a time: two rounds of the default
`max_concurrency`, since a look-up outlives the probe that gave up waiting for it."""

Ask = Callable[[str, int], list[AddrInfoType]]
"""Blocks until it knows the addresses of a host; raises OSError."""


class TooManyLookupsError(Exception):
    """All look-ups we allow ourselves are hanging: a fault of this machine, not of a provider."""


def _ask_the_system(host: str, port: int) -> list[AddrInfoType]:
    """Ask the system for what a TCP connection can use."""
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # a label that IDNA cannot encode
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return list(found)


class ThreadResolver:
    """The system's resolver, one short-lived daemon thread per look-up."""

    def __init__(self, lookups: int = LOOKUPS, ask: Ask = _ask_the_system) -> None:
        self._free = threading.BoundedSemaphore(lookups)
        self._lookups = lookups
        self._ask = ask

    async def resolve(self, host: str, port: int) -> tuple[list[AddrInfoType], float]:
        """Look a host up; return its addresses and how long that took in seconds.

        Raises OSError as getaddrinfo does, TooManyLookupsError at the bound. Cancelling ends the
        wait; the thread ends when the system's resolver lets go of it.
        """
        if not self._free.acquire(blocking=False):
            raise TooManyLookupsError(f"{self._lookups} name look-ups hang already")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[list[AddrInfoType], float]] = loop.create_future()
        thread = threading.Thread(
            target=self._look_up, args=(loop, answer, host, port), daemon=True, name="dns"
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system gives us no more threads
            self._free.release()
            raise TooManyLookupsError(str(error)) from error
        return await answer

    def _look_up(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: asyncio.Future[tuple[list[AddrInfoType], float]],
        host: str,
        port: int,
    ) -> None:
        # Timed in the thread: how late the loop takes the answer up is not the resolver's doing.
        began = time.monotonic()
        results: list[AddrInfoType] = []
        failure: Exception | None = None
        try:
            results = self._ask(host, port)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits, whatever it is
            failure = error
        finally:
            self._free.release()
        took_s = time.monotonic() - began

        def settle() -> None:
            if answer.done():  # nobody waits any more
                return
            if failure is not None:
                answer.set_exception(failure)
            else:
                answer.set_result((results, took_s))

        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the loop is closed: the process is ending
            return
