"""Since when counts count. Pure.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/#temporality
"""

from enum import StrEnum


class Temporality(StrEnum):
    """Since when the counts of an export count."""

    CUMULATIVE = "cumulative"
    """Since the start, as Prometheus has it."""
    DELTA = "delta"
    """Since the export before, as Datadog has it."""
