"""What is served, without a socket."""

import json
from pathlib import Path

import httpx2
import pytest

from monitor.admission import Admission
from monitor.api.access import Access, Door, is_loopback
from monitor.clock import Clock
from monitor.health import Check, Readiness
from monitor.metrics import Metrics
from monitor.on_demand import OnDemand
from monitor.web.app import Pages, build_app
from monitor.web.assets import Asset, Assets
from monitor.web.probe import Probes
from probes.result import ProbeResult
from probes.secret import Secret, SecretSource
from probes.target import Slot, Target
from probes.trace import Trace

TOKEN = "page-token-0123456789"
ASSETS = Assets(Asset("text/html", b"<!doctype html>", b""), {})


async def never(target: Target, slot: Slot, trace: Trace) -> ProbeResult:
    raise AssertionError((target, slot, trace))


def client(
    host: str = "127.0.0.1",
    token: SecretSource | None = None,
    *,
    ready: bool = True,
    public_url: str | None = None,
) -> httpx2.AsyncClient:
    metrics = Metrics("fra1", "1")
    clock = Clock(lambda: 0.0, lambda: 0.0)
    probes = Probes({}, OnDemand(Admission(), never, metrics, clock), metrics.labels)
    readiness = Readiness((Check("slots", ready, "stale: x"),))
    pages = Pages(lambda: readiness, metrics, lambda: probes, ASSETS)
    door = Door(Access(host, token, public_url), clock.monotonic, metrics.wrong_tokens.inc)
    app = build_app(pages, door)
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n", encoding="utf-8")
    return path


async def test_health_and_metrics_need_no_token() -> None:
    """Machines read health and metrics wherever we listen; neither holds a secret."""
    async with client("0.0.0.0") as http:
        for path in ("/livez", "/health"):
            assert (await http.get(path)).text == "ok\n"
        assert (await http.get("/readyz")).status_code == 200
        assert 'sonde_build_info{version="1"}' in (await http.get("/metrics")).text


async def test_readiness_says_why_not() -> None:
    """Not ready is 503, with the check that fails and its reason."""
    async with client(ready=False) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.text)["checks"][0]["detail"] == "stale: x"


async def test_the_page_is_open_on_loopback_alone() -> None:
    """On loopback everybody on the machine may look; wider than that the page is off."""
    async with client() as http:
        assert (await http.get("/")).status_code == 200
    async with client("0.0.0.0") as http:
        answer = await http.get("/")
    assert answer.status_code == 403
    assert "http.token_file" in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("sonde.example.com", 200),
        ("rebound.example:8000", 403),
        ("127.0.0.1.rebound.example", 403),
        ("[", 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/probe"])
async def test_on_loopback_it_answers_to_its_own_name(path: str, host: str, status: int) -> None:
    """Another's name that was made to lead here shows nothing and spends nothing."""
    async with client(public_url="https://sonde.example.com") as http:
        answer = await http.get(path, headers={"Host": host})
        assert (answer.status_code == 403) is (status == 403)
        assert (await http.get("/livez", headers={"Host": host})).status_code == 200


async def test_without_a_public_url_no_name_is_empty() -> None:
    """A Host header that names nothing does not pass for the proxy nobody configured."""
    async with client() as http:
        assert (await http.get("/", headers={"Host": ""})).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Basic " + "eDpwYWdlLXRva2VuLTAxMjM0NTY3ODk="}, 200),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "Basic /w=="}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Digest x"}, 401),
    ],
)
async def test_the_token_opens_it(token_file: Path, headers: dict[str, str], status: int) -> None:
    """With a token file the page asks for it: as Bearer, or as the password of a browser."""
    async with client("0.0.0.0", SecretSource(path=token_file)) as http:
        answer = await http.get("/", headers=headers)
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_a_token_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    """A missing token file is a fault that is told, and not an open door."""
    async with client("0.0.0.0", SecretSource(path=tmp_path / "none")) as http:
        answer = await http.get("/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 503
    assert TOKEN not in answer.text


async def test_a_rotated_token_counts_at_once(token_file: Path) -> None:
    """The file is read again: the old token stops working when it changes."""
    async with client("0.0.0.0", SecretSource(path=token_file)) as http:
        token_file.write_text("another-token-0123456789", encoding="utf-8")
        old = await http.get("/", headers={"Authorization": f"Bearer {TOKEN}"})
        new = await http.get("/", headers={"Authorization": "Bearer another-token-0123456789"})
    assert (old.status_code, new.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("sonde.internal", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """Only addresses of this machine count as loopback; a name does not."""
    assert is_loopback(host) is expected


def test_secrets_do_not_show_in_access() -> None:
    """The token does not appear when the value that holds it is printed."""
    assert TOKEN not in repr(Access("0.0.0.0", SecretSource(Secret(TOKEN))))
