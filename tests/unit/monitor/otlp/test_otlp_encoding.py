"""Requests, read back by the protocol's own definitions and by a receiver that is strict."""

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from monitor.otlp.encoding import MetricBatch, TraceBatch, rejected_points, rejected_spans
from monitor.otlp.histograms import Histograms
from monitor.otlp.spans import trace_of
from monitor.otlp.temporality import Temporality
from probes.result import Fault, Verdict
from tests.standins.otlp import attributes, check_metric, check_spans
from tests.unit.monitor.otlp.telling_values import answered, subject

RESOURCE = (("service.name", "sonde"), ("sonde.location", "fra1"))


def spans(*results: object) -> list[Span]:
    batch = TraceBatch(RESOURCE, "1.2.3")
    for each in results:
        batch.add(trace_of(each, subject(), "i"))  # type: ignore[arg-type]
    sent = ExportTraceServiceRequest.FromString(batch.encoded())
    (ours,) = sent.resource_spans
    (scope,) = ours.scope_spans
    assert attributes(ours.resource.attributes) == dict(RESOURCE)
    assert (scope.scope.name, scope.scope.version) == ("sonde", "1.2.3")
    assert batch.items == len(scope.spans)
    check_spans(scope.spans)
    return list(scope.spans)


def test_a_probe_is_a_client_span_with_its_stages_below() -> None:
    """All of one trace, the stages' parent is the call, and only that is of kind client."""
    root, *below = spans(answered())
    assert root.name == "chat gpt-4o-mini"
    assert (root.kind, root.parent_span_id) == (Span.SPAN_KIND_CLIENT, b"")
    assert {each.parent_span_id for each in below} == {root.span_id}
    assert {each.trace_id for each in below} == {root.trace_id}
    assert {each.kind for each in below} == {Span.SPAN_KIND_INTERNAL}
    assert root.status.code == Status.STATUS_CODE_UNSET


def test_every_kind_of_attribute_arrives_as_it_was() -> None:
    """Text, numbers, truth and lists."""
    told = attributes(spans(answered(reused=True, cost_usd=0.5))[0].attributes)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["server.port"] == 443
    assert told["sonde.cost_usd"] == 0.5
    assert told["sonde.connection.reused"] is True
    assert told["gen_ai.response.finish_reasons"] == ("stop",)


def test_a_failure_is_an_error_with_its_reason() -> None:
    """Of the call, and of the stage it ended in."""
    failed = answered(verdict=Verdict.TRUNCATED, fault=Fault.PROVIDER, detail="cut off")
    root, *below = spans(failed)
    assert (root.status.code, root.status.message) == (Status.STATUS_CODE_ERROR, "cut off")
    assert [each.status.code for each in below] == [0] * (len(below) - 1) + [2]


def test_traces_of_a_batch_do_not_mix() -> None:
    """Two probes, two traces."""
    found = spans(answered(), answered(at=2_000.0))
    assert len({each.trace_id for each in found}) == 2


@pytest.mark.parametrize("temporality", list(Temporality))
def test_histograms_add_up(temporality: Temporality) -> None:
    """By metric, with unit, temporality and both times; points of one metric stand together."""
    counted = Histograms(temporality, {"chat": subject()}, 5)
    counted.observe(answered())
    counted.observe(answered(verdict=Verdict.EMPTY, fault=Fault.PROVIDER))
    batch = MetricBatch(RESOURCE, "1.2.3", temporality, 9)
    for each in counted.collect(9):
        batch.add(each)
    sent = ExportMetricsServiceRequest.FromString(batch.encoded())
    metrics = {each.name: each for each in sent.resource_metrics[0].scope_metrics[0].metrics}
    assert len(metrics) == 4
    assert batch.items == 6
    for metric in metrics.values():
        check_metric(metric)
    duration = metrics["gen_ai.client.operation.duration"]
    assert (duration.unit, len(duration.histogram.data_points)) == ("s", 2)
    expected = 2 if temporality is Temporality.CUMULATIVE else 1
    assert duration.histogram.aggregation_temporality == expected
    (point, _) = duration.histogram.data_points
    assert (point.start_time_unix_nano, point.time_unix_nano, point.count) == (5, 9, 1)
    assert attributes(point.attributes)["sonde.target"] == "chat"


def test_a_clock_that_was_set_back_makes_no_point_that_ends_before_it_begins() -> None:
    """Backends refuse such a point."""
    counted = Histograms(Temporality.CUMULATIVE, {"chat": subject()}, 1_000)
    counted.observe(answered())
    batch = MetricBatch(RESOURCE, "1", Temporality.CUMULATIVE, 900)
    batch.add(counted.collect(900)[0])
    sent = ExportMetricsServiceRequest.FromString(batch.encoded())
    check_metric(sent.resource_metrics[0].scope_metrics[0].metrics[0])


def test_a_partial_success_is_read() -> None:
    """Of both signals; an empty answer refuses nothing, and what is no answer is said to be."""
    traces, points = ExportTraceServiceResponse(), ExportMetricsServiceResponse()
    traces.partial_success.rejected_spans = 3
    points.partial_success.rejected_data_points = 4
    points.partial_success.error_message = "too old"
    assert rejected_spans(traces.SerializeToString()) == (3, "")
    assert rejected_points(points.SerializeToString()) == (4, "too old")
    assert rejected_spans(b"") == rejected_points(b"") == (0, "")
    with pytest.raises(DecodeError):
        rejected_spans(b"<html>")
