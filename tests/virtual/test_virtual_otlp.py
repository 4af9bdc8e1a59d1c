"""An OTLP endpoint that is well, busy, refusing or away: what it hears, and what is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from aggregator.stores.delivery import Outcome, WriteError
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.otlp.counts import Counts
from monitor.otlp.exporter import LEAVE_S, Exporter
from monitor.otlp.signal import Signal
from monitor.otlp.temporality import Temporality
from monitor.otlp.traces import GIVE_UP_S, TOGETHER, WAITING_LIMIT
from probes.result import ProbeResult
from tests.unit.monitor.otlp.telling_values import CONFIG, OTLP, TARGET, answered

pytestmark = pytest.mark.looptime
DOWN = WriteError(Outcome.UNAVAILABLE, "answered 503")
SPANS = 8
"""Of one answer that was streamed."""


class Sink:
    """An endpoint that answers as it is told to."""

    def __init__(self) -> None:
        self.failure: WriteError | None = None
        self.answers: dict[Signal, bytes] = {}
        self.hangs = False
        self.takes_s = 0.0
        self.closed = False
        self.asked: list[tuple[Signal, float]] = []
        self.spans = 0
        self.probes: list[bytes] = []
        self.counts: list[dict[str, int]] = []

    async def post(self, signal: Signal, body: bytes) -> bytes:
        self.asked.append((signal, asyncio.get_running_loop().time()))
        if self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(self.takes_s)
        if self.failure is not None:
            raise self.failure
        if signal is Signal.TRACES:
            for ours in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans = ours.scope_spans[0].spans
                self.spans += len(spans)
                self.probes += [each.trace_id for each in spans if not each.parent_span_id]
        else:
            self._count(body)
        return self.answers.get(signal, b"")

    def _count(self, body: bytes) -> None:
        told: Counter[str] = Counter()
        for ours in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in ours.scope_metrics[0].metrics:
                told[metric.name] += sum(each.count for each in metric.histogram.data_points)
        self.counts.append(dict(told))

    def durations(self) -> list[int]:
        return [each.get("gen_ai.client.operation.duration", 0) for each in self.counts]

    async def close(self) -> None:
        self.closed = True


class Told:
    """An exporter at work."""

    def __init__(self, config: Config, sink: Sink) -> None:
        assert config.otlp is not None
        loop = asyncio.get_running_loop()
        self.registry = CollectorRegistry()
        clock = Clock(lambda: 1_000.0 + loop.time(), loop.time)
        counts = Counts(self.registry, lambda: self.exporter.waiting)
        self.exporter = Exporter(config, config.otlp, clock, counts, sink)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"sonde_otlp_{name}", labels) or 0.0

    def dropped(self, signal: str = "traces") -> dict[str, float]:
        return {
            sample.labels["reason"]: sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == "sonde_otlp_dropped_total" and sample.labels["signal"] == signal
        }


@asynccontextmanager
async def telling(sink: Sink, config: Config = CONFIG) -> AsyncIterator[Told]:
    """Run an exporter, and stop it at the end."""
    told = Told(config, sink)
    async with asyncio.TaskGroup() as group:
        group.create_task(told.exporter.run())
        yield told
        told.exporter.stop()


def only(**said: bool) -> Config:
    """Configure one signal."""
    return replace(CONFIG, otlp=replace(OTLP, **said))  # type: ignore[arg-type]


async def test_everything_is_told_on_the_beat() -> None:
    """Nothing before it; then each probe's trace, and what was counted so far, again and again."""
    sink = Sink()
    async with telling(sink) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(9)
        assert sink.asked == []
        await asyncio.sleep(12)
        assert (len(sink.probes), sink.spans) == (1, SPANS)
        assert sink.durations() == [1, 1]
        assert told.value("sent_total", signal="traces") == SPANS
        assert told.value("requests_total", signal="metrics", outcome="stored") == 2
    assert sink.closed


async def test_many_are_not_kept_waiting() -> None:
    """A full batch goes at once, without waiting for the beat."""
    sink = Sink()
    async with telling(sink, only(metrics=False)) as told:
        for number in range(TOGETHER):
            told.exporter.offer(answered(at=float(number)))
        await asyncio.sleep(0.1)
        assert len(sink.probes) == TOGETHER


async def test_what_is_left_is_told_at_the_end() -> None:
    """A stop waits for no beat, and loses nothing while the endpoint is well."""
    sink = Sink()
    async with telling(sink) as told:
        await asyncio.sleep(1)
        told.exporter.offer(answered())
    assert len(sink.probes) == 1
    assert sink.durations() == [1]
    assert told.dropped() == {}


async def test_an_endpoint_that_is_away_gets_it_when_it_is_back() -> None:
    """Each try a longer wait away from the one before; nothing is lost, nothing told twice."""
    sink = Sink()
    sink.failure = DOWN
    async with telling(sink) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(60)
        tries = [at for signal, at in sink.asked if signal is Signal.TRACES]
        waits = [later - before for before, later in pairwise(tries)]
        assert waits == sorted(waits)
        assert len(tries) > 3
        sink.failure = None
        await asyncio.sleep(60)
        assert len(sink.probes) == 1
        assert told.dropped() == {}
        assert sink.durations()[-1] == 1


async def test_a_retry_after_is_obeyed() -> None:
    """Neither signal asks again before that."""
    sink = Sink()
    sink.failure = WriteError(Outcome.THROTTLED, "answered 429", 45.0)
    async with telling(sink) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(50)
        assert Counter(signal for signal, _ in sink.asked) == {Signal.TRACES: 1, Signal.METRICS: 1}
        await asyncio.sleep(10)
        assert len(sink.asked) == 4


async def test_a_retry_after_beyond_our_patience_is_obeyed_too() -> None:
    """One batch is too old by then; the others wait, and nobody is asked meanwhile."""
    sink = Sink()
    sink.failure = WriteError(Outcome.THROTTLED, "answered 429", 3_600.0)
    sink.takes_s = 0.01
    async with telling(sink, only(metrics=False)) as told:
        for number in range(2 * TOGETHER):
            told.exporter.offer(answered(at=float(number)))
        await asyncio.sleep(250)
        assert len(sink.asked) == 1
        assert told.dropped() == {"given_up": TOGETHER * SPANS}
        sink.failure = None
        await asyncio.sleep(60)
        assert len(sink.probes) == TOGETHER


async def test_a_stop_while_a_throttled_endpoint_is_left_alone_asks_once_more() -> None:
    """What was given up is counted once."""
    sink = Sink()
    sink.failure = WriteError(Outcome.THROTTLED, "answered 429", 3_600.0)
    sink.takes_s = 0.01
    async with telling(sink, only(metrics=False)) as told:
        for number in range(TOGETHER + 1):
            told.exporter.offer(answered(at=float(number)))
        await asyncio.sleep(20)
    assert len(sink.asked) == 2
    assert told.dropped() == {"given_up": TOGETHER * SPANS, "stopped": SPANS}


async def test_a_batch_is_given_up_in_the_end() -> None:
    """It is counted, and the next one gets its turn."""
    sink = Sink()
    sink.failure = DOWN
    async with telling(sink, only(metrics=False)) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(GIVE_UP_S + 30)
        assert told.dropped() == {"given_up": SPANS}
        sink.failure = None
        told.exporter.offer(answered(at=2_000.0))
        await asyncio.sleep(30)
        assert len(sink.probes) == 1


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.TOKEN, Outcome.TOO_LARGE])
async def test_what_is_refused_is_not_sent_again(outcome: Outcome) -> None:
    """The specification forbids it; the loss is counted."""
    sink = Sink()
    sink.failure = WriteError(outcome, "answered 400")
    async with telling(sink, only(metrics=False)) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(60)
        assert len(sink.asked) == 1
        assert told.dropped() == {"refused": SPANS}


async def test_what_was_partly_taken_is_counted_and_not_sent_again() -> None:
    """With the receiver's words in the log, once they are fit for one."""
    sink = Sink()
    traces, points = ExportTraceServiceResponse(), ExportMetricsServiceResponse()
    traces.partial_success.rejected_spans = 3
    traces.partial_success.error_message = "too \n old"
    points.partial_success.rejected_data_points = 10_000
    sink.answers = {
        Signal.TRACES: traces.SerializeToString(),
        Signal.METRICS: points.SerializeToString(),
    }
    with capture_logs() as logged:
        async with telling(sink) as told:
            told.exporter.offer(answered())
            await asyncio.sleep(11)
            assert told.dropped() == {"rejected": 3}
            assert told.value("sent_total", signal="traces") == SPANS - 3
            assert told.dropped("metrics") == {"rejected": 5}
            assert len(sink.asked) == 2
    partly = [each for each in logged if each["event"] == "otlp.partly_taken"]
    assert [each["error"] for each in partly[:2]] == ["too old", ""]


async def test_an_answer_that_cannot_be_read_refused_nothing() -> None:
    """The status said that it was taken."""
    sink = Sink()
    sink.answers = {Signal.TRACES: b"<html>"}
    async with telling(sink, only(metrics=False)) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(11)
        assert told.value("sent_total", signal="traces") == SPANS


@pytest.mark.parametrize(
    "unfit",
    [
        answered(at=-5.0),
        answered(at=1e30),
        answered(input_tokens=2**64),
        answered(returned_model="\ud800"),
    ],
)
async def test_what_has_no_form_is_dropped_alone(unfit: ProbeResult) -> None:
    """Whatever a clock or a provider says, the others of the batch are told."""
    sink = Sink()
    async with telling(sink) as told:
        told.exporter.offer(unfit)
        await asyncio.sleep(11)
        assert Signal.TRACES not in {signal for signal, _ in sink.asked}
        told.exporter.offer(answered())
        await asyncio.sleep(10)
        assert len(sink.probes) == 1
        assert told.dropped() == {"unfit": 1}
        assert sink.durations()[-1] >= 1


async def test_the_oldest_go_when_too_many_wait() -> None:
    """Exactly those that are too many, and they are counted."""
    sink = Sink()
    sink.hangs = True
    async with telling(sink, only(metrics=False)) as told:
        for number in range(WAITING_LIMIT + 7):
            told.exporter.offer(answered(at=float(number)))
        assert told.value("waiting_results") == WAITING_LIMIT
        assert told.dropped() == {"queue": 7}


async def test_an_endpoint_that_hangs_holds_up_no_stop() -> None:
    """What is left is counted as lost after a few seconds."""
    sink = Sink()
    sink.hangs = True
    loop = asyncio.get_running_loop()
    with capture_logs() as logged:
        async with telling(sink) as told:
            told.exporter.offer(answered())
            await asyncio.sleep(11)
            told.exporter.offer(answered(at=2_000.0))
            began = loop.time()
    assert loop.time() - began == pytest.approx(LEAVE_S, abs=0.1)
    assert told.dropped() == {"stopped": SPANS + 1}
    assert [each["results"] for each in logged if each["event"] == "otlp.left_untold"] == [1]
    assert sink.closed


async def test_a_stop_while_the_endpoint_is_away_tries_once_more() -> None:
    """And counts what that left."""
    sink = Sink()
    sink.failure = DOWN
    async with telling(sink, only(metrics=False)) as told:
        told.exporter.offer(answered())
        await asyncio.sleep(1)
    assert len(sink.asked) == 1
    assert told.dropped() == {"stopped": SPANS}


async def test_deltas_are_told_once_whatever_fails() -> None:
    """The sum of what was taken is what there was."""
    sink = Sink()
    config = replace(CONFIG, otlp=replace(OTLP, temporality=Temporality.DELTA, traces=False))
    async with telling(sink, config) as told:
        for step in range(12):
            sink.failure = DOWN if step % 3 else None
            told.exporter.offer(answered())
            await asyncio.sleep(10)
        sink.failure = None
        await asyncio.sleep(120)
    assert sum(sink.durations()) == 12
    assert told.value("requests_total", signal="metrics", outcome="unavailable") > 0


async def test_other_targets_are_told_of_after_a_reload() -> None:
    """What comes of one that is gone is told no more; who came is."""
    sink = Sink()
    async with telling(sink) as told:
        told.exporter.retarget(replace(CONFIG, targets=(replace(TARGET, name="new"),)))
        told.exporter.offer(answered())
        told.exporter.offer(answered(target="new"))
        await asyncio.sleep(11)
        assert len(sink.probes) == 1
        assert sink.durations() == [1]


async def test_a_signal_that_is_off_is_not_sent() -> None:
    """Nor kept."""
    sink = Sink()
    async with telling(sink, only(traces=False)) as told:
        told.exporter.offer(answered())
        assert told.exporter.waiting == 0
        await asyncio.sleep(11)
    assert {signal for signal, _ in sink.asked} == {Signal.METRICS}


async def test_changes_are_logged_once() -> None:
    """When it stops being taken, and when it is again; not each time."""
    sink = Sink()
    with capture_logs() as logged:
        async with telling(sink, only(traces=False)) as told:
            told.exporter.offer(answered())
            sink.failure = DOWN
            await asyncio.sleep(100)
            sink.failure = None
            await asyncio.sleep(100)
    events = [each for each in logged if each["event"] == "otlp.answered"]
    assert [(each["outcome"], each["log_level"]) for each in events] == [
        ("unavailable", "warning"),
        ("stored", "info"),
    ]
