"""Helm 4, as a library from PyPI: it renders by installing into an API that only remembers.

The library comes for x86-64 alone.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from tests.servers.kubernetes_api import Object, kubernetes_api
from tests.servers.running import SERVERS, installed

PROGRAM: Final = SERVERS / "helm" / "bin" / "python"
STEPS: Final = Path(__file__).with_name("helm_steps.py")
NEWEST: Final = 37
"""Minor version of the API that is served unless another is asked for."""
LIMIT_S: Final = 60.0


class HelmRefusedError(Exception):
    """What Helm says of a chart or of values it does not take."""


@dataclass(frozen=True)
class Release:
    """What an installation made."""

    objects: tuple[Object, ...]
    """As the API got them, by kind and name: those of one kind are made all at once."""
    hooks: tuple[Object, ...]
    notes: str


def installed_release(
    chart: Path,
    values: Mapping[str, object] | None = None,
    *,
    release: str = "sonde",
    minor: int = NEWEST,
) -> Release:
    """Install a chart, directory or archive. Raises HelmRefusedError."""
    with kubernetes_api(minor) as api:
        done = _step("install", chart, api.kubeconfig(), release=release, values=dict(values or {}))
        hooks = (yaml.safe_load(each["manifest"]) for each in done.get("hooks") or ())
        made = sorted(api.created, key=lambda each: (each["kind"], each["metadata"]["name"]))
        return Release(tuple(made), tuple(hooks), done["info"]["notes"])


def lint(chart: Path) -> list[str]:
    """Return what Helm's linter says of a chart beyond information: nothing, when it is well."""
    with kubernetes_api(NEWEST) as api:
        done = _step("lint", chart, api.kubeconfig())
    information = 1  # https://pkg.go.dev/helm.sh/helm/v4/pkg/chart/v2/lint/support#InfoSev
    said = done["Messages"] or []
    return [str(each) for each in said if each["Severity"] > information]


def package(chart: Path, folder: Path) -> Path:
    """Pack a chart into `folder`; return the archive."""
    with kubernetes_api(NEWEST) as api:
        return Path(_step("package", chart, api.kubeconfig(), folder=str(folder)))


# Any: each step answers in its own shape.
def _step(step: str, chart: Path, kubeconfig: str, **more: object) -> Any:
    order = {"step": step, "chart": str(chart), "namespace": "sonde", "kubeconfig": kubeconfig}
    with TemporaryDirectory() as home:  # Helm keeps a cache
        done = subprocess.run(
            [installed(PROGRAM), str(STEPS)],
            input=json.dumps({**order, **more}),
            env={"PATH": os.environ["PATH"], "HOME": home},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise HelmRefusedError(answer["refused"])
    return answer["done"]
