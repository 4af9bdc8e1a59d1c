"""`sonde top` against a stand-in for the daemon: what it shows, and what it survives."""

import asyncio
import os
import pty
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.api.models.live import Tick
from monitor.cli import main
from monitor.clock import Clock
from monitor.top.board import Board
from monitor.top.source import Source, SourceError, read_overview
from probes.secret import Secret
from tests.unit.monitor.top.top_boards import overview, row, target

ROOT = Path(__file__).parents[2]
TOP = (sys.executable, "-m", "monitor.cli", "top")


@dataclass
class Daemon:
    """Answers as a daemon does, or as a test wants."""

    url: str = ""
    status: str = "200 OK"
    body: bytes = overview(row("chat"), row("embed", 1)).model_dump_json().encode()
    events: list[bytes] = field(default_factory=list)
    """What the stream says; then it is silent until it is cut."""
    asked: list[bytes] = field(default_factory=list)
    """The heads of requests."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(OSError, EOFError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head)
            writer.write(f"HTTP/1.1 {self.status}\r\nConnection: close\r\n\r\n".encode())
            if head.startswith(b"GET /api/v1/stream"):
                writer.writelines(self.events)
                return
            writer.write(self.body)
            await writer.drain()
        writer.close()

    def cut(self) -> None:
        """End every connection, as a daemon that is killed does."""
        while self.writers:
            self.writers.pop().transport.abort()


@asynccontextmanager
async def serving(daemon: Daemon) -> AsyncIterator[Daemon]:
    server = await asyncio.start_server(daemon.handle, "127.0.0.1", 0)
    async with server:
        daemon.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield daemon
        finally:
            daemon.cut()
            await asyncio.sleep(0)  # the loop closes what was cut one turn later


def event(name: str, data: str) -> bytes:
    return f"id: a.1\nevent: {name}\ndata: {data}\n\n".encode()


def tick(level: str, name: str = "chat", now: float = 2_000.0) -> bytes:
    said = Tick(now=now, instance=None, targets=[target(name, level=level)], alerts=None)
    return event("tick", said.model_dump_json())


@asynccontextmanager
async def following(daemon: Daemon) -> AsyncIterator[tuple[Board, Callable[..., object]]]:
    """A board that follows a daemon, and how to wait for something to be so."""
    board, changed, source = Board(), asyncio.Event(), Source(daemon.url)

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                changed.clear()
                await changed.wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(source.follow(board, changed, Clock()), name="following")
        yield board, until
        task.cancel()
    await source.close()


async def test_a_board_follows_the_stream_and_comes_back() -> None:
    """Ticks change it; a cut connection is said, and when it is back the overview is anew."""
    async with serving(Daemon(events=[tick("down")])) as daemon:
        async with following(daemon) as (board, until):
            await until(lambda: board.now == 2_000.0)
            assert board.rows["chat"].now.level == "down"
            daemon.status = "503 Service Unavailable"
            daemon.cut()
            await until(lambda: "HTTP 503" in board.lost)
            assert board.rows["chat"].now.level == "down"  # as last known
            daemon.status, daemon.events = "200 OK", [tick("slow", now=3_000.0)]
            await until(lambda: board.now == 3_000.0)
            assert (board.lost, board.lost_at) == ("", None)


@pytest.mark.parametrize("news", [event("resync", "{}"), tick("ok", "stranger")])
async def test_what_the_overview_does_not_know_asks_for_another(news: bytes) -> None:
    """After a reload, or for a target that is new."""
    async with serving(Daemon(events=[news])) as daemon:
        async with following(daemon) as (board, until):
            await until(lambda: "chat" in board.rows)
            daemon.body = overview(row("other")).model_dump_json().encode()
            await until(lambda: set(board.rows) == {"other"})
            assert board.lost == ""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"status": "401 Unauthorized"}, "--token-file"),
        ({"status": "404 Not Found"}, "has no /api/v1"),
        ({"status": "500 No"}, "HTTP 500"),
        ({"body": b'{"hello": 1}'}, "another version"),
        ({"body": b"<html>"}, "another version"),
    ],
)
async def test_an_answer_that_is_none_is_said_in_a_line(how: dict[str, bytes], said: str) -> None:
    """A stranger on the port, a wrong token, another version."""
    async with serving(Daemon(**how)) as daemon:  # type: ignore[arg-type] # as each case says
        source = Source(daemon.url)
        with pytest.raises(SourceError, match=said):
            read_overview(await source.overview())
        await source.close()


async def test_a_stream_of_nonsense_is_a_lost_connection() -> None:
    """And no traceback."""
    async with serving(Daemon(events=[event("tick", '{"now": "x"}')])) as daemon:
        async with following(daemon) as (board, until):
            await until(lambda: bool(board.lost))
            assert "not one of this version" in board.lost


async def test_the_token_is_sent_as_a_bearer() -> None:
    """And to nobody a redirect leads to: none is followed."""
    async with serving(Daemon(status="307 Temporary Redirect")) as daemon:
        source = Source(f"{daemon.url}/", Secret("let-me-in"))
        with pytest.raises(SourceError, match="HTTP 307"):
            await source.overview()
        await source.close()
    (head,) = daemon.asked
    assert head.startswith(b"GET /api/v1/overview ")
    assert b"authorization: bearer let-me-in\r\n" in head.lower()


async def ran(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(*TOP, *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_without_a_terminal_it_is_one_frame() -> None:
    """And with --json the overview as it came."""
    async with serving(Daemon()) as daemon:
        code, out, err = await ran("--url", daemon.url)
        assert (code, err) == (0, "")
        assert "Sonde 1.2.3 in fra1" in out
        assert "\x1b" not in out
        code, out, _ = await ran("--url", daemon.url, "--json")
        assert (code, out.encode()) == (0, daemon.body + b"\n")
    code, out, err = await ran("--url", daemon.url)
    assert (code, out) == (1, "")
    assert err.startswith(daemon.url)
    assert err.count("\n") == 1


async def test_a_mistake_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """No URL, or a token that is not there."""
    assert (await ran("--url", "localhost"))[0] == 2
    code, _, err = await ran("--token-file", str(tmp_path / "none"))
    assert (code, err.count("\n")) == (2, 1)


async def test_on_a_terminal_it_lives_until_q() -> None:
    """Keys are taken as they are typed, and the terminal is left as it was."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    seen = bytearray()
    asyncio.get_running_loop().add_reader(ours, lambda: seen.extend(os.read(ours, 65_536)))

    async def until(text: bytes) -> None:
        async with asyncio.timeout(30):
            while text not in seen:  # noqa: ASYNC110 - the terminal tells nobody
                await asyncio.sleep(0.02)

    async with serving(Daemon(events=[tick("slow")])) as daemon:
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
        process = await asyncio.create_subprocess_exec(
            *(*TOP, "--url", daemon.url), cwd=ROOT, stdin=theirs, stdout=theirs, env=environ
        )
        await until(b"slow")
        os.write(ours, b"s")
        await until(b"sort: name")
        os.write(ours, b"/emb\r")
        await until(b"only 'emb'")
        os.write(ours, b"q")
        assert await asyncio.wait_for(process.wait(), 30) == 0
    asyncio.get_running_loop().remove_reader(ours)
    assert termios.tcgetattr(theirs) == before
    assert b"\x1b[?1049l" in seen  # the screen from before is back
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://x", "http://", "http://[::1", "http://127.0.0.1:99999", "http://h:0"),
        *("http://é é/", "http://127.0.0.1:8000/?a=b", "http://me:sesame@127.0.0.1:8000"),
    ],
)
def test_what_is_no_url_of_a_daemon_is_a_mistake(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit 2, and a password that stood in it is not repeated."""
    assert main(["top", "--once", "--url", url]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "URL" in told
    assert "sesame" not in told
