"""The rules of deploy/prometheus-rules.yml as the Prometheus operator wants them."""

from textwrap import indent
from typing import Final

from tests.docs.blocks import ROOT

RULES: Final = ROOT / "deploy" / "prometheus-rules.yml"
_HEAD: Final = """\
# Written by `make docs-reference` from deploy/prometheus-rules.yml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: sonde
  labels: {app.kubernetes.io/name: sonde, app.kubernetes.io/instance: sonde}
spec:
"""


def manifest() -> str:
    """Return the object, comments of its rules included."""
    return _HEAD + indent(RULES.read_text(encoding="utf-8"), "  ")
