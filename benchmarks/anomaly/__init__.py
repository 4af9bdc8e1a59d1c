"""Anomalies that are known, in series made of what makes real ones hard, and who finds them."""

from benchmarks.anomaly.table import report

__all__ = ["report"]
