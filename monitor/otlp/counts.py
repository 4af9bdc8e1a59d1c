"""What became of what was to be told, for /metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from aggregator.stores.delivery import Outcome
from monitor.otlp.signal import Dropped, Signal


class Counts:
    """The counters of all exporters one process has had."""

    def __init__(self, registry: CollectorRegistry, waiting: Callable[[], float]) -> None:
        """Show what is counted; `waiting` says how many results wait for their trace."""
        self._requests = Counter(
            "sonde_otlp_requests_total",
            "Requests to the OTLP endpoint by what became of them.",
            ("signal", "outcome"),
            registry=registry,
        )
        self._sent = Counter(
            "sonde_otlp_sent_total",
            "Spans and data points that the OTLP endpoint took.",
            ("signal",),
            registry=registry,
        )
        self._dropped = Counter(
            "sonde_otlp_dropped_total",
            "Spans (or whole traces, while they wait) and data points that were not delivered.",
            ("signal", "reason"),
            registry=registry,
        )
        Gauge(
            "sonde_otlp_waiting_results",
            "Results whose trace waits to be delivered.",
            registry=registry,
        ).set_function(waiting)

    def request(self, signal: Signal, outcome: Outcome) -> None:
        """Count a request."""
        self._requests.labels(signal.value, outcome.value).inc()

    def sent(self, signal: Signal, items: int) -> None:
        """Count what was taken."""
        self._sent.labels(signal.value).inc(items)

    def dropped(self, signal: Signal, reason: Dropped, items: int) -> None:
        """Count what is lost."""
        if items:
            self._dropped.labels(signal.value, reason.value).inc(items)
