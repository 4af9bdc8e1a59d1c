"""The image built and run by Debian's own programs, in a storage of its own."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.servers.running import SERVERS

ROOT: Final = Path(__file__).parents[2]
BASE: Final = SERVERS / "image" / "base.tar"
BUILD_S: Final = 600.0
MINUTE_S: Final = 60.0
EPOCH: Final = "1750000000"
"""When the image says it was made: any time will do, as long as it is not now."""
MACHINE: Final = Path("/run/machine")
"""Where a build finds what the machine trusts."""
ROOTS: Final = Path("/etc/ssl/certs/ca-certificates.crt")

_HARDENED: Final = (
    *("--runtime", "runc"),
    *("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"),
    *("--network", "host", "--log-driver", "k8s-file"),
    *("--read-only", "--read-only-tmpfs=false"),
    *("--cap-drop", "all", "--security-opt", "no-new-privileges"),
)
"""As strict as a cluster may be: nothing but the volume is writable, not even /tmp."""


@dataclass(frozen=True, slots=True)
class Containers:
    """Builds and runs; what it makes is under `home`."""

    home: Path

    def attempt(
        self,
        *command: str | Path,
        environ: Mapping[str, str] | None = None,
        limit_s: float = MINUTE_S,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on this storage to its end, whatever that is."""
        ours = {"CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"), **(environ or {})}
        return subprocess.run(
            command,
            env={**os.environ, **ours},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    def do(
        self,
        *command: str | Path,
        environ: Mapping[str, str] | None = None,
        limit_s: float = MINUTE_S,
    ) -> str:
        """Run a program and return what it printed; the test fails if it fails."""
        done = self.attempt(*command, environ=environ, limit_s=limit_s)
        if done.returncode:
            pytest.fail(f"{command}: {done.returncode}\n{(done.stdout + done.stderr)[-8000:]}")
        return done.stdout

    def podman(self, *arguments: str | Path, limit_s: float = MINUTE_S) -> str:
        """Run podman and return what it printed."""
        return self.do("podman", *arguments, limit_s=limit_s)

    def build(self, context: Path, tag: str) -> None:
        """Build the image from scratch as its users do."""
        options = [f"--volume={source}:{target}:ro" for target, source in self._machine().items()]
        self.do(
            *(context / "deploy" / "image" / "build", tag),
            *("--pull-never", "--no-cache", "--network", "host", "--isolation", "chroot"),
            *options,
            environ={"BUILDER": "buildah", "SOURCE_DATE_EPOCH": EPOCH},
            limit_s=BUILD_S,
        )

    def mounted(self, tag: str) -> Path:
        """Return the image's files, to read."""
        return Path(self.podman("image", "mount", tag).strip())

    def run(self, tag: str, *command: str, options: Sequence[str] = ()) -> str:
        """Run the image in the foreground, hardened, and return what it printed."""
        return self.podman("run", "--rm", *_HARDENED, *options, tag, *command, limit_s=180)

    @contextmanager
    def started(
        self, tag: str, *command: str, environ: Mapping[str, str] | None = None
    ) -> Iterator["Container"]:
        """Run the image in the background, hardened, until the block ends."""
        settings = [f"--env={name}={value}" for name, value in (environ or {}).items()]
        made = self.podman("run", "--detach", *_HARDENED, *settings, tag, *command).split()[-1]
        try:
            yield Container(self, made)
        finally:
            self.podman("rm", "--force", "--time", "0", "--volumes", made)

    def clear(self) -> None:
        """Let go of every container and image, so that the folder can be removed."""
        self.podman("rm", "--all", "--force", "--time", "0")
        self.podman("image", "unmount", "--all", "--force")
        self.do("buildah", "rm", "--all")
        self.podman("rmi", "--all", "--force")

    def _machine(self) -> dict[str, Path]:
        """Return the machine's ways to packages, by where a build looks for them."""
        folder = self.home / "machine"
        if not folder.exists():
            folder.mkdir()
            _write_settings(folder)
        return {
            str(MACHINE): folder,
            "/etc/pip.conf": folder / "pip.conf",
            "/etc/apt/apt.conf.d/99machine": folder / "apt.conf",
            "/root/.npmrc": folder / "npmrc",
        }


@dataclass(frozen=True, slots=True)
class Container:
    """One that runs."""

    of: Containers
    name: str

    def send(self, number: signal.Signals) -> None:
        """Send a signal to its process 1."""
        self.of.podman("kill", "--signal", number.name, self.name)

    def wait(self, limit_s: float) -> int:
        """Return its exit code; fails when it has not ended within `limit_s`."""
        return int(self.of.podman("wait", self.name, limit_s=limit_s))

    def shell(self, script: str) -> str:
        """Run a script beside it and return what that printed."""
        return self.of.podman("exec", self.name, "sh", "-c", script)

    def logs(self) -> str:
        """Return what it has written to stdout and stderr."""
        done = self.of.attempt("podman", "logs", self.name)
        return done.stdout + done.stderr

    def healthy(self) -> bool:
        """Return what its own health check says."""
        done = self.of.attempt("podman", "healthcheck", "run", self.name)
        assert done.returncode in {0, 1}, done.stderr
        return done.returncode == 0


def storage(home: Path) -> Containers:
    """Make an empty storage with the base in it, under the name that the recipe calls it by."""
    for program in ("buildah", "podman", "runc"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed; run: make test-image", pytrace=False)
    if not BASE.exists():
        pytest.fail(f"{BASE} is missing; run: make test-image", pytrace=False)
    (home / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{home}/graph"\nrunroot = "{home}/run"\n'
    )
    made = Containers(home)
    recipe = (ROOT / "Dockerfile").read_text()
    (outside,) = set(re.findall(r"^FROM (\S+:\S+)", recipe, flags=re.MULTILINE))
    made.podman("import", BASE, f"docker.io/library/{outside}")
    return made


def copy_context(target: Path) -> Path:
    """Copy what a build may see, so that nobody changes it between two of them."""
    ignore = shutil.ignore_patterns("__pycache__", "node_modules", "static", "api-types.ts")
    seen = (ROOT / ".dockerignore").read_text().splitlines()
    for name in ("Dockerfile", ".dockerignore", *(line[1:] for line in seen if line[:1] == "!")):
        source, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=ignore, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, copy)
    (target / "deploy" / "image" / "build").chmod(0o755)
    return target


def eventually(look: Callable[[], bool], what: str, limit_s: float = MINUTE_S) -> None:
    """Return once `look` says yes; fails after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while not look():
        assert time.monotonic() < deadline, f"waited {limit_s} s for {what} in vain"
        time.sleep(0.1)


def _write_settings(folder: Path) -> None:
    """Write the machine's configuration of pip, apt and npm as files that a build can have."""
    pip = _pip_settings()
    roots = Path(pip.pop("cert", ROOTS))
    if roots.exists():
        shutil.copyfile(roots, folder / "ca.crt")
        pip["cert"] = str(MACHINE / "ca.crt")
    lines = [f"{name} = {value}" for name, value in pip.items()]
    (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
    dumped = subprocess.run(("apt-config", "dump"), capture_output=True, text=True, check=True)
    lines = re.findall(r"^Acquire::https?::.*$", dumped.stdout, flags=re.MULTILINE)
    lines.append(f'Acquire::https::CaInfo "{MACHINE}/ca.crt";')
    (folder / "apt.conf").write_text("\n".join([*lines, ""]))
    registry = os.environ.get("npm_config_registry")  # noqa: SIM112  # as npm spells it
    if registry is None and shutil.which("npm"):
        asked = ("npm", "config", "get", "registry")
        registry = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    lines = [f"cafile={MACHINE}/ca.crt", *([f"registry={registry}"] if registry else [])]
    (folder / "npmrc").write_text("\n".join([*lines, ""]))


def _pip_settings() -> dict[str, str]:
    """Return where pip here gets packages from and whom it trusts; nothing that is a local path."""
    command = (sys.executable, "-m", "pip", "config", "list")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.findall(r"^(?:global|install|:env:)\.([\w-]+)=(.+)$", done.stdout, re.MULTILINE)
    known = {name: str(ast.literal_eval(value)).replace("\n", "\n  ") for name, value in found}
    wanted = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "cert")
    return {name: known[name] for name in wanted if name in known}
