"""No secret in any output: every fault and every echo, met by the daemon at its most talkative."""

import asyncio
import base64
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.faults.asked import Asked
from tests.faults.certificates import self_signed
from tests.faults.echoing import ECHOES, as_names, spellings
from tests.faults.matrix import ROWS
from tests.integration.fault_server import (
    Answering,
    FaultServer,
    Handler,
    server_context,
    serving,
)

# None has the shape of a key, by which it would be known even if nobody had told its value.
SENTINELS: Final = {
    "KEY": "Snt/nl+Key7fQ9xK2mVb8RtY4w",
    "TEAM": "Snt/nl+Head3rJ5pZs8LdW2cN6q",
    "PROXY_PASSWORD": "SntnlPr0xyGh6Kt9Xv3Bn7Mq2",
    "HOOK_PATH": "SntnlH00kUy5Rf8Dw1Es4Ac9Z",
    "SIGNING": "whsec_U250bmxTaWduaW5nUXE3V3cyRXI5VHk0VWk2T3A4",
    "TOKEN": "SntnlT0kenAz7Sx3Dc9Fv5Gb1",
}
BEHAVIOURS: Final[tuple[Handler, ...]] = (
    *ECHOES,
    *dict.fromkeys(row.behaviour for row in ROWS if row.behaviour is not None),
)
ASKED: Final = {
    Asked.PLAIN: "operation: chat",
    Asked.STREAM: "operation: chat, stream: true",
    Asked.VECTOR: "operation: embeddings",
}
ECHOED: Final = {
    "responses": "operation: responses, stream: true",
    "models": "operation: models",
}
"""Further operations, for which there are the echoes only."""


async def _provider(a: Answering) -> None:
    """Behave as the first part of the path says."""
    await BEHAVIOURS[int(a.seen.line.split("/")[1])](a)


async def _proxy(a: Answering) -> None:
    """Refuse, and repeat what was offered."""
    offered = a.seen.header("proxy-authorization")
    await a.head(f"407 {offered}", Proxy_Authenticate=f"Basic {offered}", Content_Length="0")


async def _receiver(a: Answering) -> None:
    """Refuse every delivery, and repeat its address and its signature."""
    await a.json({"error": a.seen.line, "headers": a.seen.headers}, "500 No")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, FaultServer]]:
    """Those that are told secrets, and one that knew the key before."""
    named = self_signed(tmp_path / "named.pem", "DNS:localhost", SENTINELS["KEY"])
    with ExitStack() as stack:
        handlers = {"provider": _provider, "proxy": _proxy, "receiver": _receiver}
        found = {name: stack.enter_context(serving(handler)) for name, handler in handlers.items()}
        found["named"] = stack.enter_context(serving(_provider, server_context(named)))
        yield found


def _config(port: int, elsewhere: Mapping[str, str]) -> str:
    """Write a provider for every behaviour and way of asking, and those that are elsewhere."""
    lines = ["providers:"]
    rows = []
    known = 'preset: compatible, api_key: "${KEY}", headers: {X-Team: "${TEAM}"}'
    for number in range(len(BEHAVIOURS)):
        asked = ASKED | (ECHOED if number < len(ECHOES) else {})
        for kind, operation in asked.items():  # each with a key of its own: none holds another up
            name = f"t{number}-{kind.replace(' ', '-')}"
            lines.append(f'  {name}: {{{known}, base_url: "http://127.0.0.1:{port}/{number}"}}')
            rows.append(f"name: {name}, provider: {name}, model: m, {operation}")
    for name, more in elsewhere.items():
        lines.append(f"  {name}: {{{known}, {more}}}")
        rows.append(f"name: {name}, provider: {name}, model: m, operation: chat")
    hook = (
        'ops: {type: webhook, url: "${HOOK}", secret: "${SIGNING}",'
        " allow_http: true, allow_private: true}"
    )
    head = configs.head("5s", "400ms").replace('"127.0.0.1:0"', '"127.0.0.1:0", token_file: token')
    return (
        head
        + "\n".join([*lines, ""])
        + configs.targets(rows)
        + configs.QUICK_RULES
        + configs.channels(hook)
        + "public_page: {components: {All: [t0-chat, t1-chat]}}\n"
    )


def _spelt() -> dict[str, str]:
    """Return what must be nowhere, and which secret it would be."""
    spelt = {text: name for name, secret in SENTINELS.items() for text in spellings(secret)}
    pair = base64.b64encode(f"somebody:{SENTINELS['PROXY_PASSWORD']}".encode()).decode()
    return {**spelt, pair: "PROXY_PASSWORD", SENTINELS["KEY"].lower(): "KEY"}


def _outputs(daemon: DaemonProcess) -> Iterator[tuple[str, bytes]]:
    """Yield everything it has told anybody so far."""
    headers = {"Authorization": f"Bearer {SENTINELS['TOKEN']}"}
    debugged = (f"/probe?target=t{number}-chat&debug=true" for number in range(len(ECHOES)))
    with httpx2.Client(base_url=daemon.url, timeout=10, trust_env=False, headers=headers) as http:
        _write(http)
        pages = ("/", "/metrics", "/readyz", "/health", "/status", "/status.json")
        for path in (*pages, *debugged, *_of_the_api(http)):
            answer = http.get(path)
            assert answer.status_code == 200, (path, answer.text)
            yield path, answer.content + repr(answer.headers).encode()
        yield "/api/v1/stream", _first_tick(http)
    for file in daemon.folder.iterdir():
        if file.name.startswith("sonde") and file != daemon.config:
            yield file.name, file.read_bytes()


def _write(http: httpx2.Client) -> None:
    """Have secrets in what people write, as when somebody pastes an error into a comment."""
    said = {"author": SENTINELS["TEAM"], "comment": f"Bearer {SENTINELS['KEY']}"}
    body = {"matchers": ["alertname=*x"], "ends_at": time.time() + 3600.0, **said}
    answer = http.post("/api/v1/silences", json=body, headers={"X-Sonde-Write": "1"})
    assert answer.status_code == 201, answer.text


def _of_the_api(http: httpx2.Client) -> Iterator[str]:
    """Yield every route that can be read; one target's, of those whose provider echoes."""
    names = [f"t{number}-chat" for number in range(len(ECHOES))]
    paths = http.get("/api/v1/openapi.json").json()["paths"]
    yield "/api/v1/openapi.json"
    for path, operations in paths.items():
        if "get" in operations and path != "/stream":
            for name in names if "{name}" in path else names[:1]:
                yield "/api/v1" + path.format(name=name)


def _first_tick(http: httpx2.Client) -> bytes:
    """Return everything there is, as the stream tells it to who is new."""
    told = b""
    with http.stream("GET", "/api/v1/stream") as answer:
        for chunk in answer.iter_bytes():
            told += chunk
            if told.count(b"\n\n") >= _EVENTS:
                break
    assert b"event: tick" in told
    return told


_EVENTS: Final = 2
"""How long to wait before coming back, and the first tick."""


def _command_line(daemon: DaemonProcess, environ: Mapping[str, str], *options: str) -> bytes:
    """Return what `sonde probe` says of the server that calls everything by the key."""
    name = f"t{ECHOES.index(as_names)}-chat"
    said = subprocess.run(
        daemon.command("probe", name, "--config", str(daemon.config), *options),
        cwd=daemon.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(daemon.folder), **environ},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"***" in said.stdout, said.stderr
    return said.stdout + said.stderr


@pytest.mark.timeout(180)
async def test_no_secret_in_any_output(tmp_path: Path, servers: dict[str, FaultServer]) -> None:
    """Log at DEBUG, ledger, metrics, pages, API, stream, messages: key, header, proxy and so on."""
    hook = f"http://127.0.0.1:{servers['receiver'].port}/{SENTINELS['HOOK_PATH']}"
    password = SENTINELS["PROXY_PASSWORD"]
    proxy = f"http://somebody:{password}@127.0.0.1:{servers['proxy'].port}"
    environ = {**SENTINELS, "HOOK": hook, "PROXY": proxy}
    elsewhere = {
        "proxied": 'proxy: "${PROXY}", base_url: "http://127.0.0.1:1/v1"',
        "named": f'base_url: "https://127.0.0.1:{servers["named"].port}/v1"',
    }
    targets = len(BEHAVIOURS) * len(ASKED) + len(ECHOES) * len(ECHOED) + len(elsewhere)
    config = _config(servers["provider"].port, elsewhere)
    (tmp_path / "token").write_text(SENTINELS["TOKEN"], encoding="utf-8")
    async with DaemonProcess(tmp_path, config, environ) as daemon:
        await wait_until(
            lambda: daemon.query("SELECT count(DISTINCT target) FROM results")[0][0] == targets,
            f"results of {targets} targets",
            limit_s=90,
        )
        await wait_until(lambda: servers["receiver"].requests, "a message")
        told = dict(await asyncio.to_thread(lambda: list(_outputs(daemon))))
        for option in ("--json", "--timeout=5s"):
            told[option] = await asyncio.to_thread(_command_line, daemon, environ, option)
        assert await daemon.stop() == 0
    told |= {file.name: file.read_bytes() for file in tmp_path.glob("sonde*") if file.is_file()}
    told["messages"] = b"".join(seen.body for seen in servers["receiver"].requests)
    del told["sonde.yaml"]

    assert servers["proxy"].requests, "the proxy was asked"
    sent = servers["provider"].requests[0]
    assert sent.header("authorization") == f"Bearer {SENTINELS['KEY']}"
    assert sent.header("x-team") == SENTINELS["TEAM"]
    assert b"***" in told["sonde.log"], "something was masked"
    found = {
        (name, where)
        for where, data in told.items()
        for text, name in _spelt().items()
        if text.encode() in data
    }
    assert found == set()
