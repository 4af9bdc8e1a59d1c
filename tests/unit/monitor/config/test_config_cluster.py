"""`cluster`, from a file and from variables."""

import socket
from pathlib import Path

import pytest

from monitor.config.load import load
from monitor.config.values import Cluster
from monitor.known_secrets import secret_sources
from monitor.reload.fixed import keeping_fixed
from probes.wire.trust import Papers
from tests.unit.monitor.config.configtexts import SMALL, load_text, refusal, refusals

URL = "redis://:a-password@redis.example:6379/0"


def cluster(folder: Path, section: str, *, more: str = "", **environ: str) -> Cluster | None:
    """Return what a file with this section makes of it."""
    text = f"{SMALL}{more}\ncluster: {section}\n"
    return load_text(folder, text, environ=environ).config.cluster


def test_everything_said(tmp_path: Path) -> None:
    """Each key has its place; the password is known as a secret wherever it might show."""
    section = "{redis: '${REDIS_URL}', name: g, replica: r-1, locations: [fra1, nyc1]}"
    text = f"{SMALL}location: fra1\ncluster: {section}\n"
    loaded = load_text(tmp_path, text, environ={"REDIS_URL": URL})
    found = loaded.config.cluster
    assert found is not None
    assert (found.name, found.replica, found.locations) == ("g", "r-1", ("fra1", "nyc1"))
    assert found.redis.read().reveal() == URL
    assert found.redis in secret_sources(loaded.config)
    assert found.papers == Papers()
    assert [str(each) for each in loaded.warnings if "cluster" in str(each)] == [
        "sonde.yaml:6:18 cluster.redis: sends the password in clear text: use rediss:// where"
        " others listen"
    ]


@pytest.mark.parametrize(
    "section", ["{redis: '${REDIS_URL:-}'}", "{redis_file: '${REDIS_FILE:-}'}", "null"]
)
def test_one_file_serves_one_and_many(tmp_path: Path, section: str) -> None:
    """A variable that is empty means alone, and then the host's name is the location."""
    loaded = load_text(tmp_path, f"{SMALL}cluster: {section}\n")
    assert loaded.config.cluster is None
    assert loaded.config.location == socket.gethostname()


def test_variables_alone(tmp_path: Path) -> None:
    """REDIS_URL is enough; replicas that say no location are all at the same one."""
    environ = {"OPENAI_API_KEY": "sk-1", "REDIS_URL": "rediss://redis.example"}
    config = load(None, environ, cwd=tmp_path, strict=True).config
    assert config.cluster is not None
    assert (config.cluster.name, config.location) == ("sonde", "default")
    alone = load(None, {**environ, "REDIS_URL": ""}, cwd=tmp_path, strict=True).config
    assert alone.cluster is None


def test_a_replica_is_named_as_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod's name is its own; what a name may not hold becomes a dash."""
    monkeypatch.setattr(socket, "gethostname", lambda: "sonde 0.local")
    found = cluster(tmp_path, "{redis: 'redis://127.0.0.1'}")
    assert found is not None
    assert found.replica == "sonde-0.local"


def test_the_only_location_is_ours(tmp_path: Path) -> None:
    """Where one is named, it need not be said twice."""
    text = f"{SMALL}cluster: {{redis: 'redis://127.0.0.1', locations: [fra1]}}\n"
    assert load_text(tmp_path, text).config.location == "fra1"


def test_a_url_in_a_file(tmp_path: Path) -> None:
    """A file may hold a password, and is not read by anybody else."""
    (tmp_path / "url").write_text(URL.replace("redis.example", "127.0.0.1") + "\n")
    found = cluster(tmp_path, "{redis_file: url}")
    assert found is not None
    assert found.redis.path == tmp_path / "url"


def test_a_file_that_is_not_there_yet_costs_nothing_but_the_others(tmp_path: Path) -> None:
    """A daemon starts without it and joins when it comes; `sonde check` refuses it."""
    text = f"{SMALL}cluster: {{redis_file: url}}\n"
    assert "cannot read" in refusal(tmp_path, text)
    assert load_text(tmp_path, text, strict=False).config.cluster is not None


@pytest.mark.parametrize(
    ("more", "section", "problem"),
    [
        ("", "{name: g}", "cluster.redis: missing: the URL of the Redis all share"),
        ("", f"{{redis: '{URL}'}}", "cluster.redis: a password is not written into the file"),
        ("", "{redis: 'http://redis'}", "cluster.redis: expected redis://HOST"),
        ("", "{redis: '${REDIS_URL}'}", "cluster.redis: unknown settings after ?"),
        ("", "{redis: 'redis://h', redis_file: f}", "give redis or redis_file, not both"),
        ("", "{redis: 'redis://h', locations: [a, b]}", "location: missing: which of"),
        ("", "{redis: 'redis://h', locations: [a, a]}", "the same location twice"),
        ("location: c", "{redis: 'redis://h', locations: [a, b]}", "is none of cluster.locations"),
        ("", "{redis: 'redis://h', replica: a b}", "cluster.replica: expected a name"),
        ("", "{redis: 'redis://h', ca_file: gone}", "cluster.ca_file"),
        ("", "{redis: 'redis://h', urls: []}", "cluster.urls: unknown key"),
    ],
)
def test_what_is_refused(tmp_path: Path, more: str, section: str, problem: str) -> None:
    """Every mistake at its own place, and no password in any word."""
    environ = {"REDIS_URL": f"{URL}?ssl=no"}
    told = refusals(tmp_path, f"{SMALL}{more}\ncluster: {section}\n", environ=environ)
    assert any(problem in str(each) for each in told), told
    assert "a-password" not in str(told)


def test_a_running_daemon_stays_in_its_group(tmp_path: Path) -> None:
    """It joined at its start; another group, or none, needs a restart."""
    text = f"{SMALL}cluster: {{redis: 'redis://127.0.0.1', replica: a}}\n"
    running = load_text(tmp_path, text).config
    wanted = load_text(tmp_path, text.replace("replica: a", "replica: b")).config
    kept, keys = keeping_fixed(running, wanted)
    assert keys == ("cluster",)
    assert kept.cluster == running.cluster
