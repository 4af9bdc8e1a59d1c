"""What kustomize and Helm make of deploy/: valid, restricted, and tied to what Sonde does."""

import re
import subprocess
import sys
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from benchmarks.pod import LIMIT_CORES, REQUEST_CORES, REQUEST_MIB, STARTUP_S
from monitor.daemon import STOP_BUDGET_S
from monitor.watchdog import DUMP_S, REARM_EVERY_S, STUCK_AFTER_S
from tests.docs.blocks import ROOT
from tests.docs.configs import SECRET, VARIABLES
from tests.integration.kubernetes_objects import (
    CHART,
    EVERYTHING,
    OVERLAYS,
    RUNNING,
    SOURCES,
    named,
    pods,
    sonde,
)
from tests.integration.kubernetes_restricted import refused
from tests.servers.kubernetes_api import Object

OLDEST = 29
NEWEST = int(kubernetes_validate.latest_version().split(".")[1])
MARGIN_S = 5.0
"""What the kubelet may be late with the signal, and the kernel with the end."""


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
@pytest.mark.parametrize("source", RUNNING)
def test_every_object_is_valid_in_every_version(source: str, minor: int) -> None:
    """No field that a version does not know, none of a wrong kind; unknown keys are errors."""
    for each in SOURCES[source]():
        if not each["apiVersion"].startswith("monitoring.coreos.com/"):
            kubernetes_validate.validate(each, f"1.{minor}", strict=True)


@pytest.mark.parametrize("minor", [OLDEST, NEWEST])
def test_a_misspelt_field_is_refused(minor: int) -> None:
    """The schemas above are strict ones: a key that nobody knows is no detail."""
    wrong = deepcopy(named(SOURCES["kustomize single"](), "StatefulSet"))
    wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriod"):
        kubernetes_validate.validate(wrong, f"1.{minor}", strict=True)


@pytest.mark.parametrize("source", RUNNING)
def test_every_pod_is_restricted(source: str) -> None:
    """Admission of a namespace that enforces `restricted` takes each pod, and root is read-only."""
    found = dict(pods(SOURCES[source]()))
    assert {name: refused(pod) for name, pod in found.items()} == {name: [] for name in found}
    for pod in found.values():
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}, "volume hostPath"),
        ({"securityContext": {}}, "may run as root"),
        ({"securityContext": {"runAsNonRoot": True}}, "seccomp"),
        ({"securityContext": {"sysctls": [{"name": "a"}]}}, "sysctls"),
        ({"containers": [{"securityContext": {"privileged": True}}]}, "privileged"),
        ({"containers": [{"securityContext": {"runAsUser": 0}}]}, "may run as root"),
        ({"containers": [{}]}, "privilege escalation"),
        ({"containers": [{"ports": [{"hostPort": 1}]}]}, "hostPort"),
        ({"containers": [{"securityContext": {"procMount": "Unmasked"}}]}, "procMount"),
        (
            {"initContainers": [{"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]},
            "capabilities",
        ),
    ],
)
def test_a_pod_that_asks_for_more_is_refused(part: dict[str, Any], told: str) -> None:
    """The judge above finds each thing that the standard forbids."""
    pod, _ = sonde(SOURCES["kustomize single"]())
    assert told in refused({**deepcopy(pod), **part})


def test_the_namespace_enforces_it() -> None:
    """Kustomize brings the namespace, with the labels that make admission refuse."""
    labels = named(SOURCES["kustomize single"](), "Namespace")["metadata"]["labels"]
    assert {
        labels[f"pod-security.kubernetes.io/{each}"] for each in ("enforce", "audit", "warn")
    } == {"restricted"}


@pytest.mark.parametrize("source", RUNNING)
def test_a_stop_ends_before_the_kubelet_kills(source: str) -> None:
    """The grace period is longer than all of Sonde's own budgets together."""
    pod, _ = sonde(SOURCES[source]())
    assert pod["terminationGracePeriodSeconds"] >= STOP_BUDGET_S + MARGIN_S


@pytest.mark.parametrize("source", RUNNING)
def test_each_probe_asks_what_it_should(source: str) -> None:
    """A start has the time that was measured; a stuck loop ends itself before it is killed."""
    _, container = sonde(SOURCES[source]())
    startup, alive, ready = (
        container[f"{each}Probe"] for each in ("startup", "liveness", "readiness")
    )
    assert [each["httpGet"]["path"] for each in (startup, alive, ready)] == [
        "/livez",
        "/livez",
        "/readyz",
    ]
    assert startup["periodSeconds"] * startup["failureThreshold"] == STARTUP_S
    patience_s = alive["periodSeconds"] * alive["failureThreshold"]
    assert patience_s > STUCK_AFTER_S + REARM_EVERY_S + DUMP_S
    page = (ROOT / "docs" / "howto" / "kubernetes.md").read_text(encoding="utf-8")
    assert f"does it answer yet? {STARTUP_S:.0f} s |" in page
    assert f"does its loop turn? {patience_s} s |" in page


@pytest.mark.parametrize("source", RUNNING)
def test_it_asks_for_what_was_measured(source: str) -> None:
    """`python -m benchmarks pod` measures under these very figures."""
    _, container = sonde(SOURCES[source]())
    assert container["resources"] == {
        "requests": {"cpu": f"{REQUEST_CORES * 1e3:.0f}m", "memory": f"{REQUEST_MIB:.0f}Mi"},
        "limits": {"cpu": f"{LIMIT_CORES * 1e3:.0f}m", "memory": "512Mi"},
    }


@pytest.mark.parametrize("source", RUNNING)
def test_nothing_is_mounted_that_cannot_change(source: str) -> None:
    """Secrets and configuration are whole volumes: a subPath never sees a rotation."""
    for _, pod in pods(SOURCES[source]()):
        mounts = [mount for each in pod["containers"] for mount in each.get("volumeMounts", ())]
        assert not any("subPath" in each or "subPathExpr" in each for each in mounts)
        assert all(
            "secretKeyRef" not in variable.get("valueFrom", {}) and "envFrom" not in each
            for each in pod["containers"]
            for variable in each.get("env", ())
        )


@pytest.mark.parametrize("source", RUNNING)
def test_every_volume_is_there_and_every_claim_is_used(source: str) -> None:
    """A mount without its volume is a pod that never starts; the ledger is on a disk."""
    for each in SOURCES[source]():
        if each["kind"] != "StatefulSet":
            continue
        pod = each["spec"]["template"]["spec"]
        claims = {claim["metadata"]["name"] for claim in each["spec"]["volumeClaimTemplates"]}
        there = claims | {volume["name"] for volume in pod["volumes"]}
        used = {mount["name"] for one in pod["containers"] for mount in one["volumeMounts"]}
        assert used == there
        assert claims


@pytest.mark.parametrize("source", RUNNING)
def test_services_and_policies_find_their_pods(source: str) -> None:
    """A selector that matches no pod protects nothing and serves nobody."""
    objects = SOURCES[source]()
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in objects
        if each["kind"] == "StatefulSet"
    ]
    for selector in _selectors(objects):
        assert sum(selector.items() <= each.items() for each in labels) == 1, selector


def _selectors(objects: tuple[Object, ...]) -> list[dict[str, str]]:
    found = []
    for each in objects:
        match each["kind"], each.get("spec"):
            case "Service", spec:
                found.append(spec["selector"])
            case "NetworkPolicy", spec:
                found.append(spec["podSelector"]["matchLabels"])
            case "PodDisruptionBudget" | "StatefulSet", spec:
                found.append(spec["selector"]["matchLabels"])
            case _:
                pass
    return found


@pytest.mark.parametrize("source", RUNNING)
def test_its_network_is_closed_but_for_what_it_needs(source: str) -> None:
    """Names, TLS, an InfluxDB in the cluster and the Redis; and its own port from outside."""
    policies = [each for each in SOURCES[source]() if each["kind"] == "NetworkPolicy"]
    own = [each["spec"] for each in policies if each["metadata"]["name"] != "sonde-redis"]
    asked = {587} if source == "chart, everything" else set()
    assert {"Ingress", "Egress"} == set(own[0]["policyTypes"]) | set(own[-1]["policyTypes"])
    assert _ports(own, "ingress") == {8000}
    assert _ports(own, "egress") == {53, 443, 8086} | asked | _redis(source)


@pytest.mark.parametrize("source", ["kustomize replicas", "chart, replicas"])
def test_its_redis_speaks_to_nobody_else(source: str) -> None:
    """Only Sonde's pods come in, and nothing goes out."""
    spec = named(SOURCES[source](), "NetworkPolicy", "sonde-redis")["spec"]
    (rule,) = spec["ingress"]
    (who,) = rule["from"]
    labels = {"app.kubernetes.io/name": "sonde", "app.kubernetes.io/instance": "sonde"}
    assert who == {"podSelector": {"matchLabels": labels}}
    assert "Egress" in spec["policyTypes"]
    assert "egress" not in spec


def _redis(source: str) -> set[int]:
    return set() if source in ("kustomize single", "chart") else {6379}


def _ports(specs: list[Any], way: str) -> set[int]:
    return {port["port"] for spec in specs for rule in spec.get(way, ()) for port in rule["ports"]}


@pytest.mark.parametrize("source", RUNNING)
def test_sonde_check_takes_the_configuration(source: str, tmp_path: Path) -> None:
    """The ConfigMap is what `sonde run` reads, with the variables that the pod gives it."""
    objects = SOURCES[source]()
    _, container = sonde(objects)
    given = {"SONDE_LISTEN": "0.0.0.0:8000"}  # the image's
    for each in container["env"]:
        given[each["name"]] = _here(each.get("value", "sonde-0"), tmp_path)
    text = _here(named(objects, "ConfigMap")["data"]["sonde.yaml"], tmp_path)
    for path in {*re.findall(rf"{tmp_path}/[\w./-]+", text), given.get("SONDE_REDIS_FILE", "")} - {
        ""
    }:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_secret(file.name), encoding="utf-8")
    (tmp_path / "sonde.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "monitor.cli", "check", str(tmp_path / "sonde.yaml")],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **given},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _here(text: str, folder: Path) -> str:
    return text.replace("/run/secrets/", f"{folder}/").replace("/var/lib/sonde", f"{folder}/ledger")


def _secret(name: str) -> str:
    shaped = {
        "openai": VARIABLES["OPENAI_API_KEY"],
        "slack": VARIABLES["SLACK_WEBHOOK_URL"],
        "url": f"redis://sonde:{SECRET}@sonde-redis:6379/0",
    }
    return shaped.get(name, SECRET)


def test_the_version_is_one() -> None:
    """Chart, overlays and package name the same release."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)
    for overlay in ("single", "replicas"):
        (image,) = yaml.safe_load((OVERLAYS / overlay / "kustomization.yaml").read_text())["images"]
        assert image["newTag"] == version
        _, container = sonde(SOURCES[f"kustomize {overlay}"]())
        assert container["image"] == f"{image['newName']}:{version}"


@pytest.mark.parametrize(
    ("overlay", "chart"),
    [("kustomize single", "chart"), ("kustomize replicas", "chart, replicas")],
)
def test_kustomize_and_the_chart_agree(overlay: str, chart: str) -> None:
    """The same objects with the same content; the namespace is Helm's user's, its test its own."""
    ours = {_key(each): _plain(each) for each in SOURCES[overlay]() if each["kind"] != "Namespace"}
    theirs = {_key(each): _plain(each) for each in SOURCES[chart]() if each["kind"] != "Pod"}
    assert ours == theirs


def test_the_optional_objects_agree_too() -> None:
    """ServiceMonitor and PrometheusRule are the same from both, and the rules are those shipped."""
    both = [SOURCES[each]() for each in ("kustomize monitoring", "chart, everything")]
    for kind in ("ServiceMonitor", "PrometheusRule"):
        first, second = (named(each, kind)["spec"] for each in both)
        assert first == second
    shipped = yaml.safe_load((ROOT / "deploy" / "prometheus-rules.yml").read_text())
    assert named(both[0], "PrometheusRule")["spec"] == shipped


def test_the_monitor_finds_the_service() -> None:
    """Its selector matches one Service, whose port and label it names."""
    monitor = named(SOURCES["kustomize monitoring"](), "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"]
    services = [
        each
        for each in SOURCES["kustomize single"]()
        if each["kind"] == "Service" and wanted.items() <= each["metadata"]["labels"].items()
    ]
    (service,) = services
    assert monitor["endpoints"][0]["port"] in {each["name"] for each in service["spec"]["ports"]}
    assert service["metadata"]["labels"][monitor["jobLabel"]] == "sonde"  # job, in the rules


def _key(found: Object) -> tuple[str, str]:
    return found["kind"], found["metadata"]["name"]


def _plain(found: Object) -> Object:
    """Return what both can agree on: no labels about Helm, and lists of names in one order."""
    selecting = {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    labels = {k: v for k, v in found["metadata"]["labels"].items() if k in selecting}
    rest = {key: value for key, value in found.items() if key != "metadata"}
    return {"labels": labels, **_sorted(rest)}


# Any: JSON.
def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items()}
    if (
        isinstance(value, list)
        and value
        and all(isinstance(e, dict) and "name" in e for e in value)
    ):
        return sorted(map(_sorted, value), key=lambda each: each["name"])
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def test_everything_turns_everything_on() -> None:
    """The values above reach every key of the chart: none is rendered by no test."""
    known = yaml.safe_load((CHART / "values.yaml").read_text())
    usual = {"config", "location", "podDisruptionBudget", "resources", "secretName"}
    usual |= {"startupSeconds", "terminationGracePeriodSeconds"}  # in the chart as it comes
    assert known.keys() == EVERYTHING.keys() | usual
