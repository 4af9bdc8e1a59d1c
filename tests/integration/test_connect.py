"""`check --connect` against a server whose answers and clock a test chooses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aggregator.stores.delivery import Destination
from monitor.config.values import Influxdb
from monitor.connect import report

MARKER = b'{"results":[{"series":[{"columns":["time","value"],"values":[[1,1]]}]}]}'


@dataclass
class Server:
    """An InfluxDB that takes a marker and shows it."""

    url: str = ""
    ahead_s: float = 0.0
    date: str | None = None
    """Said in place of the time."""
    status: int = 204
    said: bytes = b""
    asked: list[str] = field(default_factory=list)

    def now(self) -> str:
        """Return its time as it says it."""
        moment = datetime.now(UTC) + timedelta(seconds=self.ahead_s)
        return format_datetime(moment, usegmt=True) if self.date is None else self.date


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run it in a thread: `report` has a loop of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def date_time_string(self, timestamp: float | None = None) -> str:
            return server.now()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append(self.path.partition("?")[0])
            writing = self.path.startswith("/api/v2/write")
            body = server.said if writing else MARKER
            self.send_response(server.status if writing else 200)
            if body:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_what: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield server
        http.shutdown()
        thread.join()


def told(server: Server) -> tuple[str, bool]:
    with serving(server):
        return report(Influxdb(destination=Destination(server.url, "", "b")), "here")


def test_a_store_that_works_is_told_in_one_line() -> None:
    """A difference of clocks below some seconds is none."""
    server = Server(ahead_s=2.0)
    line, works = told(server)
    assert works
    assert line.startswith(f"InfluxDB {server.url} bucket b: wrote and read back a marker in ")
    assert line.endswith(" ms")
    assert server.asked == ["/api/v2/write", "/query"]


@pytest.mark.parametrize(("ahead_s", "way"), [(3_600.0, "ahead of"), (-3_600.0, "behind")])
def test_a_clock_that_differs_is_told(ahead_s: float, way: str) -> None:
    """It works all the same: points are where our clock puts them."""
    line, works = told(Server(ahead_s=ahead_s))
    assert works
    assert "ms; its clock is 3" in line
    assert line.endswith(f" s {way} ours: one of the two is wrong")


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 99 Oct 2026 07:28:00 GMT"])
def test_a_clock_that_cannot_be_read_is_no_difference(date: str) -> None:
    """Nothing is said of what is not known."""
    line, works = told(Server(date=date))
    assert works
    assert line.endswith(" ms")


def test_a_marker_that_is_too_old_at_once_points_at_the_clock() -> None:
    """The server dropped a point of this very moment."""
    said = b'{"error":"partial write: points beyond retention policy dropped=1"}'
    line, works = told(Server(ahead_s=86_400.0, status=400, said=said))
    assert not works
    assert "drops points older than the bucket 'b' keeps (one of this very moment)" in line
    assert "s ahead of ours: one of the two is wrong" in line


def test_a_type_conflict_says_which_field_and_how_to_mend_it() -> None:
    """In our words beside the server's own."""
    said = (
        b'{"error":"partial write: field type conflict: input field \\"value\\" on measurement'
        b' \\"sonde_check\\" is type float, already exists as type integer dropped=1"}'
    )
    line, works = told(Server(status=400, said=said))
    assert not works
    assert "refuses lines (answered 400: partial write: field type conflict" in line
    assert "(the field 'value' of 'sonde_check' is integer in this bucket, and we send" in line
