"""The pool of connections, and the last look at one before a request goes out on it.

aiohttp uses a kept connection again whenever nobody has told it of its end, whatever has come in
meanwhile: a response nobody asked for is then taken for the answer to the next request, and every
answer after it belongs to the request before. And an end that has arrived but was not read yet (our
loop was late) costs a probe that looks like the provider's fault. So a kept connection is looked at
once more, with no await between the look and its use; one with anything on it is closed.
"""

import asyncio
import select

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from probes.wire.sockets import exchange_of_task


class ProbeConnector(aiohttp.TCPConnector):
    """Gives out kept connections on which nothing has come in, and else new ones."""

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection for a request; what a new one brings with it is the exchange's."""
        timeline = exchange_of_task.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            if timeline is None or timeline.connected_anew:
                return connection
            if not _spoiled(connection):
                timeline.reused = True
                return connection
            connection.close()


def _spoiled(connection: Connection) -> bool:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return True
    return _has_news(transport)


def _has_news(transport: asyncio.Transport) -> bool:
    """Whether bytes, or the end, wait in the kernel to be read."""
    fileno: int = transport.get_extra_info("socket").fileno()
    if fileno < 0:
        return True
    poll = select.poll()  # unlike select(2) it takes descriptors beyond 1,023
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))
