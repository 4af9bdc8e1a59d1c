"""The pod that deploy/kubernetes describes, as a process: its configuration, mounts, variables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from redis import Redis

from tests.docs.blocks import ROOT
from tests.docs.configs import SECRET, VARIABLES
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.integration.kubernetes_redis import made_secret, small_redis
from tests.servers.running import free_port

CONFIG = ROOT / "deploy" / "kubernetes" / "base" / "sonde.yaml"
KEYS = ("sk-0000000000000000000000first", "sk-0000000000000000000000second")


class Mount:
    """A volume as the kubelet makes it: links to a folder, which is changed in one step.

    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0

    def write(self, files: dict[str, str]) -> None:
        """Let these be its files."""
        self._number += 1
        target = self.folder / f"..{self._number}"
        target.mkdir(parents=True)
        for name, text in files.items():
            (target / name).write_text(text, encoding="utf-8")
        (self.folder / "..data_tmp").symlink_to(target.name)
        (self.folder / "..data_tmp").rename(self.folder / "..data")
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")


@asynccontextmanager
async def _provider(keys: list[str]) -> AsyncIterator[str]:
    """Refuse everything, and note each key that came."""

    async def refuse(request: web.Request) -> web.Response:
        keys.append(request.headers["Authorization"].removeprefix("Bearer "))
        return web.json_response({"error": {"message": "no"}}, status=500)

    app = web.Application()
    app.router.add_post("/v1/{_:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def _text(folder: Path, url: str, interval: str) -> str:
    """Return the shipped configuration for here: other paths, another provider, less time."""
    text = CONFIG.read_text(encoding="utf-8")
    replaced = {
        "/run/secrets/": f"{folder}/",
        "/var/lib/sonde/": f"{folder}/",
        "0.0.0.0:8000": "0.0.0.0:0",
        "preset: openai,": f'preset: compatible, base_url: "{url}",'
        " prices: {default: {input: 1, output: 1}},",
    }
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    more = "egress: {check: false}\nstatus_pages: false\ndefaults: {confirm: {attempts: 0}, "
    return f"{text}{more}interval: {interval}, deadline: 1s}}\n"


class Pod:
    """One pod: its volumes, its variables, and the process in it."""

    def __init__(self, folder: Path, url: str, name: str = "sonde-0", redis: str = "") -> None:
        self.folder = folder
        self.secrets, self.config = Mount(folder / "sonde"), Mount(folder / "etc")
        self.rotate(KEYS[0])
        self.config.write({"sonde.yaml": _text(folder, url, "1s")})
        variables = {"SONDE_LOCATION": "cluster-a", "POD_NAME": name}
        if redis:
            Mount(folder / "redis").write({"url": redis})
            variables["SONDE_REDIS_FILE"] = str(folder / "redis" / "url")
        self.daemon = DaemonProcess(folder, "", variables)
        self.daemon.config = folder / "etc" / "sonde.yaml"

    def rotate(self, key: str) -> None:
        """Change the provider's key in the Secret."""
        slack = VARIABLES["SLACK_WEBHOOK_URL"]
        self.secrets.write({"openai": key, "slack": slack, "dashboard": SECRET})


async def test_a_pod_is_served_rotated_reloaded_and_stopped(tmp_path: Path) -> None:
    """A key and a configuration that are swapped are taken up; a stop ends well."""
    keys: list[str] = []
    async with _provider(keys) as url:
        pod = Pod(tmp_path, url)
        async with pod.daemon as daemon:
            await wait_until(lambda: KEYS[0] in keys, "a probe")
            await wait_until(lambda: daemon.get("/readyz").status_code == 200, "readiness")
            assert daemon.get("/livez").status_code == 200
            assert 'location="cluster-a"' in daemon.get("/metrics").text
            assert daemon.get("/api/v1/overview").status_code == 401

            pod.rotate(KEYS[1])
            await wait_until(lambda: KEYS[1] in keys, "a probe with the new key")
            assert len(set(keys)) == 2

            pod.config.write({"sonde.yaml": _text(tmp_path, url, "2s")})
            await wait_until(lambda: daemon.events("config.reloaded"), "the new configuration")
            assert await daemon.stop() == 0
    assert len(daemon.events("daemon.started")) == 1


async def test_replicas_meet_at_the_small_redis(tmp_path: Path) -> None:
    """The user that the page makes may do all that replicas do, and each hears of the other."""
    keys: list[str] = []
    secret, port = made_secret(tmp_path), free_port()
    redis = (secret / "url").read_text().replace("sonde-redis:6379", f"127.0.0.1:{port}")
    with small_redis(secret, port), Redis.from_url(redis) as client:
        async with _provider(keys) as url:
            names = ("sonde-0", "sonde-1")
            pods = [Pod(tmp_path / name, url, name, redis) for name in names]
            async with pods[0].daemon as first, pods[1].daemon as second:
                both = (first, second)
                await wait_until(lambda: all(_heard(each) >= 3 for each in both), "news of both")
                assert await first.stop() == await second.stop() == 0
        assert "errorstat_NOPERM" not in client.info("errorstats")


def _heard(daemon: DaemonProcess) -> int:
    """Return how many results a replica has from the other."""
    ((count,),) = daemon.query("SELECT count(*) FROM results WHERE heard_from != ''")
    return int(count)
