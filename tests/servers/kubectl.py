"""kubectl, of whatever version is here: Debian's 1.20 has the oldest kustomize still met."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from tests.servers.kubernetes_api import Object
from tests.servers.running import installed

LIMIT_S: Final = 30.0


def kustomized(folder: Path) -> tuple[Object, ...]:
    """Return what `kubectl kustomize` makes of a folder."""
    with TemporaryDirectory() as home:
        done = subprocess.run(
            [installed("kubectl"), "kustomize", str(folder)],
            env={"PATH": os.environ["PATH"], "HOME": home},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))
