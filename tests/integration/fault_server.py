"""A loopback HTTP server that misbehaves on request, in a thread of its own.

Raw asyncio, so that every byte and every pause is the test's. Its own thread, so that its clock
keeps running while a test blocks the event loop of the prober. It takes down what it saw: requests,
connections, and when it sent what (on the same monotonic clock as everybody else).
"""

import asyncio
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.certificates import self_signed


@dataclass
class Seen:
    """One request as it arrived."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    """When its last byte had been read."""
    connection: int
    """Which connection brought it, counted from 0."""

    @property
    def json(self) -> dict[str, object]:
        """The body, parsed."""
        loaded: dict[str, object] = json.loads(self.body)
        return loaded

    def header(self, name: str) -> str | None:
        """Return a header's value, its name in lower case; None when it is absent."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class Answering:
    """What a handler writes to. Times of its sends are kept."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sends: list[float]

    async def send(self, data: bytes | str) -> None:
        """Send bytes as they are."""
        if isinstance(data, str):
            data = data.encode()
        self.sends.append(time.monotonic())
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: str = "200 OK", **headers: str) -> None:
        """Send a response head; underscores in names become hyphens."""
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
        await self.send(f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n")

    async def json(self, body: object, status: str = "200 OK", **headers: str) -> None:
        """Send a whole JSON response in one packet."""
        data = json.dumps(body).encode()
        headers = {"Content_Type": "application/json", **headers}
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
        head = f"HTTP/1.1 {status}\r\n{''.join(lines)}Content-Length: {len(data)}\r\n\r\n"
        await self.send(head.encode() + data)

    async def stream_head(self) -> None:
        """Begin a chunked event stream."""
        await self.head(Content_Type="text/event-stream", Transfer_Encoding="chunked")

    async def chunk(self, data: bytes | str) -> None:
        """Send one chunk of a chunked body."""
        data = data.encode() if isinstance(data, str) else data
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        """End a chunked body."""
        await self.send(b"0\r\n\r\n")

    async def hang(self) -> None:
        """Wait until the client goes away."""
        while await self.reader.read(65536):
            continue

    def cut(self) -> None:
        """Close in an orderly way, whatever has been promised."""
        self.writer.close()

    def reset(self) -> None:
        """Close with a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Handler = Callable[[Answering], Awaitable[None]]


@dataclass
class FaultServer:
    """What the server saw. Read it after the exchange in question has ended."""

    port: int = 0
    tls: bool = False
    requests: list[Seen] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    accepted: int = 0
    closed: int = 0
    handler: Handler | None = None

    @property
    def url(self) -> str:
        """The base URL to give to a provider."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"

    async def all_closed(self, within_s: float = 5.0) -> bool:
        """Wait until every accepted connection has been closed by the client."""
        until = time.monotonic() + within_s
        while self.closed < self.accepted and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # polled: another thread counts
        return self.closed == self.accepted

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        number = self.accepted
        self.accepted += 1
        try:
            while (seen := await _request(reader, number)) is not None:
                self.requests.append(seen)
                assert self.handler is not None
                await self.handler(Answering(seen, reader, writer, self.sends))
                if writer.is_closing():
                    break
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # the client went away: counted below
        except asyncio.CancelledError:
            pass  # the server ends; its loop ends with it
        finally:
            self.closed += 1
            writer.close()


async def _request(reader: asyncio.StreamReader, number: int) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    line, *rest = head.rstrip("\r\n").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (item.partition(":") for item in rest)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = await reader.readexactly(length)
    return Seen(line, headers, body, time.monotonic(), number)


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[FaultServer]:
    """Run a server in a thread until the block ends; connections still open are cut then."""
    server = FaultServer(handler=handler, tls=tls is not None)
    ready = threading.Event()
    stop: list[Callable[[], None]] = []

    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.call_soon_threadsafe(ended.set)

        stop.append(end)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="fault server")
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        stop[0]()
        thread.join(5)


@contextmanager
def never_accepting() -> Iterator[int]:
    """Listen with a full queue: a connection attempt gets no answer. Yields the port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def certificate(directory: Path, *, name: str = "127.0.0.1") -> Path:
    """Make a self-signed certificate and its key, in one file."""
    return self_signed(directory / f"{name}.pem", f"IP:{name}", name)


def server_context(pem: Path) -> ssl.SSLContext:
    """TLS of the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def trusting_context(pem: Path) -> ssl.SSLContext:
    """TLS of a client that trusts this one certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pem)
    return context


ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "system_fingerprint": "fp_1",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "OK"}}
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14},
}
"""A good chat completion."""


def event(text: str | None = None, finish: str | None = None) -> str:
    """One chunk of a streamed chat completion."""
    delta = {"role": "assistant", "content": ""} if text is None else {"content": text}
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 0, "delta": {} if finish else delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(chunk)}\n\n"


USAGE = (
    "data: "
    + json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
    + "\n\n"
)
DONE = "data: [DONE]\n\n"
