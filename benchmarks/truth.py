"""The truth server: an OpenAI-compatible API in C that knows to the microsecond what it did.

A client's error is what it reports less what is in the server's log. See truth/truth.c.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2

from benchmarks.cores import FRONT_PRIORITY, instrument, realtime_allowed
from benchmarks.truth_log import Row, Stats
from tests.servers.nginx import TlsProxy, tls_proxy
from tests.servers.running import SERVERS, free_port, installed, running

SOURCES: Final = Path(__file__).parent / "truth"
PROGRAM: Final = SERVERS / "bench" / "truth"
PAGE_ROWS: Final = 500
"""As many as the server puts in one page of its log."""


class TruthServer:
    """A running truth server, and its TLS front where it was asked for."""

    def __init__(self, port: int, pid: int, tls: TlsProxy | None, http: httpx2.Client) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.pid = pid
        self.ca = tls.ca if tls else None
        """The certificate to trust, in PEM."""
        self.realtime = realtime_allowed()
        """Whether its own clock is safe from being preempted."""
        self._tls = tls
        self._http = http

    def url(
        self,
        *,
        delay_us: int = 0,
        chunk_us: int = 0,
        chunks: int = 1,
        id: int | None = None,  # noqa: A002 - the log's own word
        tls: bool = False,
    ) -> str:
        """Return a base URL whose answers come in this way.

        `id` None: the digits after `truth-` in the model's name, else a running number.
        """
        if tls and self._tls is None:
            raise ValueError("this truth server was started without TLS")
        front = self._tls.url if tls and self._tls else self.address
        number = "" if id is None else f"i{id}"
        return f"{front}/d{delay_us}c{chunk_us}n{chunks}{number}/v1"

    def log(self, since: int = 0) -> list[Row]:
        """Return the finished requests from an index on, in the order in which they ended."""
        found: list[Row] = []
        while True:
            params = {"from": since, "limit": PAGE_ROWS}
            lines = self._http.get(f"{self.address}/log", params=params).text.splitlines()
            found += map(Row.of, lines)
            if not lines:
                return found
            since = found[-1].index + 1

    def stats(self, *, clear: bool = False) -> Stats:
        """Return how it fared; with `clear` forget its lateness, but not the log."""
        got: dict[str, Any] = self._http.get(f"{self.address}/stats{'?clear' * clear}").json()
        return Stats(**got)

    def reset(self) -> None:
        """Forget everything, and number requests from 0 again."""
        self._http.get(f"{self.address}/reset").raise_for_status()


def build() -> Path:
    """Compile the server if its sources are newer; return the program."""
    newest = max(source.stat().st_mtime for source in SOURCES.iterdir())
    if PROGRAM.exists() and PROGRAM.stat().st_mtime > newest:
        return PROGRAM
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=PROGRAM.parent) as scratch:  # two may compile at a time
        made = Path(scratch) / "truth"
        warnings = ["-Wall", "-Wextra", "-Werror"]
        source = str(SOURCES / "truth.c")
        command = [installed("gcc"), "-O2", "-std=gnu11", *warnings, "-o", str(made), source]
        subprocess.run(command, check=True)
        made.replace(PROGRAM)
    return PROGRAM


@contextmanager
def truth_server(*, tls: bool = False) -> Iterator[TruthServer]:
    """Run a truth server on a free port; with `tls` also nginx in front of it."""
    program, port = build(), free_port()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="truth-")))
        ready = f"http://127.0.0.1:{port}/stats"
        command = [*instrument(), str(program), str(port)]
        process = stack.enter_context(running(command, ready=ready, scratch=scratch))
        (scratch / "tls").mkdir()
        tls_front = tls_proxy(port, scratch / "tls", launcher=instrument(FRONT_PRIORITY))
        front = stack.enter_context(tls_front) if tls else None
        http = stack.enter_context(httpx2.Client(trust_env=False))
        yield TruthServer(port, process.pid, front, http)
