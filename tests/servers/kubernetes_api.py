"""A Kubernetes API that takes every object and remembers it: what a real client would have made.

It answers discovery, knows nothing beforehand and refuses nothing but kinds it has not heard of.
https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

Object = dict[str, Any]  # JSON, of the shapes Kubernetes has

RESOURCES: Final[dict[str, dict[str, str]]] = {
    "v1": {
        "configmaps": "ConfigMap",
        "pods": "Pod",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "services": "Service",
    },
    "apps/v1": {"statefulsets": "StatefulSet"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "monitoring.coreos.com/v1": {
        "prometheusrules": "PrometheusRule",
        "servicemonitors": "ServiceMonitor",
    },
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
}
"""What it has heard of: plural and kind by group and version."""


@dataclass
class KubernetesApi:
    """A running one."""

    url: str
    minor: int
    created: list[Object] = field(default_factory=list)
    """Each object that came as JSON, in their order. Helm's notes to itself come as Protobuf."""

    def kubeconfig(self) -> str:
        """Return how a client finds it."""
        cluster = {"name": "it", "cluster": {"server": self.url}}
        context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
        return yaml.safe_dump(  # JSON would be taken for the name of a file
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [cluster],
                "contexts": [context],
                "users": [{"name": "it", "user": {}}],
                "current-context": "it",
            }
        )

    def known(self, path: str) -> Object | None:
        """Return what a GET is answered; None: there is none."""
        if path == "/version":
            said = f"v1.{self.minor}.0"
            return {"major": "1", "minor": str(self.minor), "gitVersion": said}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [_group(each) for each in RESOURCES if "/" in each]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in RESOURCES:
            return _resources(version)
        return (
            {"kind": "List", "apiVersion": "v1", "items": []} if path[-8:] == "/secrets" else None
        )


def _group(version: str) -> Object:
    named = {"groupVersion": version, "version": version.rpartition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [named], "preferredVersion": named}


def _resources(version: str) -> Object:
    resources = [
        {"name": plural, "kind": kind, "namespaced": True, "verbs": ["create", "get", "list"]}
        for plural, kind in RESOURCES[version].items()
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: KubernetesApi

    def do_GET(self) -> None:
        found = self.api.known(urlsplit(self.path).path)
        missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(found if found is not None else missing).encode()
        self._answer(404 if found is None else 200, "application/json", body)

    def do_POST(self) -> None:
        self._keep(201)

    def do_PUT(self) -> None:
        self._keep(200)

    def _keep(self, status: int) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        if kind == "application/json":
            self.api.created.append(json.loads(body))
        self._answer(status, kind, body)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def kubernetes_api(minor: int) -> Iterator[KubernetesApi]:
    """Serve version 1.MINOR on a loopback port."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        api = KubernetesApi(f"http://127.0.0.1:{server.server_port}", minor)
        handler.api = api  # type: ignore[attr-defined]  # a class of its own for each server
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
