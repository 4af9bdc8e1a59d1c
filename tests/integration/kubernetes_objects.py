"""What deploy/ gives a cluster, rendered by the real tools, and what it is held against."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from tests.docs.blocks import ROOT
from tests.servers.helm import installed_release
from tests.servers.kubectl import kustomized
from tests.servers.kubernetes_api import Object

OVERLAYS: Final = ROOT / "deploy" / "kubernetes" / "overlays"
CHART: Final = ROOT / "deploy" / "helm" / "sonde"
REPLICAS: Final = {"replicas": 2, "redis": {"enabled": True, "secretName": "sonde-redis"}}
EVERYTHING: Final = {
    **REPLICAS,
    "image": {"tag": "1.2.3", "pullSecrets": [{"name": "registry"}]},
    "storage": {"className": "fast"},
    "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
    "networkPolicy": {
        "ingressFrom": [{"namespaceSelector": {}}],
        "extraEgress": [{"ports": [{"port": 587, "protocol": "TCP"}]}],
    },
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy.internal:3128"}],
    "extraVolumes": [{"name": "roots", "configMap": {"name": "roots"}}],
    "extraVolumeMounts": [{"name": "roots", "mountPath": "/etc/roots", "readOnly": True}],
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "priorityClassName": "monitoring",
}
"""Values that turn on whatever the chart has."""


def _chart(values: Mapping[str, object]) -> tuple[Object, ...]:
    made = installed_release(CHART, values)
    return (*made.objects, *made.hooks)


SOURCES: Final[Mapping[str, Callable[[], tuple[Object, ...]]]] = {
    "kustomize single": cache(lambda: kustomized(OVERLAYS / "single")),
    "kustomize replicas": cache(lambda: kustomized(OVERLAYS / "replicas")),
    "kustomize monitoring": cache(lambda: kustomized(OVERLAYS / "monitoring")),
    "chart": cache(lambda: _chart({})),
    "chart, replicas": cache(lambda: _chart(REPLICAS)),
    "chart, everything": cache(lambda: _chart(EVERYTHING)),
}
RUNNING: Final = tuple(each for each in SOURCES if each != "kustomize monitoring")
"""Those that run something."""


def named(objects: tuple[Object, ...], kind: str, name: str = "sonde") -> Object:
    """Return the one object of this kind and name."""
    (found,) = (o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name))
    return found


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the specification of each pod that would run."""
    for each in objects:
        if each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]
        elif each["kind"] == "StatefulSet":
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def sonde(objects: tuple[Object, ...]) -> tuple[Any, Any]:
    """Return the pod of Sonde and its only container."""
    pod = dict(pods(objects))["sonde"]
    (container,) = pod["containers"]
    return pod, container
