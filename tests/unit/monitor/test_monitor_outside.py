"""What one daemon asks of the world: whom it judges, whom it polls, what it tells the road."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from alerting.metric import Fact
from monitor.clock import Clock
from monitor.config.load import load
from monitor.daemon import SCHEMAS
from monitor.egress.verdict import Way
from monitor.outside import Outside
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot, Target
from tests.unit.aggregator.samples import result

FRAME = """\
providers:
  openai: {preset: openai, api_key: "${KEY}"}
  proxied: {preset: openai, api_key: "${KEY}", proxy_file: proxy, status_page: false}
  lan: {preset: compatible, base_url: "http://10.0.0.5/v1"}
  local: {preset: compatible, base_url: "http://localhost:1/v1"}
targets:
  - {name: a, provider: openai, model: gpt-4o-mini}
  - {name: b, provider: proxied, model: gpt-4o-mini}
  - {name: c, provider: lan, model: m}
  - {name: d, provider: local, model: m}
"""

Making = Callable[[str], Outside]


async def never(target: Target, slot: Slot, attempt: int) -> ProbeResult:
    raise AssertionError((target, slot, attempt))


@pytest.fixture
def roads() -> list[Road]:
    """Collect the roads that were told what is known."""
    return []


@pytest.fixture
async def making(tmp_path: Path, roads: list[Road]) -> AsyncIterator[Making]:
    """Make the part for a configuration; what it opened is closed after the test."""
    made: list[Outside] = []
    ledger = Ledger.open(tmp_path / "sonde.db", SCHEMAS, inline=True)

    def make(text: str) -> Outside:
        (tmp_path / "proxy").write_text("http://proxy.example:3128")
        (tmp_path / "sonde.yaml").write_text(text)
        environ = {"KEY": "sk-0123456789", "HOME": str(tmp_path)}
        config = load(Path("sonde.yaml"), environ, cwd=tmp_path, strict=True).config
        clock = Clock()
        road = Road(config, ledger, {}, never, clock, LagMeter(), Observers())
        roads.append(road)
        made.append(Outside(config, road, clock))
        return made[-1]

    yield make
    for outside in made:
        await outside.close()
    await ledger.close()


def refused(provider: str) -> ProbeResult:
    return result(provider=provider, verdict=Verdict.CONNECT_ERROR, fault=Fault.PROVIDER)


@pytest.mark.parametrize(
    ("check", "judged"), [("auto", {"openai"}), ("true", {"openai", "lan"}), ("false", set())]
)
async def test_whose_failures_our_way_out_explains(
    making: Making, check: str, judged: set[str]
) -> None:
    """By itself, of those outside; told to, of all that are not on this machine or proxied."""
    outside = making(FRAME + f"egress: {{check: {check}}}\n")
    if outside.egress is not None:
        outside.egress.way = Way.SHUT
        outside.egress._ever = True
    found = {
        name
        for name in ("openai", "proxied", "lan", "local")
        if (await outside.judged(refused(name))).fault is Fault.NETWORK
    }
    assert found == judged


async def test_who_has_only_own_machines_asks_nobody(making: Making) -> None:
    """No endpoint, no page: whatever is probed here, nothing goes out besides."""
    text = "providers: {p: {preset: compatible, base_url: 'http://127.0.0.1:1/v1'}}\n"
    outside = making(text + "targets: [{name: a, provider: p, model: m}]\n")
    assert outside.eternal() == {}
    assert outside.polls == ()
    good = result(provider="p")
    assert await outside.judged(good) is good


async def test_everything_asked_for_runs_under_a_name(making: Making) -> None:
    """The check of our way out, and one task for all that is polled."""
    outside = making(FRAME + "baselines: [{url: 'https://a.example/x', path: $.p95_ms}]\n")
    assert set(outside.eternal()) == {"check of our own way out", "status pages and baselines"}
    assert [poll.name for poll in outside.polls] == [
        "status page of openai",
        "baseline a.example",
    ]


async def test_where_nobody_looks_an_old_alert_ends(making: Making, roads: list[Road]) -> None:
    """Once the check is off nobody would ever say that the way is open, and all news be held."""
    making(FRAME + "egress: {check: false}\n")
    assert roads[0].facts.gathered(0.0)[Fact.EGRESS_FAILING, ""] == 0.0


@pytest.mark.parametrize(
    ("provider", "verdict", "proves"),
    [
        ("openai", Verdict.OK, True),
        ("openai", Verdict.SERVER_ERROR, True),
        ("proxied", Verdict.OK, False),
        ("lan", Verdict.OK, False),
    ],
)
async def test_whose_answers_prove_our_way_out(
    making: Making, provider: str, verdict: Verdict, *, proves: bool
) -> None:
    """Good ones and others of whom it leads to; not of who is reached another way."""
    outside = making(FRAME)
    watch = outside.egress
    assert watch is not None
    watch._failing_since = float("-inf")
    await outside.judged(result(provider=provider, verdict=verdict, status=500))
    assert (watch._answered_at > float("-inf")) is proves
