"""The bugs of the usual tutorial: each shown in tests/naive/tutorial.py, and shown absent here.

Every test states a rule as a check, lets the naive monitor break it and holds ours to it. A check
that the naive one passes would prove nothing, so that fails too.
"""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS
from aggregator.window import Windows
from alerting.engine import Engine, Snapshot
from alerting.expression import parse
from alerting.rule import Rule
from alerting.state import Edge
from monitor.channels import build_notifiers
from monitor.config.errors import ConfigError
from monitor.config.load import load
from monitor.health import readiness
from probes.providers import PRESETS
from probes.ratelimit import rate_limits
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot
from tests.integration.fault_server import Answering, serving
from tests.integration.probing import chat, probing
from tests.naive.tutorial import Monitor, Result
from tests.standins.slack import Slack
from tests.unit.alerting.messages import firing

MESSAGE = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [MESSAGE],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
START = 1_750_000_000.0


@contextmanager
def broken() -> Iterator[None]:
    """The naive monitor must break the rule inside: no breach is a failure of the test."""
    with pytest.raises(AssertionError):
        yield


def naive(url: str = "http://127.0.0.1:1/v1", **settings: float) -> Monitor:
    return Monitor(url, "sk-test-0123456789abcdef", **settings)


@asynccontextmanager
async def probing_naively(url: str, **settings: float) -> AsyncIterator[Monitor]:
    """A naive monitor whose connections are closed afterwards, which it never does itself."""
    monitor = naive(url, **settings)
    try:
        yield monitor
    finally:
        await monitor.client.close()
        monitor.db.close()


def result(
    verdict: Verdict = Verdict.OK,
    fault: Fault = Fault.NONE,
    total_s: float = 1.0,
    target: str = "chat",
    at: float = START,
) -> ProbeResult:
    chosen = chat(name=target)
    return ProbeResult(
        target=target,
        provider="p",
        model="m",
        operation=chosen.operation,
        location="here",
        slot=int(at),
        slot_at=at,
        at=at,
        verdict=verdict,
        fault=fault,
        total_s=total_s,
    )


def rule(when: str = "latency.p95 > 5s", **changes: object) -> Rule:
    settings: dict[str, object] = {"name": "Slow", "when": parse(when), "over_s": 900.0}
    return Rule(**(settings | changes))  # type: ignore[arg-type] # settings of many types


def evaluate(engine: Engine, windows: Windows, now: float) -> list[tuple[str, str]]:
    """Evaluate once; return what people would be told: edge and target."""
    views = {view: windows.summary(view.targets, view.over_s, now) for view in engine.views}
    told = (Edge.FIRED, Edge.RESOLVED)
    changes = engine.evaluate(Snapshot(now, views))
    return [(c.edge.value, dict(c.labels)["target"]) for c in changes if c.edge in told]


async def test_hidden_retries_are_no_success() -> None:
    """Two errors before an answer are a failing provider: one request, one honest verdict."""
    asked = iter(range(100))

    async def third_time_lucky(answering: Answering) -> None:
        failing = next(asked) % 3 < 2
        body = {"error": {"message": "boom"}} if failing else ANSWER
        await answering.json(body, "500 Internal Server Error" if failing else "200 OK")

    def check(requests: int, success: bool) -> None:
        assert requests == 1
        assert not success

    with serving(third_time_lucky) as server:
        async with probing_naively(server.url) as monitor:
            found = await monitor.probe("m")
        with broken():
            check(len(server.requests), found.success)
    with serving(third_time_lucky) as server:
        async with probing(server.url) as prober:
            ours = await prober.probe(chat(), Slot(1, 60.0))
        check(len(server.requests), ours.ok)
        assert ours.verdict is Verdict.SERVER_ERROR


def test_failures_do_not_improve_the_percentile() -> None:
    """Nineteen instant refusals beside one slow answer: the latency is the answer's."""

    def check(p50: float | None) -> None:
        assert p50 is None or p50 >= 8.0

    monitor = naive()
    monitor.results = [Result("m", False, 0.01, 500)] * 19 + [Result("m", True, 8.0, 200)]
    with broken():
        check(monitor.percentile(50))
    windows = Windows(longest_s=3600)
    for second in range(19):
        windows.ingest(result(Verdict.SERVER_ERROR, Fault.PROVIDER, 0.01), START + second)
    windows.ingest(result(total_s=8.0), START + 20)
    summary = windows.summary(("chat",), 900, START + 21)
    assert summary.latency is not None
    assert summary.latency.n == 1
    check(summary.latency.mean)


async def test_a_timeout_has_no_status() -> None:
    """Nothing was answered, so there is no status to store: least of all a 500."""

    async def hang(answering: Answering) -> None:
        await answering.hang()

    def check(status: int | None) -> None:
        assert status is None

    with serving(hang) as server:
        async with probing_naively(server.url, timeout=0.2) as monitor:
            found = await monitor.probe("m")
        with broken():
            check(found.status_code)
        async with probing(server.url) as prober:
            ours = await prober.probe(chat(deadline_s=0.3), Slot(1, 60.0))
        check(ours.status)
        assert (ours.verdict, ours.total_s) == (Verdict.TIMEOUT, pytest.approx(0.3, abs=0.2))


def test_a_rule_sees_its_own_target_alone() -> None:
    """One slow model among fast ones fires its own alert, and no other's."""

    def check(fired: list[str]) -> None:
        assert fired == ["slow"]

    monitor = naive()
    monitor.results = [Result("slow", True, 20.0, 200)] * 9 + [Result("fast", True, 0.5, 200)] * 9
    rules = [{"name": "Slow", "model": m, "threshold": 5, "hold": 0} for m in ("slow", "fast")]
    alerts = monitor.evaluate(rules, datetime.now(UTC))
    with broken():
        check([alert.split()[1].removesuffix(":") for alert in alerts])
    windows = Windows(longest_s=3600)
    for second in range(9):
        windows.ingest(result(total_s=20.0, target="slow"), START + second)
        windows.ingest(result(total_s=0.5, target="fast"), START + second)
    engine = Engine([rule()], [chat(name="slow"), chat(name="fast")], location="here")
    check([target for _, target in evaluate(engine, windows, START + 10)])


def test_a_hold_longer_than_a_day_is_a_hold() -> None:
    """A condition that has held for a day and ten seconds has held for two hours."""
    held, hold_s = timedelta(days=1, seconds=10), 7200.0

    def check(fired: bool) -> None:
        assert fired

    monitor = naive()
    monitor.results = [Result("m", True, 20.0, 200)] * 9
    rules = [{"name": "Slow", "model": "m", "threshold": 5, "hold": hold_s}]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    list(monitor.evaluate(rules, start))
    with broken():
        check(bool(list(monitor.evaluate(rules, start + held))))
    windows = Windows(longest_s=2 * 86_400)
    for second in range(9):
        windows.ingest(result(total_s=20.0), START + second)
    engine = Engine([rule(hold_s=hold_s, over_s=172_800.0)], [chat()], location="here")
    assert evaluate(engine, windows, START + 10) == []
    check(evaluate(engine, windows, START + 10 + held.total_seconds()) == [("fired", "chat")])


def test_a_reset_is_a_duration_with_units() -> None:
    """`6m0s` until the bucket is full is 360 seconds."""
    headers = {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "7",
        "x-ratelimit-reset-requests": "6m0s",
    }
    with pytest.raises(ValueError, match="could not convert"):
        naive().read_rate_limits(headers)
    (bucket,) = rate_limits(headers, PRESETS["openai"].rate_limits, now_wall=START)
    assert (bucket.remaining, bucket.reset_s) == (7, 360.0)


def test_a_missing_header_is_unknown_not_empty() -> None:
    """A provider that states no limit has not used it up."""

    def check(remaining: int | None) -> None:
        assert remaining != 0

    with broken():
        check(naive().read_rate_limits({})["remaining"])
    assert rate_limits({}, PRESETS["openai"].rate_limits, now_wall=START) == ()
    partial = {"x-ratelimit-limit-requests": "100"}
    (bucket,) = rate_limits(partial, PRESETS["openai"].rate_limits, now_wall=START)
    check(bucket.remaining)
    assert (bucket.limit, bucket.remaining) == (100, None)


async def test_a_webhook_url_is_no_bot_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook URL reaches Slack as a webhook; as a bot token it is refused before the start."""
    async with Slack() as slack:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", slack.webhook_url)
        await naive().notify("it is down", slack.api_url)
        with broken():
            assert slack.messages
        config = tmp_path / "sonde.yaml"
        config.write_text(CHANNELS, encoding="utf-8")
        environ = {"KEY": "sk-test-0123456789abcdef", "URL": slack.webhook_url}
        loaded = load(config, environ, cwd=tmp_path, strict=True)
        (notifier,) = build_notifiers(loaded.config.channels, time.time).values()
        await notifier.send(firing("chat"))
        await notifier.close()
        assert len(slack.messages) == 1
        config.write_text(CHANNELS.replace("webhook_url", "channel: x, bot_token"))
        with pytest.raises(ConfigError, match="bot_token"):
            load(config, environ, cwd=tmp_path, strict=True)


CHANNELS = """
providers: {openai: {preset: openai, api_key: "${KEY}"}}
targets: [{name: chat, provider: openai, model: gpt-4o-mini, operation: chat}]
notify: {channels: {team: {type: slack, webhook_url: "${URL}", allow_http: true}}}
"""


def test_an_alert_is_told_once_and_its_end_too() -> None:
    """Ten evaluations of one outage and ten after it: one message for each end of it."""

    def check(told: list[str]) -> None:
        assert told == ["fired", "resolved"]

    monitor, slow = naive(), [Result("m", True, 20.0, 200)] * 9
    rules = [{"name": "Slow", "model": "m", "threshold": 5, "hold": 0}]
    messages = []
    for cycle in range(20):
        monitor.results = slow if cycle < 10 else [Result("m", True, 0.5, 200)] * 9
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=cycle)
        messages += ["fired" for _ in monitor.evaluate(rules, now)]
    with broken():
        check(messages)
    windows, told = Windows(longest_s=3600), []
    engine = Engine([rule(over_s=60.0)], [chat()], location="here")
    for cycle in range(20):
        now = START + cycle * 30
        for second in range(9):
            windows.ingest(result(total_s=20.0 if cycle < 10 else 0.5), now + second)
        told += [edge for edge, _ in evaluate(engine, windows, now + 10)]
    check(told)


async def test_a_slow_store_does_not_stop_the_loop(tmp_path: Path) -> None:
    """While a commit waits for a locked file, everything else goes on."""

    async def went_on(
        writing: "asyncio.Future[object] | asyncio.Task[object]", release: threading.Event
    ) -> bool:
        """Whether the loop turned ten times before the file was let go, and so had it let go."""
        turns = 0
        while not writing.done():
            await asyncio.sleep(0.01)
            turns += 1
            if turns == 10:
                release.set()
        await writing
        return release.is_set()

    def check(went_on: bool) -> None:
        assert went_on

    path = tmp_path / "naive.db"
    monitor = naive(db=str(path))

    async def store() -> object:
        return monitor.store(Result("m", True, 1.0, 200))

    with locked(path) as release, broken():
        check(await went_on(asyncio.ensure_future(store()), release))
    monitor.db.close()
    path = tmp_path / "ours.db"
    ledger = Ledger.open(path, (RESULTS,))
    with locked(path) as release:
        writing = asyncio.ensure_future(ledger.write(lambda c: c.total_changes))
        check(await went_on(writing, release))
    await ledger.close()


@contextmanager
def locked(path: Path, at_most_s: float = 2.0) -> Iterator[threading.Event]:
    """Another process's transaction holds the file, as a backup does, until the event is set.

    Or for `at_most_s`: well below the five seconds after which SQLite gives up waiting.
    """
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Event()

    def hold() -> None:
        release.wait(at_most_s)
        other.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield release
    finally:
        holder.join()
        other.close()


async def test_health_tells_that_probing_has_died() -> None:
    """When no probe has run for many intervals, health says so."""

    def check(healthy: bool) -> None:
        assert not healthy

    monitor = naive()
    monitor.probe = None  # a bug: the loop's task dies of it at once
    task = asyncio.ensure_future(monitor.loop("m", 60))
    await asyncio.wait([task])
    assert task.exception() is not None
    with broken():
        check(monitor.health()["status"] == "healthy" and monitor.health()["running"])
    found = readiness([chat()], {"chat": START}, None, START + 3600, START)
    check(found.ready)
    assert "chat" in json.dumps([check.detail for check in found.checks])
