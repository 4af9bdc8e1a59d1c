"""The image run as users run it: nothing writable but its volume, no capability, no root."""

import json
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from monitor.daemon import STOP_BUDGET_S
from tests.image.containers import Container, Containers, eventually
from tests.servers.running import free_port, running

KEY = "sk-test-image-0123456789"
LATE_S = 10.0
"""What a machine that runs other tests beside may add to a deadline."""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A provider that answers everything, on loopback."""
    port = free_port()
    command = (sys.executable, "-m", "monitor.simulator", "--script", "answer")
    with running(
        (*command, "--port", str(port)),
        ready=f"tcp://127.0.0.1:{port}",
        scratch=tmp_path_factory.mktemp("provider"),
        environ={"PYTHONPATH": str(Path(__file__).parents[2])},
    ):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def environ(provider: str) -> Mapping[str, str]:
    """All the configuration there is."""
    return {
        "SONDE_LISTEN": f"127.0.0.1:{free_port()}",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": provider,
    }


@pytest.fixture
def up(containers: Containers, image: str, environ: Mapping[str, str]) -> Iterator[Container]:
    """The daemon in a container, serving."""
    with containers.started(image, environ=environ) as container:
        eventually(lambda: answers(environ, "/livez"), f"/livez: {container.logs()}")
        yield container


def answers(environ: Mapping[str, str], path: str) -> bool:
    """Return whether the daemon answers a path with 2xx."""
    try:
        return httpx2.get(address(environ, path), timeout=5, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def scraped(environ: Mapping[str, str]) -> str:
    """Return /metrics."""
    return httpx2.get(address(environ, "/metrics"), timeout=5, trust_env=False).text


def address(environ: Mapping[str, str], path: str) -> str:
    """Return the URL of a path of the daemon."""
    return f"http://{environ['SONDE_LISTEN']}{path}"


def test_it_probes_and_serves(up: Container, environ: Mapping[str, str]) -> None:
    """By its environment alone it probes, becomes ready, and serves metrics and the dashboard."""
    eventually(lambda: answers(environ, "/readyz"), "/readyz")
    answered = re.compile(r'^sonde_probe_results_total{.*verdict="ok".*} [1-9]', re.MULTILINE)
    eventually(lambda: bool(answered.search(scraped(environ))), "a probe that was answered")
    metrics = scraped(environ)
    page = httpx2.get(address(environ, "/"), timeout=5, trust_env=False)
    assert page.headers["content-type"].startswith("text/html")
    assert KEY not in metrics + page.text + up.logs()


def test_it_runs_without_any_right(up: Container) -> None:
    """Every process is Sonde's user, with no capability and no way to get one."""
    status = up.shell("cat /proc/[0-9]*/status")
    said = [line.split() for line in status.splitlines()]
    assert {line[1] for line in said if line[0] == "Uid:"} == {"10001"}
    assert {line[1] for line in said if line[0] in {"CapEff:", "CapPrm:", "CapBnd:"}} == {"0" * 16}
    assert {line[1] for line in said if line[0] == "NoNewPrivs:"} == {"1"}


def test_its_root_is_read_only_and_its_state_is_kept(up: Container) -> None:
    """The ledger is written into the volume, and nothing else can be."""
    assert "sonde.db" in up.shell("ls /var/lib/sonde")
    assert (
        up.shell("for d in /tmp /opt/sonde /etc; do touch $d/x 2>&1 || true; done").count(
            "Read-only file system"
        )
        == 3
    )


def test_its_health_check_tells_a_daemon_that_stands_still(up: Container) -> None:
    """The check in the image is content with one that runs, and not with one that is stopped."""
    eventually(up.healthy, "the first healthy answer")
    daemon = up.shell("cat /proc/1/task/1/children").split()[0]
    up.shell(f"kill -STOP {daemon}")
    assert not up.healthy()
    up.shell(f"kill -CONT {daemon}")
    eventually(up.healthy, "health after going on")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_it_is_told(up: Container, number: signal.Signals) -> None:
    """Either signal to process 1 ends it with 0, within what stopping may take."""
    up.send(number)
    assert up.wait(STOP_BUDGET_S + LATE_S) == 0
    events = [json.loads(line)["event"] for line in up.logs().splitlines() if line[:1] == "{"]
    assert "signal.received" in events
    assert "daemon.stopped" in events


def test_a_signal_is_heard_before_it_is_up(
    containers: Containers, image: str, environ: Mapping[str, str]
) -> None:
    """SIGTERM in the first moment, while nothing listens to signals yet, still ends it.

    The kernel drops what process 1 has no handler for, so somebody must be process 1 who has.
    """
    with containers.started(image, environ=environ) as container:
        container.send(signal.SIGTERM)
        assert container.wait(STOP_BUDGET_S + LATE_S) in {0, 128 + signal.SIGTERM}


def test_nobody_else_s_children_stay_as_zombies(up: Container) -> None:
    """What a command beside it leaves behind is buried when it ends."""
    up.shell("(sleep 0.5 &) ; exit 0")

    def states() -> list[str]:
        return [
            line.rpartition(")")[2].split()[0]
            for line in up.shell("cat /proc/[0-9]*/stat").splitlines()
            if "(sleep)" in line
        ]

    eventually(lambda: not states() or states() == ["Z"], "the end of sleep")
    eventually(lambda: not states(), "the burial of sleep", 5.0)


def test_the_demo_runs_in_it(containers: Containers, image: str) -> None:
    """The incident is played, found and told, with nothing writable but the volume."""
    printed = containers.run(image, "demo", "--seconds", "60", "--json")
    events = [json.loads(line) for line in printed.splitlines()]
    assert events


def test_a_configuration_is_mounted_where_it_is_looked_for(
    containers: Containers, image: str, tmp_path: Path
) -> None:
    """/etc/sonde/sonde.yaml is read without being named; a mistake in it is told by its line."""
    wrong = tmp_path / "sonde.yaml"
    wrong.write_text("location: here\nproviderz: {}\n")
    options = [f"--volume={wrong}:/etc/sonde/sonde.yaml:ro"]
    arguments = ("run", "--rm", "--runtime", "runc", "--network", "host", "--read-only")
    nofile = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
    done = containers.attempt("podman", *arguments, *nofile, *options, image)
    assert done.returncode == 2
    assert "/etc/sonde/sonde.yaml:2:1" in done.stderr
