"""The small Redis of the overlay as its pod has it, and the Secret as the page has it made."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.docs.blocks import ROOT, blocks
from tests.integration.kubernetes_objects import SOURCES, named
from tests.servers.running import installed, running

PAGE: Final = ROOT / "docs" / "howto" / "kubernetes.md"
_KUBECTL: Final = """\
#!/bin/sh
for word in "$@"; do case $word in --from-file=*) cp "${word#--from-file=}" secret/ ;; esac; done
"""


def made_secret(folder: Path) -> Path:
    """Do what the page says, and return the folder of the Secret that comes of it."""
    (making,) = (each.text for each in blocks(PAGE) if "users.acl" in each.text)
    kubectl = folder / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(_KUBECTL)
    kubectl.chmod(0o755)
    (folder / "secret").mkdir()
    path = f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", making], cwd=folder, env={"PATH": path}, check=True, timeout=30)
    return folder / "secret"


@contextmanager
def small_redis(
    secret: Path, port: int, other: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run it as the pod does, but for port, folder, the Secret's place, and `other` lines."""
    folder = secret.parent / "data"
    folder.mkdir(exist_ok=True)
    text = named(SOURCES["kustomize replicas"](), "ConfigMap", "sonde-redis")["data"]["redis.conf"]
    replaced = {
        "bind * -::*": "bind 127.0.0.1",
        "port 6379": f"port {port}",
        "dir /data": f"dir {folder}",
        "/run/secrets/redis/": f"{secret}/",
        **(other or {}),
    }
    for old, new in replaced.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    config = secret.parent / "redis.conf"
    config.write_text(text)
    command = [installed("redis-server"), str(config)]
    with running(command, ready=f"tcp://127.0.0.1:{port}", scratch=folder) as process:
        yield process
