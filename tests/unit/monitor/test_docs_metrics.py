"""docs/metrics.md says what a daemon exposes: no metric more, no metric less."""

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.ledger import Ledger
from aggregator.rate_limits import LimitType
from aggregator.stores.delivery import Outcome as WriteOutcome
from aggregator.stores.spool import Balance, Stream
from aggregator.summary import Distribution, Summary
from alerting.defaults import default_rules
from alerting.engine import Alert, Identity, Phase
from alerting.inhibition import Reason as Inhibited
from alerting.lane import Outcome as SendOutcome
from alerting.match import Match
from alerting.metric import Between, BurnRate, Fact
from alerting.routing.router import Event as Routed
from alerting.state import Edge
from monitor.clock import Clock
from monitor.cluster.exchange import Exchange
from monitor.cluster.link import Link
from monitor.cluster.members import About as About_
from monitor.cluster.members import Busy
from monitor.cluster.members import read as read_members
from monitor.cluster.protocol import Turn
from monitor.cluster.ways import open_client
from monitor.collectors import Evaluated, WindowReading
from monitor.config.load import load
from monitor.config.redis_url import parse_redis_url
from monitor.config.values import Baseline
from monitor.daemon import SCHEMAS
from monitor.egress.endpoint import DEFAULT_ENDPOINTS
from monitor.egress.verdict import Contact
from monitor.keys import KeyReading
from monitor.kindness.confirm import Outcome as Confirmed
from monitor.otlp.counts import Counts
from monitor.otlp.signal import Dropped, Signal
from monitor.outside import Outside
from monitor.road import Observers, Road
from monitor.status_pages.page import PageState
from probes.lag import LagMeter
from probes.result import Fault, ProbeResult, RateLimit, SkipReason, StampQuality, Verdict
from probes.target import Slot, Target
from tests.docs.metrics import PAGE, metrics
from tests.unit.aggregator.samples import stream
from tests.unit.aggregator.stores.shelf import Shelf

OWN_LABELS: Final = {"histogram": {"le"}}
"""Labels that come with a type and are not said of each metric."""

KEY: Final = KeyReading(
    provider="openai", headroom=0.5, observed={LimitType.REQUESTS: 60}, retry_after_ratio=1.0
)

FACTS: Final = {
    (BurnRate("chat", 3600, 300), ""): Between(1.0, 2.0),
    (Fact.HEADROOM, "openai"): 0.5,
    (Fact.DRIFT_EVENTS, "gpt"): 1.0,
}

BASELINE: Final = Baseline(
    name="public",
    url="https://example.com/p50.json",
    steps=("p50_ms",),
    unit_s=0.001,
    match=Match(),
    every_s=300.0,
)

About = Mapping[str, tuple[str, frozenset[str]]]
"""Type and labels of metrics by name."""


def told() -> About:
    """Return what the page's tables say."""
    return {each.name: (each.kind, frozenset(each.labels)) for each in metrics()}


@pytest.fixture
async def exposition(tmp_path: Path) -> str:
    """What a road writes on /metrics when everything has happened once."""
    environ = {
        "OPENAI_API_KEY": "sk-test-0123456789abcdef",
        "INFLUXDB_URL": "http://influx:8086",
        "INFLUXDB_TOKEN": "a-token-of-some-length",
        "INFLUXDB_BUCKET": "b",
        "DAILY_BUDGET_USD": "5",
        "HOME": str(tmp_path),
    }
    config = load(None, environ, cwd=tmp_path, strict=True).config
    ledger = Ledger.open(tmp_path / "sonde.db", SCHEMAS, inline=True)
    clock = Clock(lambda: 1_763_000_000.0, lambda: 0.0)
    road = Road(config, ledger, {}, _never, clock, LagMeter(), Observers(), Shelf())
    everything_happens(road, clock)
    everybody_answers(Outside(replace(config, baselines=(BASELINE,)), road, clock))
    text = "".join(road.metrics.written()) + generate_latest(road.metrics.registry).decode()
    await ledger.close()
    return text


@pytest.fixture
def exposed(exposition: str) -> About:
    """The same by name."""
    return {
        _exposed_name(family.name, family.type): (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels)
            - OWN_LABELS.get(family.type, set()),
        )
        for family in text_string_to_metric_families(exposition)
        if family.name.startswith("sonde_") and not family.name.endswith("_created")
    }


def _exposed_name(family: str, kind: str) -> str:
    """Return a family's name as it stands in the text: the parser takes `_total` off."""
    return f"{family}_total" if kind == "counter" else family


async def _never(target: Target, slot: Slot, attempt: int) -> ProbeResult:
    raise AssertionError((target, slot, attempt))


def show_group(road: Road, clock: Clock) -> None:
    """Have the group shown, of which this replica is the only one."""
    address = parse_redis_url("redis://127.0.0.1:1")
    about = About_("a", "here", "1.0", 0.0)
    exchange = Exchange(
        *(Link(open_client(address, None), "g"), road._ledger, clock, about),
        lambda: Busy(0, 0.0, 0),
        lambda: {Turn.OURS: 1},
    )
    line = b'1.0 {"location":"here","version":"1","config":"c","started_at":0,"ahead_s":0,'
    line += b'"in_flight":0,"load_ratio":0,"claims":0}'
    exchange._members.members = read_members([b"a", line], 1.0, "a")
    exchange.show(road.metrics.registry)


def everything_happens(road: Road, clock: Clock) -> None:
    """Have every metric get a sample: one without any would not show its labels."""
    metrics, target = road.metrics, road.config.targets[0]
    asked = {"resolve_s": 0.1, "sent_s": 0.2, "first_byte_s": 0.3, "status": 200, "cost_usd": 0.1}
    limits = (RateLimit("requests", 100, 7, 1.0),)
    metrics.observe(target, stream(0.5, 2.0, 10, latency_tainted=True))
    metrics.observe(target, stream(0.5, 2.0, 10, input_tokens=7, rate_limits=limits, **asked))
    metrics.slot_started(target, Slot(1, 60.0), 0.001)
    metrics.slot_skipped(target, SkipReason.LATE)
    metrics.target_crashed(target)
    metrics.notified("team", "sent")
    metrics.transition("Down", "fired")
    metrics.inhibited("Down", Inhibited.ACCOUNT)
    metrics.routed("team", Routed.TOLD)
    metrics.scrape_failed("busy")
    metrics.drifted(target.name, "model")
    metrics.confirmations.labels(Confirmed.RECOVERED.value).inc()
    metrics.heartbeats.labels("sent").inc()
    latency = Distribution(n=20, mean=1.0, std=0.0, max=1.0, quantiles={0.5: 1.0}, samples=[1.0])
    summary = Summary(
        over_s=300.0,
        n=20,
        latency=latency,
        by_fault={Fault.NONE: 20},
        by_verdict={Verdict.OK: 20},
        recent_faults=(Fault.NONE,),
    )
    alert = Alert(
        identity=Identity("Down", (("alertname", "Down"), ("severity", "critical"))),
        rule=default_rules()[0],
        state=Phase.FIRING,
        started_at=0.0,
        fired_at=0.0,
        value="",
        lower_bound=False,
        reason=None,
        targets=(target.name,),
    )
    reading = WindowReading(target, summary)
    metrics.newest.evaluated = Evaluated((reading,), (alert,), (KEY,), FACTS, "here")
    told = Counts(metrics.registry, lambda: 0.0)
    told.request(Signal.TRACES, WriteOutcome.STORED)
    told.sent(Signal.TRACES, 1)
    told.dropped(Signal.TRACES, Dropped.QUEUE, 1)
    show_group(road, clock)
    assert road.shipping is not None
    road.shipping.shipper.balances = dict.fromkeys(Stream, Balance())


def everybody_answers(outside: Outside) -> None:
    """Have our own way out, every status page and every baseline read once."""
    assert outside.egress is not None
    outside.egress._contacts = dict.fromkeys(DEFAULT_ENDPOINTS, Contact.REACHED)
    for poll in outside.polls:
        poll.take(b'{"components": [], "p50_ms": 700}')
        poll.confirmed_at = 1_763_000_000.0


def test_the_page_names_what_there_is(exposed: About) -> None:
    """No metric is missing from the page, and none on it is one of the past."""
    assert set(told()) == set(exposed)


def test_types_and_labels_are_as_told(exposed: About) -> None:
    """Somebody who writes a query from the page gets an answer."""
    assert told() == exposed


def test_each_metric_is_told_once() -> None:
    """Two rows would one day say two things; and examples ask for what the tables tell."""
    names = [each.name for each in metrics()]
    assert len(names) == len(set(names))
    everywhere = re.findall(r"\bsonde_\w+", PAGE)
    assert {name.removesuffix("_bucket") for name in everywhere} == set(names)


@pytest.mark.parametrize(
    "values",
    [
        *(Verdict, Fault, SkipReason, StampQuality, Phase, Edge, SendOutcome, WriteOutcome, Stream),
        *(LimitType, Confirmed, PageState, Inhibited, Routed, Signal, Dropped),
    ],
)
def test_closed_sets_are_told_whole(values: type[StrEnum]) -> None:
    """Every value a label can take stands on the page."""
    assert [each.value for each in values if f"`{each.value}`" not in PAGE] == []
