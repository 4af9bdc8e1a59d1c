"""The laptop's compose.yaml: Compose takes it, and each part's own program takes its part."""

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from monitor.cli import main
from monitor.daemon import STOP_BUDGET_S
from monitor.simulator.script import SCRIPTS
from tests.dashboards.all import DASHBOARDS
from tests.docs.blocks import ROOT
from tests.servers.prometheus import check_config
from tests.servers.running import installed

FOLDER: Final = ROOT / "deploy" / "compose"
FILE: Final = FOLDER / "compose.yaml"
GRAFANA: Final = ROOT / "deploy" / "grafana"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))  # Any: YAML
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = ("simulator", "sonde-0", "sonde-1")
MARGIN_S: Final = 5.0
"""What Docker may be late with the signal, and the kernel with the end."""

every_service = pytest.mark.parametrize("name", SERVICES)


def judged(*command: str | Path) -> tuple[int, str]:
    """Run a program that reads and judges."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def checked(path: Path) -> tuple[int, str]:
    """Hold a file against the Compose specification's own schema."""
    program = Path(sys.executable).with_name("check-jsonschema")
    return judged(program, "--builtin-schema", "vendor.compose-spec", path)


def test_the_specification_takes_it(tmp_path: Path) -> None:
    """No key that Compose does not know, none of a wrong kind; one that is misspelt is refused."""
    code, words = checked(FILE)
    assert code == 0, words
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(FILE.read_text(encoding="utf-8").replace("read_only:", "readonly:"))
    assert checked(wrong)[0] != 0


def test_compose_takes_it() -> None:
    """What it names, it has: services, secrets, volumes; and its variables have values."""
    code, words = judged(installed("docker-compose"), "-f", FILE, "config", "--quiet")
    assert (code, words) == (0, "")


def mounts(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield source, place and mode of what is mounted into a service."""
    for each in SERVICES[name].get("volumes", ()):
        source, place, mode = [*each.split(":"), "rw"][:3]
        yield source, place, mode


@every_service
def test_every_service_is_careful(name: str) -> None:
    """Nobody is more than it must be, and nobody's place outside of its volumes can be written."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & service.keys()
    for source, place, mode in mounts(name):
        assert mode == "ro" or source in COMPOSE["volumes"], place


@every_service
def test_every_service_can_be_waited_for(name: str) -> None:
    """Each says when it is well; Sonde's image does so by itself."""
    asked = "HEALTHCHECK" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "healthcheck" in SERVICES[name] or (asked and name.startswith("sonde-"))


@every_service
def test_every_tag_is_pinned(name: str) -> None:
    """Today's file gets today's programs; ours is built here and pulled by nobody."""
    image, _, tag = SERVICES[name]["image"].partition(":")
    if name in OURS:
        assert (image, SERVICES[name]["pull_policy"]) == ("sonde", "never")
    else:
        assert tag[:1].isdigit() or tag[1:2].isdigit(), tag


def test_our_image_is_built_once() -> None:
    """By one service for all: Compose builds side by side, and the second finds its tag taken."""
    (builder,) = (name for name in SERVICES if "build" in SERVICES[name])
    assert (FOLDER / SERVICES[builder]["build"]["context"]).resolve() == ROOT
    assert {SERVICES[name]["image"] for name in OURS} == {SERVICES[builder]["image"]}
    # Compose 1 builds just before it starts: whoever starts alone has it started first.
    assert all(name == builder or builder in SERVICES[name]["depends_on"] for name in OURS)


@every_service
def test_everything_mounted_is_there(name: str) -> None:
    """A file that is missing would be made: as a folder."""
    for source, _, _ in mounts(name):
        if source not in COMPOSE["volumes"]:
            assert (FOLDER / source).exists(), source


def test_others_cannot_reach_it() -> None:
    """What is in secrets/ is known to everybody, so only this machine is listened to."""
    ports = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_secrets_are_files_and_each_is_used() -> None:
    """None is a variable, which `docker inspect` would show."""
    for name, secret in COMPOSE["secrets"].items():
        assert (FOLDER / secret["file"]).read_text(encoding="utf-8"), name
    used = {
        each if isinstance(each, str) else each["source"]
        for service in SERVICES.values()
        for each in service.get("secrets", ())
    }
    assert used == COMPOSE["secrets"].keys()
    texts = [(FOLDER / each["file"]).read_text().strip() for each in COMPOSE["secrets"].values()]
    shown = yaml.safe_dump({name: each.get("environment") for name, each in SERVICES.items()})
    assert [text for text in texts if text in shown] == []


def test_a_stop_ends_before_docker_kills() -> None:
    """The grace period is longer than all of Sonde's own budgets together."""
    for name in ("sonde-0", "sonde-1"):
        assert float(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= (
            STOP_BUDGET_S + MARGIN_S
        )


def test_the_replicas_differ_only_in_what_is_theirs() -> None:
    """Each has its name, its ledger and its port; everything else is one configuration."""
    own = {"hostname", "ports", "volumes"}
    first, second = SERVICES["sonde-0"], SERVICES["sonde-1"]
    assert {key for key in first if first[key] != second[key]} == own
    assert not set(mounts("sonde-0")) & set(mounts("sonde-1")) - {("./sonde", "/etc/sonde", "ro")}


def secrets_at(folder: Path, text: str) -> str:
    """Put what Compose mounts under /run/secrets into a folder, and name that."""
    for name, secret in COMPOSE["secrets"].items():
        (folder / name).write_bytes((FOLDER / secret["file"]).read_bytes())
    return text.replace("/run/secrets", str(folder)).replace("/var/lib/sonde", str(folder))


def test_sonde_takes_its_configuration(tmp_path: Path) -> None:
    """As `sonde check` says, with the secrets where Compose puts them."""
    text = (FOLDER / "sonde" / "sonde.yaml").read_text(encoding="utf-8")
    named = {word for word in text.replace("\n", " ").split() if word.startswith("/run/secrets/")}
    mounted = {f"/run/secrets/{each}" for each in SERVICES["sonde-0"]["secrets"]}
    assert {name.rstrip(",}") for name in named} - {"/run/secrets/openai"} == mounted
    path = tmp_path / "sonde.yaml"
    path.write_text(secrets_at(tmp_path, text), encoding="utf-8")
    words = io.StringIO()
    with redirect_stdout(words), redirect_stderr(words):
        assert main(["check", str(path)]) == 0, words.getvalue()


def test_the_simulator_takes_its_arguments() -> None:
    """It plays a script there is, where Sonde looks for it."""
    command = SERVICES["simulator"]["command"]
    said = dict(zip(command[::2], command[1::2], strict=True))
    assert said["--script"] in SCRIPTS
    sonde = yaml.safe_load((FOLDER / "sonde" / "sonde.yaml").read_text(encoding="utf-8"))
    assert sonde["providers"]["simulated"]["base_url"] == f"http://simulator:{said['--port']}/v1"


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """With the rules beside it, as they are mounted; it scrapes every replica."""
    for source, place, _ in mounts("prometheus"):
        if place.startswith("/etc/prometheus/"):
            (tmp_path / Path(place).name).write_bytes((FOLDER / source).read_bytes())
    code, words = check_config(tmp_path / "prometheus.yml")
    assert code == 0, words
    config = yaml.safe_load((tmp_path / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    replicas = [name for name in SERVICES if name.startswith("sonde-")]
    assert job["static_configs"] == [{"targets": [f"{name}:8000" for name in replicas]}]


def test_the_users_of_redis_may_do_what_replicas_need() -> None:
    """The rights of the page, and a stranger's: none but PING."""
    page = (ROOT / "docs" / "replicas.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("ACL SETUSER sonde"))
    rights = line.partition("resetkeys ")[2]
    users = (FOLDER / "secrets" / "redis-users.acl").read_text(encoding="utf-8").splitlines()
    url = (FOLDER / "secrets" / "redis-url").read_text(encoding="utf-8")
    password = url.removeprefix("redis://sonde:").partition("@")[0]
    assert users == [
        "user default on nopass resetkeys -@all +ping",
        f"user sonde on >{password} resetkeys {rights}",
    ]


def test_grafana_finds_what_is_provisioned() -> None:
    """Sources by the services' names, dashboards where they are mounted, its home among them."""
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/sonde.yaml").read_text())
    kinds = {each["type"]: each for each in sources["datasources"]}
    assert kinds.keys() == {each.source for each in DASHBOARDS}
    hosts = {each["url"].split("/")[2].partition(":")[0] for each in sources["datasources"]}
    assert hosts <= SERVICES.keys()
    influxdb = SERVICES["influxdb"]["environment"]
    assert kinds["influxdb"]["jsonData"]["dbName"] == influxdb["DOCKER_INFLUXDB_INIT_BUCKET"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/sonde.yaml").read_text())[
        "providers"
    ]
    places = {place: source for source, place, _ in mounts("grafana")}
    path = provider["options"]["path"]
    assert (FOLDER / places[path]).resolve() == GRAFANA / "dashboards"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (GRAFANA / "dashboards" / Path(home).relative_to(path)).is_file()


def test_sonde_and_influxdb_mean_the_same_bucket() -> None:
    """And the token is one file for both."""
    sonde = yaml.safe_load((FOLDER / "sonde" / "sonde.yaml").read_text(encoding="utf-8"))
    store, made = sonde["store"]["influxdb"], SERVICES["influxdb"]["environment"]
    assert store["org"] == made["DOCKER_INFLUXDB_INIT_ORG"]
    assert store["bucket"] == made["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert store["token_file"] == made["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE"]
