"""A strict OTLP/HTTP receiver: what is sent is read by the protocol's own definitions, and judged.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlphttp
"""

import gzip
import ssl
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.standins.answers import Answer
from tests.standins.server import Server

PROTOBUF = "application/x-protobuf"
LIMIT_BYTES = 20 * 1024 * 1024
"""What collectors take (`max_request_body_size`)."""


def read(value: AnyValue) -> Any:  # Any: whatever an attribute holds
    """Return an attribute's value as a plain one."""
    kind = value.WhichOneof("value")
    assert kind is not None, "an attribute without a value"
    if kind == "array_value":
        return tuple(read(each) for each in value.array_value.values)
    return getattr(value, kind)


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Return attributes as a mapping; refuse empty keys and the same key twice."""
    found: dict[str, Any] = {}
    for pair in pairs:
        assert pair.key, "an attribute without a name"
        assert pair.key not in found, f"{pair.key} twice"
        found[pair.key] = read(pair.value)
    return found


class OtlpReceiver(Server):
    """Takes what the specification allows and refuses, with a 400 that says why, what it does not.

    Asks for `headers` where there are any. What was wrong is in `wrong`, too.
    """

    def __init__(
        self, headers: Mapping[str, str] | None = None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self.headers = dict(headers or {})
        self.wrong: list[str] = []
        self.spans: list[Span] = []
        self.metrics: list[Metric] = []
        """Of every request; the points of one metric may come in several."""
        self.resources: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.user_agents: set[str] = set()
        self.encodings: set[str | None] = set()
        self._app.router.add_post("/v1/traces", self._traces)
        self._app.router.add_post("/v1/metrics", self._metrics)

    @property
    def roots(self) -> list[Span]:
        """The spans that have no parent: the calls."""
        return [span for span in self.spans if not span.parent_span_id]

    def below(self, root: Span) -> list[Span]:
        """Return the spans below one."""
        return [span for span in self.spans if span.parent_span_id == root.span_id]

    def points(self, name: str) -> list[HistogramDataPoint]:
        """Return all data points of a metric, in the order they came."""
        named = (metric for metric in self.metrics if metric.name == name)
        return [point for metric in named for point in metric.histogram.data_points]

    async def _traces(self, request: web.Request) -> web.StreamResponse:
        try:
            sent = await self._read(request, ExportTraceServiceRequest())
            for ours in sent.resource_spans:
                self._resource(ours.resource)
                for scope in ours.scope_spans:
                    check_spans(scope.spans)
                    self.spans += scope.spans
        except AssertionError as error:
            return self._refuse(error)
        return _answer(ExportTraceServiceResponse())

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        try:
            sent = await self._read(request, ExportMetricsServiceRequest())
            for ours in sent.resource_metrics:
                self._resource(ours.resource)
                for scope in ours.scope_metrics:
                    for metric in scope.metrics:
                        check_metric(metric)
                    self.metrics += scope.metrics
        except AssertionError as error:
            return self._refuse(error)
        return _answer(ExportMetricsServiceResponse())

    async def _read(self, request: web.Request, into: Any) -> Any:  # Any: either request
        assert request.content_type == PROTOBUF, request.content_type
        for name, value in self.headers.items():
            assert request.headers.get(name) == value, f"the header {name} is not as it must be"
        self.encodings.add(request.headers.get("Content-Encoding"))
        self.user_agents.add(request.headers["User-Agent"])
        body = await _body(request)
        assert len(body) <= LIMIT_BYTES, f"{len(body)} bytes"
        self.bodies.append(body)
        try:
            into.ParseFromString(body)
        except DecodeError as error:
            raise AssertionError(f"not what it should be: {error}") from error
        return into

    def _resource(self, resource: Resource) -> None:
        found = attributes(resource.attributes)
        assert found.get("service.name"), "nobody sent it"
        if found not in self.resources:
            self.resources.append(found)

    def _refuse(self, error: AssertionError) -> web.Response:
        self.wrong.append(str(error))
        return web.Response(status=400, text=str(error))


async def _body(request: web.Request) -> bytes:
    """Return the body; aiohttp's server has unpacked it where its encoding says so."""
    assert request.headers.get("Content-Encoding") in (None, "gzip")
    raw = await request.read()
    try:
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, zlib.error) as error:
        raise AssertionError(f"not gzip: {error}") from error


def check_spans(spans: Iterable[Span]) -> None:
    """Refuse spans that no backend could show."""
    found = list(spans)
    ids = {(span.trace_id, span.span_id) for span in found}
    assert len(ids) == len(found), "two spans of one name"
    for span in found:
        assert len(span.trace_id) == 16, "a trace id has 16 bytes"
        assert any(span.trace_id), "a trace id is not all zero"
        assert len(span.span_id) == 8, "a span id has 8 bytes"
        assert any(span.span_id), "a span id is not all zero"
        assert span.name, "a span without a name"
        assert span.kind != Span.SPAN_KIND_UNSPECIFIED, "a span of no kind"
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, "it ends before it begins"
        parent = (span.trace_id, span.parent_span_id)
        assert not span.parent_span_id or parent in ids, "a parent that is not there"
        attributes(span.attributes)


def check_metric(metric: Metric) -> None:
    """Refuse histograms that do not add up."""
    assert metric.name, "a metric without a name"
    assert metric.WhichOneof("data") == "histogram", "histograms are what is sent here"
    assert metric.histogram.aggregation_temporality in (1, 2), "of no temporality"
    seen = set()
    for point in metric.histogram.data_points:
        found = attributes(point.attributes)
        series = tuple(sorted(found.items()))
        assert series not in seen, "one series twice in a request"
        seen.add(series)
        _check_point(point)


def _check_point(point: HistogramDataPoint) -> None:
    bounds = list(point.explicit_bounds)
    assert bounds == sorted(set(bounds)), "bounds that do not rise"
    assert len(point.bucket_counts) == len(bounds) + 1, "a bucket too many, or too few"
    assert sum(point.bucket_counts) == point.count, "counts that do not add up"
    assert 0 < point.start_time_unix_nano <= point.time_unix_nano, "it ends before it begins"
    if point.count:
        assert point.min * point.count <= point.sum * (1 + 1e-9), "a sum below its parts"
        assert point.sum <= point.max * point.count * (1 + 1e-9), "a sum above its parts"


def _answer(message: Message) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type=PROTOBUF)


def partly(signal: str, refused: int, why: str) -> Answer:
    """Take a request but for some of it, as the specification's partial success has it."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        if signal == "traces":
            spans = ExportTraceServiceResponse()
            spans.partial_success.rejected_spans = refused
            spans.partial_success.error_message = why
            return _answer(spans)
        points = ExportMetricsServiceResponse()
        points.partial_success.rejected_data_points = refused
        points.partial_success.error_message = why
        return _answer(points)

    return answer


def by_series(points: Iterable[HistogramDataPoint]) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each point's attributes and how many values it counted."""
    for point in points:
        yield attributes(point.attributes), point.count
