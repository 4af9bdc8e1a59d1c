"""The gate: patience, breaker and limits of several keys together."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from aggregator.rate_limits import LimitType
from alerting.metric import Fact
from monitor.config.values import Config
from monitor.keys import KeyReading
from monitor.kindness.gate import Kindness
from probes.result import Failing, Fault, RateLimit, SkipReason, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Provider
from tests.unit.monitor.kindness.attempts import found, hung, refused, target, throttled

A, B = target("a"), target("b")
OTHER = replace(target("other"), provider="q")


class Desk:
    """A gate on a clock that stands still until it is moved."""

    def __init__(self, key: SecretSource) -> None:
        self.now = 1000.0
        providers = tuple(
            Provider(name=name, preset="compatible", base_url="http://here", api_key=key)
            for name in ("p", "q")
        )
        config = Config(
            source="test", location="fra1", providers=providers, targets=(A, B, OTHER), rules=()
        )
        self.gate = Kindness(config, lambda: self.now)

    def revoke(self) -> None:
        """Have the key refused until its breaker is open."""
        for each in (A, B):
            self.gate.learn(each, refused(each))
        assert self.gate.refusal(A) is SkipReason.BREAKER


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    """Collect what is logged."""
    with capture_logs() as told:
        yield told


@pytest.fixture
def desk() -> Desk:
    """Make a gate of two keys that never change."""
    return Desk(SecretSource(value=Secret("sk-fixed")))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Make a key in a file."""
    path = tmp_path / "key"
    path.write_text("sk-one", encoding="utf-8")
    return path


def test_with_nothing_wrong_nothing_is_refused(desk: Desk) -> None:
    """No reason, no failure, no fact."""
    desk.gate.learn(A, found(A))
    assert desk.gate.refusal(A) is None
    assert {desk.gate.failing(A, reason) for reason in SkipReason} == {None}
    assert list(desk.gate.facts(desk.now)) == []


def test_each_key_has_its_own_breaker(desk: Desk, log: list[EventDict]) -> None:
    """One provider's outage holds back nobody else; opening and closing are told with reasons."""
    for each in (A, B) * 3:
        desk.gate.learn(each, hung(each))
    assert desk.gate.refusal(A) is SkipReason.BREAKER
    assert desk.gate.failing(A, SkipReason.BREAKER) == Failing(Verdict.TIMEOUT, Fault.PROVIDER)
    assert desk.gate.refusal(OTHER) is None
    assert desk.gate.failing(OTHER, SkipReason.BREAKER) is None
    desk.now += 120.0
    assert desk.gate.refusal(A) is None
    desk.gate.learn(A, found(A))
    told = [(line["event"], line["reason"], line["provider"]) for line in log]
    assert told == [("breaker.opened", "hard", "p"), ("breaker.closed", "answered", "p")]


def test_a_failed_trial_is_told_again(desk: Desk, log: list[EventDict]) -> None:
    """With how long it waits now; a warning is the first alone."""
    for each in (A, B) * 3:
        desk.gate.learn(each, hung(each))
    desk.now += 120.0
    assert desk.gate.refusal(A) is None
    desk.gate.learn(A, hung(A))
    assert [line["cool_s"] for line in log] == [120.0, 240.0]
    assert [line["log_level"] for line in log] == ["warning", "info"]


def test_a_throttled_key_waits_by_another_reason(desk: Desk) -> None:
    """Which is neither a failure nor a gap."""
    desk.gate.learn(A, throttled(A, retry_after_s=60.0))
    assert desk.gate.refusal(B) is SkipReason.THROTTLED_BY_US
    assert desk.gate.refusal(OTHER) is None
    assert desk.gate.failing(B, SkipReason.THROTTLED_BY_US) is None


def test_a_long_wait_reads_as_failing(desk: Desk) -> None:
    """But not a slot that somebody else refused meanwhile, for want of money or time."""
    desk.gate.learn(A, throttled(A, retry_after_s=3600.0))
    throttling = Failing(Verdict.THROTTLED, Fault.PROVIDER)
    assert desk.gate.failing(B, SkipReason.THROTTLED_BY_US) == throttling
    assert desk.gate.failing(B, SkipReason.BUDGET) is None
    assert desk.gate.failing(OTHER, SkipReason.THROTTLED_BY_US) is None


@pytest.mark.usefixtures("log")
def test_a_failed_trial_of_another_kind_is_told(desk: Desk, log: list[EventDict]) -> None:
    """The breaker closes, but nobody answered."""
    desk.revoke()
    desk.now += 300.0
    assert desk.gate.refusal(A) is None
    desk.gate.learn(A, hung(A))
    assert [line["reason"] for line in log] == ["account", "other_trouble"]


@pytest.mark.usefixtures("log")
def test_a_changed_key_closes_the_breaker_at_once(key_file: Path) -> None:
    """Whoever's slot is next is probed with it, without waiting for the canary."""
    desk = Desk(SecretSource(path=key_file))
    desk.revoke()
    assert desk.gate.refusal(B) is SkipReason.BREAKER
    key_file.write_text("sk-another", encoding="utf-8")
    assert desk.gate.refusal(B) is None
    assert desk.gate.refusal(A) is None


@pytest.mark.usefixtures("log")
def test_a_key_that_is_gone_is_no_new_key(key_file: Path) -> None:
    """It is one again when it is back, though it looks the same."""
    desk = Desk(SecretSource(path=key_file))
    stamp = key_file.stat()
    key_file.unlink()
    desk.revoke()
    key_file.write_text("sk-one", encoding="utf-8")
    os.utime(key_file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert desk.gate.refusal(A) is None


@pytest.mark.usefixtures("log")
def test_a_changed_key_mends_no_outage(key_file: Path) -> None:
    """A breaker that opened for the provider's fault waits for the provider."""
    desk = Desk(SecretSource(path=key_file))
    for each in (A, B) * 3:
        desk.gate.learn(each, hung(each))
    key_file.write_text("sk-another", encoding="utf-8")
    assert desk.gate.refusal(A) is SkipReason.BREAKER


@pytest.mark.usefixtures("log")
def test_what_metrics_and_rules_see(desk: Desk) -> None:
    """Headroom as a fact where it is known; a reading of every key."""
    low = (RateLimit("requests", 100, 20, 1.0),)
    desk.gate.learn(A, found(A, rate_limits=low, status=200, total_s=0.0, output_tokens=9))
    desk.gate.learn(A, throttled(A, total_s=0.0))
    assert list(desk.gate.facts(desk.now)) == [(Fact.HEADROOM, "p", 0.2)]
    desk.revoke()
    assert list(desk.gate.readings(desk.now)) == [
        KeyReading(
            provider="p",
            requests_per_min=4,
            tokens_per_min=9,
            headroom=0.2,
            observed={LimitType.REQUESTS: 1},
            breaker_open=True,
        ),
        KeyReading(provider="q"),
    ]
