"""The daemon reaches a provider as its section says: proxy, private CA, certificate, headers."""

from collections.abc import Callable
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import KEY, DaemonProcess, wait_until
from tests.integration.authority import Authority
from tests.integration.fault_server import ANSWER, Answering, serving
from tests.servers.nginx import TlsProxy
from tests.servers.tinyproxy import PASSWORD, USER, Tinyproxy

TOKEN = "gateway-token-e2e-4711"

PROVIDERS = """
providers:
  house:
    preset: openai
    base_url: {url}/v1
    api_key: ${{KEY}}
    proxy_file: proxy
    ca_file: "{ca}"
    client_cert_file: "{certificate}"
    headers: {{X-Team: ml, X-Gateway-Token: "${{TOKEN}}"}}
  lost:
    preset: compatible
    base_url: http://127.0.0.1:9/v1
    proxy: "${{LOST}}"
  azure-eu:
    preset: azure
    endpoint: {azure}
    api_key: ${{KEY}}
"""
TARGETS = (
    "name: guarded, provider: house, model: gpt-4o",
    "name: lost, provider: lost, model: m",
    "name: deployed, provider: azure-eu, model: my-gpt",
)
EXPECTED = {"guarded": "ok", "lost": "connect_error", "deployed": "ok"}


async def answer(a: Answering) -> None:
    """Answer a chat request, ending soon."""
    await a.json(ANSWER, Sunset="Wed, 02 Jan 2030 00:00:00 GMT")


async def test_everything_of_a_section_at_once(
    tmp_path: Path,
    tinyproxy: Callable[..., Tinyproxy],
    tls_front: Callable[..., TlsProxy],
) -> None:
    """The request arrives through all of it; what is secret in it is in no output and no file."""
    authority = Authority(tmp_path)
    proxy = tinyproxy(password=True)
    (tmp_path / "proxy").write_text(f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}\n")
    asking = f'ssl_verify_client on; ssl_client_certificate "{authority.ca}";'
    with serving(answer) as server, serving(answer) as azure:
        front = tls_front(server.port, pem=authority.issue("house").both, more=asking)
        providers = PROVIDERS.format(
            url=front.url,
            ca=authority.ca,
            certificate=authority.issue("sonde").both,
            azure=azure.url.removesuffix("/v1"),
        )
        config = configs.head("1s", "1s") + providers + configs.targets(TARGETS)
        environ = {"TOKEN": TOKEN, "LOST": f"http://{USER}:{PASSWORD}@127.0.0.1:1"}
        async with DaemonProcess(tmp_path, config + configs.QUICK_RULES, environ) as daemon:
            for target, verdict in (
                ("guarded", "ok"),
                ("lost", "connect_error"),
                ("deployed", "ok"),
            ):
                await wait_until(
                    lambda target=target, verdict=verdict: verdict in daemon.verdicts(target),
                    f"{target} to be {verdict}",
                )
            metrics = daemon.get("/metrics").text
            page = daemon.get("/").text
            assert await daemon.stop() == 0
            (sunset,) = daemon.query(
                "SELECT DISTINCT sunset_at FROM results WHERE target = 'guarded' AND verdict = 'ok'"
            )
            faults = daemon.query("SELECT DISTINCT fault FROM results WHERE target = 'lost'")
    assert server.requests[0].header("x-gateway-token") == TOKEN
    assert server.requests[0].header("x-team") == "ml"
    assert server.requests[0].header("authorization") == f"Bearer {KEY}"
    assert proxy.connects() >= 1
    assert azure.requests[0].header("api-key") == KEY
    assert sunset == (1_893_542_400.0,)
    assert faults == [("network",)]
    ledger = b"".join(path.read_bytes() for path in tmp_path.glob("sonde.db*"))
    outputs = [metrics.encode(), page.encode(), daemon.log.read_bytes(), ledger]
    for secret in (KEY, TOKEN, PASSWORD):
        assert not [output for output in outputs if secret.encode() in output]
