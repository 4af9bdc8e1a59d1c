"""The restricted pod security standard, rule by rule: what admission would say of a pod.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from collections.abc import Iterator
from typing import Any, Final

VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"}
    | {"persistentVolumeClaim"}
)

Spec = dict[str, Any]  # JSON, of the shapes Kubernetes has


def refused(pod: Spec) -> list[str]:
    """Return each rule that a pod breaks."""
    return [*_pod(pod), *(told for each in _containers(pod) for told in _container(pod, each))]


def _containers(pod: Spec) -> list[Spec]:
    return [*pod["containers"], *pod.get("initContainers", ())]


def _pod(pod: Spec) -> Iterator[str]:
    yield from (f"{key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    for volume in pod.get("volumes", ()):
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    if pod.get("securityContext", {}).get("sysctls"):
        yield "sysctls"


def _container(pod: Spec, container: Spec) -> Iterator[str]:
    said = container.get("securityContext", {})
    both = {**pod.get("securityContext", {}), **said}
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield "may run as root"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccomp"
    if said.get("allowPrivilegeEscalation") is not False:
        yield "privilege escalation"
    if said.get("privileged"):
        yield "privileged"
    capabilities = said.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", ())) - {
        "NET_BIND_SERVICE"
    }:
        yield "capabilities"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "hostPort"
    if said.get("procMount", "Default") != "Default":
        yield "procMount"
