"""How long the server waits for somebody to say what he wants."""

import asyncio
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from monitor.web.server import HEAD_S, _Patient

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Line(asyncio.Transport):
    """One end of a connection: knows when it was closed, and what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.closed_at: float | None = None
        self.written = b""

    def close(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    """Take longer than a request may."""
    await asyncio.sleep(2 * HEAD_S)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def connected() -> tuple[_Patient, Line]:
    config = Config(answer, log_config=None, lifespan="off", timeout_keep_alive=600)
    config.load()
    protocol, line = _Patient(config, ServerState(), {}), Line()
    protocol.connection_made(line)
    return protocol, line


@pytest.mark.looptime
async def test_who_says_nothing_is_not_waited_for() -> None:
    """A connection on which nothing is asked is closed, and one that dribbles a head as well."""
    _, silent = connected()
    dribbling, line = connected()
    for place in range(0, 40, 4):
        dribbling.data_received(REQUEST[place : place + 4])
        await asyncio.sleep(HEAD_S / 8)
    assert silent.closed_at == pytest.approx(HEAD_S)
    assert line.closed_at == pytest.approx(HEAD_S)


@pytest.mark.looptime
async def test_who_asked_is_answered_however_long_it_takes() -> None:
    """The time counts for the question alone, and anew for the next one."""
    protocol, line = connected()
    await asyncio.sleep(HEAD_S / 2)
    protocol.data_received(REQUEST)
    await asyncio.sleep(2 * HEAD_S + 1)
    assert b"200 OK" in line.written
    assert line.closed_at is None
    protocol.data_received(REQUEST[:5])
    await asyncio.sleep(HEAD_S + 1)
    assert line.closed_at is not None
    protocol.connection_lost(None)


@pytest.mark.looptime
async def test_who_has_gone_is_forgotten() -> None:
    """Nothing is closed twice: the timer goes with the connection."""
    protocol, line = connected()
    protocol.connection_lost(ConnectionResetError())
    await asyncio.sleep(HEAD_S + 1)
    assert line.closed_at is None
