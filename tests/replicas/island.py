"""A network of its own for one replica, which can be cut off from Redis, or from everything else.

Two cables (veth) lead out of it: one to Redis alone, one to provider and receiver. Pulling one is
what a broken switch does: packets go nowhere and nobody is told. Wants root, as CI has it.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

NAME: Final = "sonde-island"
REDIS: Final = ("sonde-i-redis", "10.213.1")
REST: Final = ("sonde-i-rest", "10.213.2")


@dataclass(frozen=True)
class Island:
    """A network, and the addresses by which the world outside is reached from it."""

    environ: Mapping[str, str]
    """The replica's variables, with those addresses."""
    prefix: tuple[str, ...] = ("ip", "netns", "exec", NAME)

    def cut(self, cable: tuple[str, str]) -> None:
        """Pull a cable."""
        _run("ip", "link", "set", cable[0], "down")

    def mend(self, cable: tuple[str, str]) -> None:
        """Plug it in again."""
        _run("ip", "link", "set", cable[0], "up")


@asynccontextmanager
async def island(urls: Mapping[str, str]) -> AsyncIterator[Island]:
    """Make the network; `urls` on our loopback by the variable that names them."""
    async with AsyncExitStack() as stack:
        stack.callback(_run, "ip", "netns", "del", NAME)
        _run("ip", "netns", "add", NAME)
        _run("ip", "-n", NAME, "link", "set", "lo", "up")
        for name, net in (REDIS, REST):
            _run("ip", "link", "add", name, "type", "veth", "peer", "name", "out", "netns", NAME)
            _run("ip", "-n", NAME, "link", "set", "out", "name", name)
            _run("ip", "addr", "add", f"{net}.1/30", "dev", name)
            _run("ip", "link", "set", name, "up")
            _run("ip", "-n", NAME, "addr", "add", f"{net}.2/30", "dev", name)
            _run("ip", "-n", NAME, "link", "set", name, "up")
        environ = {}
        for variable, url in urls.items():
            _, net = REDIS if variable == "REDIS_URL" else REST
            environ[variable] = await stack.enter_async_context(_relayed(url, f"{net}.1"))
        yield Island(environ)


@asynccontextmanager
async def _relayed(url: str, host: str) -> AsyncIterator[str]:
    """Lead an address that the island can reach to one that only we can."""
    parts = urlsplit(url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(parts.hostname, parts.port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, there[1]))
                group.create_task(_pump(there[0], writer))
        except OSError:
            pass  # either side is gone: so is the connection
        finally:
            writer.close()

    server = await asyncio.start_server(carry, host, 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield urlunsplit(parts._replace(netloc=f"{host}:{port}"))
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(65_536):
            writer.write(block)
            await writer.drain()
    except OSError:
        pass  # as above
    finally:
        writer.close()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=10)
