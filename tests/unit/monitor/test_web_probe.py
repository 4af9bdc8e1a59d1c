"""/probe without a socket: who gets one, how long it may take, and what it answers."""

import math
from pathlib import Path

import httpx2
import pytest

from monitor.api.access import Access, Door
from monitor.health import Check, Readiness
from monitor.metrics import Metrics
from monitor.on_demand import Answer, Busy, OnDemand
from monitor.web.app import Pages, build_app
from monitor.web.assets import Asset, Assets
from monitor.web.probe import Probes, patience
from probes.result import Operation, SkipReason
from probes.secret import SecretSource
from probes.target import Target
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result

CHAT = Target(
    name="chat",
    provider="openai",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt="ok?",
)
SITES = (("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200))
GOOD = Answer(result(sent_s=0.0, first_byte_s=0.5), Trace(reached=Phase.BODY))


class Scripted(OnDemand):
    """Answers what it is told to, and remembers how long it was given."""

    def __init__(self, answer: Answer | SkipReason | Busy) -> None:
        self.answer = answer
        self.asked: list[tuple[str, float]] = []

    async def ask(self, target: Target, within_s: float) -> Answer | SkipReason | Busy:
        self.asked.append((target.name, within_s))
        return self.answer


def client(
    scripted: Scripted, host: str = "127.0.0.1", token: SecretSource | None = None
) -> httpx2.AsyncClient:
    metrics = Metrics("here", "1")
    ready = Readiness((Check("slots", True, ""),))
    probes = Probes({"chat": CHAT}, scripted, metrics.labels)
    pages = Pages(lambda: ready, metrics, lambda: probes, Assets(Asset("text/html", b"", b""), {}))
    door = Door(Access(host, token), lambda: 0.0, metrics.wrong_tokens.inc)
    transport = httpx2.ASGITransport(app=build_app(pages, door))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


async def test_it_answers_the_metrics_of_one_probe() -> None:
    """In the text format, of the target that was named, and for no cache to keep."""
    async with client(Scripted(GOOD)) as http:
        answer = await http.get("/probe?target=chat")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    assert 'sonde_probe_success{provider="openai",model="gpt-4o-mini",target="chat"' in answer.text


async def test_debug_draws_it() -> None:
    """The waterfall without colours, and behind it what Prometheus would have been told."""
    async with client(Scripted(GOOD)) as http:
        answer = await http.get("/probe?target=chat&debug=true")
    assert answer.headers["content-type"].startswith("text/plain; charset")
    assert answer.text.startswith("✓ ok  chat")
    assert "wait for head" in answer.text
    assert "sonde_probe_success{" in answer.text
    assert "\x1b" not in answer.text


async def test_a_gate_that_refuses_is_no_error() -> None:
    """The scrape succeeds and says why there is no figure; the readable form says it too."""
    async with client(Scripted(SkipReason.BUDGET)) as http:
        answer = await http.get("/probe?target=chat")
        debug = await http.get("/probe?target=chat&debug=true")
    assert answer.status_code == 200
    assert 'reason="budget"} 1' in answer.text
    assert "sonde_probe_success" not in answer.text
    assert debug.text.startswith("chat was not probed: budget\n")


@pytest.mark.parametrize("busy", Busy)
async def test_busy_is_an_error_of_ours(busy: Busy) -> None:
    """503 with words and a time to come back: the scrape fails, and says nothing of the target."""
    async with client(Scripted(busy)) as http:
        answer = await http.get("/probe?target=chat")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "sonde_" not in answer.text


@pytest.mark.parametrize("query", ["", "?target=", "?target=nobody", "?target=http://169.254.1.1/"])
async def test_only_configured_targets(query: str) -> None:
    """Anything else is 404 with the names there are, and nothing is sent anywhere."""
    scripted = Scripted(GOOD)
    async with client(scripted) as http:
        answer = await http.get(f"/probe{query}")
    assert answer.status_code == 404
    assert answer.text.splitlines()[-1] == "chat"
    assert scripted.asked == []


async def test_wider_than_loopback_it_wants_the_token(tmp_path: Path) -> None:
    """Without a token file it is off; with one, names and probes are for who has it."""
    token = tmp_path / "token"
    token.write_text("page-token-0123456789", encoding="utf-8")
    scripted = Scripted(GOOD)
    async with client(scripted, "0.0.0.0") as http:
        assert (await http.get("/probe?target=chat")).status_code == 403
    async with client(scripted, "0.0.0.0", SecretSource(path=token)) as http:
        refused = await http.get("/probe?target=nobody")
        assert (refused.status_code, "chat" in refused.text) == (401, False)
        assert scripted.asked == []
        bearer = {"Authorization": "Bearer page-token-0123456789"}
        assert (await http.get("/probe?target=chat", headers=bearer)).status_code == 200


async def test_another_site_spends_nothing() -> None:
    """A page somewhere that makes a browser on this machine ask gets nothing; a person does."""
    scripted = Scripted(GOOD)
    async with client(scripted) as http:
        for site, status in SITES:
            headers = {"Sec-Fetch-Site": site}
            assert (await http.get("/probe?target=chat", headers=headers)).status_code == status
    assert len(scripted.asked) == 2


async def test_prometheus_says_how_long_it_waits() -> None:
    """Half a second less than its timeout, and never more than a place and the deadline take."""
    scripted = Scripted(GOOD)
    async with client(scripted) as http:
        for seconds in ("10", "1000"):
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": seconds}
            await http.get("/probe?target=chat", headers=headers)
        nonsense = {"X-Prometheus-Scrape-Timeout-Seconds": "soon"}
        assert (await http.get("/probe?target=chat", headers=nonsense)).status_code == 400
    assert scripted.asked == [("chat", 9.5), ("chat", 60.0)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, math.inf),
        ("10", 9.5),
        ("1", 0.5),
        ("0.5", 0.25),
        ("0.01", 0.05),
        ("0", None),
        ("-1", None),
        ("nan", None),
        ("", None),
    ],
)
def test_patience(header: str | None, expected: float | None) -> None:
    """Spare half a second, of a short time half of it; nonsense is refused, not guessed at."""
    assert patience(header) == expected
