"""Probes on standard output: drawings in colours, and results as JSON."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from monitor.stages import stages
from monitor.waterfall import Line, Style
from probes.result import ProbeResult
from probes.trace import Trace

LOOKS: Final = {
    Style.PLAIN: "",
    Style.DIM: "dim",
    Style.BOLD: "bold",
    Style.GOOD: "bold green",
    Style.BAD: "bold red",
    Style.ROAD: "cyan",
    Style.WAIT: "yellow",
    Style.FLOW: "green",
}
"""Colours in a terminal: the way there, waiting for the provider, and its answer."""
_ASCII: Final = str.maketrans(
    {"━": "=", "╸": "-", "╺": "-", "✓": "+", "✗": "x", "≥": ">", "…": "~", "µ": "u"}
)


def as_json(result: ProbeResult, trace: Trace) -> dict[str, Any]:  # Any: values differ by key
    """Return the probe as a JSON object: a result's own fields and what is derived of them."""
    return {
        **asdict(result),
        "ok": result.ok,
        "censored": result.censored,
        "latency_s": result.latency_s,
        "tokens_per_s": result.tokens_per_s,
        "inter_token_s": result.inter_token_s,
        "phases": [asdict(stage) for stage in stages(result, trace.reached)],
        "request": trace.request,
        "sent_bytes": trace.sent_bytes,
        "received_bytes": trace.received_bytes,
        "headers": dict(trace.headers),
        "hidden_headers": trace.hidden_headers,
    }


def show(console: Console, lines: Iterable[Line]) -> None:
    """Print a drawing: with colours on a terminal, and in the signs its encoding has."""
    signs = {} if console.encoding.startswith("utf") else _ASCII
    for line in lines:
        text = Text()
        for part, style in line:
            text.append(part.translate(signs), LOOKS[style])
        text.rstrip()
        console.print(text, soft_wrap=True)
