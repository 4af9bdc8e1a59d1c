"""Traces and histograms -> requests of OTLP, by its own definition. Pure.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    HistogramDataPoint,
    Metric,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from monitor.otlp.histograms import Histogram, Instrument
from monitor.otlp.spans import Trace
from monitor.otlp.subject import Value
from monitor.otlp.temporality import Temporality

SCOPE: Final = "sonde"
FLAGS: Final = 0x101
"""Sampled, and of no remote parent: https://www.w3.org/TR/trace-context/#trace-flags and
`SpanFlags` in trace.proto."""
_TEMPORALITIES: Final = {
    Temporality.CUMULATIVE: AGGREGATION_TEMPORALITY_CUMULATIVE,
    Temporality.DELTA: AGGREGATION_TEMPORALITY_DELTA,
}


class TraceBatch:
    """One request of traces in the making."""

    def __init__(self, resource: Iterable[tuple[str, Value]], version: str) -> None:
        self._request = ExportTraceServiceRequest()
        ours = self._request.resource_spans.add(resource=_resource(resource))
        scope = InstrumentationScope(name=SCOPE, version=version)
        self._spans = ours.scope_spans.add(scope=scope).spans

    @property
    def items(self) -> int:
        """Spans so far."""
        return len(self._spans)

    def add(self, trace: Trace) -> None:
        """Add a probe's spans."""
        root, failed = trace.span_id(0), bool(trace.why)
        call = trace.call
        self._spans.add(
            trace_id=trace.trace_id,
            span_id=root,
            flags=FLAGS,
            name=call.name,
            kind=trace_pb2.Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=call.start_ns,
            end_time_unix_nano=call.end_ns,
            attributes=(
                *_fixed(trace.subject.common),
                *_fixed(trace.subject.asked),
                *_pairs(call.attributes),
            ),
            status=Status(code=Status.STATUS_CODE_ERROR, message=trace.why) if failed else None,
        )
        for index, each in enumerate(trace.stages, 1):
            self._spans.add(
                trace_id=trace.trace_id,
                span_id=trace.span_id(index),
                parent_span_id=root,
                flags=FLAGS,
                name=each.name,
                kind=trace_pb2.Span.SPAN_KIND_INTERNAL,
                start_time_unix_nano=each.start_ns,
                end_time_unix_nano=each.end_ns,
                status=None if each.ended else Status(code=Status.STATUS_CODE_ERROR),
            )

    def encoded(self) -> bytes:
        """Return the request's bytes."""
        return self._request.SerializeToString()


class MetricBatch:
    """One request of metrics in the making; `now_ns` is the wall time they are of."""

    def __init__(
        self,
        resource: Iterable[tuple[str, Value]],
        version: str,
        temporality: Temporality,
        now_ns: int,
    ) -> None:
        self.items = 0
        """Data points so far."""
        self._now_ns = now_ns
        self._temporality = _TEMPORALITIES[temporality]
        self._request = ExportMetricsServiceRequest()
        ours = self._request.resource_metrics.add(resource=_resource(resource))
        scope = InstrumentationScope(name=SCOPE, version=version)
        self._metrics = ours.scope_metrics.add(scope=scope).metrics
        self._by_instrument: dict[Instrument, Metric] = {}

    def add(self, histogram: Histogram) -> None:
        """Add the data point of a series."""
        key = histogram.key
        metric = self._by_instrument.get(key.instrument)
        if metric is None:
            metric = self._by_instrument[key.instrument] = self._metric(key.instrument)
        point = HistogramDataPoint(
            attributes=(*_fixed(histogram.subject.common), *_pairs(key.own)),
            # A clock that was set back must not make it end before it began.
            start_time_unix_nano=min(histogram.since_ns, self._now_ns),
            time_unix_nano=self._now_ns,
            count=histogram.count,
            sum=histogram.total,
            bucket_counts=histogram.counts,
            explicit_bounds=key.instrument.bounds,
            min=histogram.least,
            max=histogram.most,
        )
        metric.histogram.data_points.append(point)
        self.items += 1

    def _metric(self, instrument: Instrument) -> Metric:
        metric = self._metrics.add(
            name=instrument.name, unit=instrument.unit, description=instrument.description
        )
        metric.histogram.aggregation_temporality = self._temporality
        return metric

    def encoded(self) -> bytes:
        """Return the request's bytes."""
        return self._request.SerializeToString()


def rejected_spans(answer: bytes) -> tuple[int, str]:
    """Return how many spans an answer refuses, and its words. Raises DecodeError."""
    said = ExportTraceServiceResponse.FromString(answer).partial_success
    return said.rejected_spans, said.error_message


def rejected_points(answer: bytes) -> tuple[int, str]:
    """Return how many data points an answer refuses, and its words. Raises DecodeError."""
    said = ExportMetricsServiceResponse.FromString(answer).partial_success
    return said.rejected_data_points, said.error_message


def _resource(attributes: Iterable[tuple[str, Value]]) -> Resource:
    return Resource(attributes=_pairs(attributes))


@lru_cache(maxsize=10_000)
def _fixed(attributes: tuple[tuple[str, Value], ...]) -> tuple[KeyValue, ...]:
    """Return attributes that come again and again: making them is most of the work."""
    return tuple(_pairs(attributes))


def _pairs(attributes: Iterable[tuple[str, Value]]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_any(value)) for name, value in attributes]


def _any(value: Value) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):  # before int, which it is one of
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[_any(each) for each in value]))
