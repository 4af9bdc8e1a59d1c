"""Prometheus and promtool start, scrape and judge; our scrape configuration passes."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.servers.prometheus import Prometheus, check_config, check_metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
EXPOSITION = "# HELP sonde_things_total Things.\n# TYPE sonde_things_total counter\n"


class Exposed(BaseHTTPRequestHandler):
    """Answer every request with one counter."""

    def do_GET(self) -> None:
        """Answer."""
        body = f"{EXPOSITION}sonde_things_total 3\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def exposed() -> Iterator[str]:
    """Serve one counter and return its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exposed)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_prometheus_scrapes_what_it_is_given(
    prometheus: Callable[[str], Prometheus], exposed: str
) -> None:
    """Within seconds the target is up and the counter can be asked for."""
    server = prometheus(exposed)
    deadline = time.monotonic() + 20.0
    while not (found := server.query("sonde_things_total")):
        assert time.monotonic() < deadline, server.target()
        time.sleep(0.1)
    assert found[0]["value"][1] == "3"
    assert server.target()["health"] == "up"
    assert server.metadata()["sonde_things_total"][0]["type"] == "counter"


def test_promtool_refuses_a_bad_name() -> None:
    """A counter without `_total` is a finding; a good one is none."""
    assert check_metrics(f"{EXPOSITION}sonde_things_total 3\n")[0] == 0
    code, words = check_metrics("# HELP things x\n# TYPE things counter\nthings 3\n")
    assert (code, "_total" in words) == (3, True)


def test_our_scrape_configuration_is_valid() -> None:
    """deploy/prometheus.yml passes promtool."""
    code, words = check_config(DEPLOY / "prometheus.yml")
    assert code == 0, words
