"""The chart as Helm takes it: linted, packed, refusing what is wrong, and doing what values say."""

import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from monitor.daemon import STOP_BUDGET_S
from tests.docs.blocks import ROOT
from tests.integration.kubernetes_objects import CHART, REPLICAS, SOURCES, named, sonde
from tests.servers import helm
from tests.servers.helm import HelmRefusedError, installed_release


def test_the_linter_finds_nothing() -> None:
    """Neither an error nor a warning."""
    assert helm.lint(CHART) == []


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    """A template that does not render is told."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: a\nversion: 1.0.0\n")
    (tmp_path / "templates" / "a.yaml").write_text("{{ .Values.a.b }}")
    assert helm.lint(tmp_path) != []


def test_the_archive_is_the_chart(tmp_path: Path) -> None:
    """What lies outside and is linked comes along, and what is installed from it is the same."""
    archive = helm.package(CHART, tmp_path)
    with tarfile.open(archive) as packed:
        shipped = packed.extractfile("sonde/files/sonde.yaml")
        assert shipped is not None
        base = ROOT / "deploy" / "kubernetes" / "base" / "sonde.yaml"
        assert shipped.read() == base.read_bytes()
    assert (
        installed_release(archive, REPLICAS).objects == installed_release(CHART, REPLICAS).objects
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replica": 2}, "'replica' not allowed"),
        ({"replicas": 2}, "/redis/secretName"),
        ({"autoscaling": {"enabled": True}}, "/redis/secretName"),
        ({"redis": {"enabled": True}}, "/redis/secretName"),
        ({"redis": {"secretName": "Not A Name"}}, "/redis/secretName"),
        ({"replicas": "2"}, "/replicas"),
        ({"location": ""}, "/location"),
        ({"secretName": ""}, "/secretName"),
        ({"image": {"repository": "registry.example.com/sonde latest"}}, "/image/repository"),
        ({"image": {"repository": "registry.example.com/sonde:1.0"}}, "/image/repository"),
        ({"storage": {"size": "4 GB"}}, "/storage/size"),
        ({"resources": {"limit": {}}}, "'limit' not allowed"),
        ({"terminationGracePeriodSeconds": 20}, "/terminationGracePeriodSeconds"),
        ({"startupSeconds": 5}, "/startupSeconds"),
        ({"service": {"type": "ExternalName"}}, "/service/type"),
        ({"podDisruptionBudget": {"maxUnavailable": "half"}}, "/podDisruptionBudget"),
        ({"serviceMonitor": {"interval": "often"}}, "/serviceMonitor/interval"),
        ({"serviceMonitor": {"enabled": True, "interval": "5s"}}, "scrapeTimeout is longer"),
        ({"serviceMonitor": {"enabled": True, "scrapeTimeout": "1m"}}, "scrapeTimeout is longer"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(values: dict[str, object], told: str) -> None:
    """The schema says so before anything reaches the cluster."""
    with pytest.raises(HelmRefusedError, match=told):
        installed_release(CHART, values)


def test_a_cluster_that_is_too_old_is_refused() -> None:
    """Nobody validated the objects against its version."""
    with pytest.raises(HelmRefusedError, match="kubeVersion"):
        installed_release(CHART, minor=28)
    assert installed_release(CHART, minor=29).objects


def test_no_grace_below_the_stop_budget_is_taken() -> None:
    """The schema's least value leaves room for all that a stop does."""
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    assert schema["properties"]["terminationGracePeriodSeconds"]["minimum"] >= STOP_BUDGET_S + 5


def test_a_configuration_of_ones_own_replaces_ours() -> None:
    """Its text arrives as it is, template signs included: nothing in it is rendered."""
    text = '  # a\ntargets: []\n# {{ target }} and ${NAME}\nrules:\n  - {summary: "{{ value }}"}\n'
    made = installed_release(CHART, {"config": text}).objects
    assert named(made, "ConfigMap")["data"] == {"sonde.yaml": text}


def test_a_configuration_without_a_cluster_is_refused_where_there_are_replicas() -> None:
    """Each would be alone with everything: twice the probes, the money and the messages."""
    with pytest.raises(HelmRefusedError, match="says nothing of `cluster`"):
        installed_release(CHART, {**REPLICAS, "config": "targets: []\n"})


def test_nothing_scales_by_itself_unless_asked() -> None:
    """By default there is no autoscaler; with one, nothing else says how many there are."""
    kinds = {each["kind"] for each in SOURCES["chart, replicas"]()}
    assert "HorizontalPodAutoscaler" not in kinds
    asked = SOURCES["chart, everything"]()
    assert named(asked, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "sonde"
    assert "replicas" not in named(asked, "StatefulSet")["spec"]


def test_what_is_optional_is_off() -> None:
    """A cluster without the operator does not know its kinds: the installation would fail."""
    kinds = {each["kind"] for each in SOURCES["chart"]()}
    assert kinds.isdisjoint({"ServiceMonitor", "PrometheusRule", "HorizontalPodAutoscaler"})
    assert len([each for each in SOURCES["chart"]() if each["kind"] == "StatefulSet"]) == 1


def test_a_scrape_may_take_as_long_as_is_said() -> None:
    """Thousands of targets take their time; minutes and seconds are compared as what they are."""
    said = {"enabled": True, "interval": "1m", "scrapeTimeout": "60s"}
    made = installed_release(CHART, {"serviceMonitor": said}).objects
    (endpoint,) = named(made, "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("1m", "60s")


def test_what_is_on_can_be_turned_off() -> None:
    """Clusters have policies of their own."""
    off = {"networkPolicy": {"enabled": False}, "podDisruptionBudget": {"enabled": False}}
    kinds = {each["kind"] for each in installed_release(CHART, {**REPLICAS, **off}).objects}
    assert kinds == {"ConfigMap", "Service", "ServiceAccount", "StatefulSet"}


def test_a_redis_of_ones_own_is_reached() -> None:
    """Its ports are open to Sonde, Sentinel's among them, and no small one is started."""
    values = {"replicas": 3, "redis": {"secretName": "shared", "ports": [6379, 26379]}}
    made = installed_release(CHART, values).objects
    egress = named(made, "NetworkPolicy")["spec"]["egress"]
    assert {6379, 26379} <= {port["port"] for rule in egress for port in rule["ports"]}
    assert [each["metadata"]["name"] for each in made if each["kind"] == "StatefulSet"] == ["sonde"]
    pod, container = sonde(made)
    assert {"name": "SONDE_REDIS_FILE", "value": "/run/secrets/redis/url"} in container["env"]
    secrets = {each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    assert secrets == {"shared", "sonde"}


def test_two_releases_do_not_meet() -> None:
    """Another release has other names and selects its own pods."""
    made = installed_release(CHART, REPLICAS, release="batch").objects
    assert {each["metadata"]["name"].removesuffix("-pods") for each in made} == {
        "batch-sonde",
        "batch-sonde-redis",
        "batch-sonde-to-redis",
    }
    for each in made:
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == "batch"


def test_the_notes_say_what_is_missing() -> None:
    """Whoever installed it reads which Secrets the pods wait for, by name."""
    values = {**REPLICAS, "secretName": "keys"}
    notes = installed_release(CHART, values).notes
    assert "create secret generic keys" in notes
    assert "`users.acl`" in notes
    assert "users.acl" not in installed_release(CHART).notes


@pytest.mark.parametrize("status", [200, 503])
def test_its_own_test_fails_when_no_replica_is_ready(status: int) -> None:
    """`helm test` ends well when a replica answers that it is ready, and only then."""
    (pod,) = installed_release(CHART).hooks
    (container,) = pod["spec"]["containers"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    with _answering(status) as address:
        words = [each.replace("sonde:8000", address) for each in container["args"]]
        done = subprocess.run(
            [sys.executable, *container["command"][1:], *words],
            env={},
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode == 0) == (status == 200)


def test_its_own_test_gets_in_where_few_may() -> None:
    """Who says who may reach the page need not think of the pod that asks whether it answers."""
    release = installed_release(CHART, {"networkPolicy": {"ingressFrom": [{"podSelector": {}}]}})
    (rule,) = named(release.objects, "NetworkPolicy")["spec"]["ingress"]
    first, second = rule["from"]
    assert first == {"podSelector": {}}
    labels = release.hooks[0]["metadata"]["labels"]
    assert second["podSelector"]["matchLabels"].items() <= labels.items()


@contextmanager
def _answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
