"""Name resolution: bounded, cancellable, timed where it happens."""

import asyncio
import socket
import threading
import time
from contextlib import suppress

import pytest
from aiohappyeyeballs import AddrInfoType

from probes.wire.resolver import ThreadResolver, TooManyLookupsError

NOWHERE: AddrInfoType = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 80))


class Hanging:
    """A system resolver that hangs until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = 0
        self.answered = 0

    def __call__(self, host: str, port: int) -> list[AddrInfoType]:
        """Hang."""
        self.asked += 1
        let_go = self.go.wait(10)
        self.answered += 1
        assert let_go
        return [NOWHERE]


async def test_localhost_is_found() -> None:
    """A name the system knows gives addresses a connection can use."""
    found, took_s = await ThreadResolver().resolve("localhost", 80)

    assert ("127.0.0.1", 80) in {result[4] for result in found}
    assert took_s >= 0.0


@pytest.mark.parametrize("name", ["does-not-exist.invalid", "a" * 70 + ".example", "a..b"])
async def test_an_unknown_or_impossible_name_is_a_resolvers_error(name: str) -> None:
    """Names that are not there and names that cannot be are the same to a probe."""
    with pytest.raises(socket.gaierror):
        await ThreadResolver().resolve(name, 80)


async def test_a_hanging_resolver_can_be_given_up() -> None:
    """Cancelling ends the wait while the system hangs; its thread ends when that lets go."""
    system = Hanging()
    resolver = ThreadResolver(ask=system)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolver.resolve("host", 80)
    assert (system.asked, system.answered) == (1, 0)
    system.go.set()
    assert (await resolver.resolve("host", 80))[0] == [NOWHERE], "and it can be used again"


async def test_hanging_lookups_are_bounded() -> None:
    """Beyond the bound nobody is asked any more; when look-ups end there is room again."""
    system = Hanging()
    resolver = ThreadResolver(lookups=2, ask=system)
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(resolver.resolve("host", 80))
        await asyncio.sleep(0.01)
        with pytest.raises(TooManyLookupsError):
            await resolver.resolve("host", 80)
        system.go.set()

    assert system.asked == 2
    assert (await resolver.resolve("host", 80))[0] == [NOWHERE]


async def test_the_time_is_the_resolvers_not_the_loops() -> None:
    """A loop that takes the answer up late does not make the look-up longer."""

    def quick(host: str, port: int) -> list[AddrInfoType]:
        time.sleep(0.02)
        return [NOWHERE]

    async with asyncio.TaskGroup() as group:
        lookup = group.create_task(ThreadResolver(ask=quick).resolve("host", 80))
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - the fault under test

    found, took_s = lookup.result()
    assert found == [NOWHERE]
    assert 0.02 <= took_s < 0.15


def test_an_answer_after_the_loop_has_ended_is_dropped() -> None:
    """A look-up that outlives its loop ends quietly."""
    system = Hanging()

    async def ask() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await ThreadResolver(ask=system).resolve("host", 80)

    asyncio.run(ask())
    system.go.set()
    for thread in threading.enumerate():
        if thread.name == "dns":
            thread.join(2)
            assert not thread.is_alive()
