"""One probe drawn as a waterfall: lines of styled text, for a terminal, a page or a pipe.

What is known is drawn to one scale, from the origin of the exchange to its end. A stage the probe
ended in is drawn as far as it came. Whatever is unknown has no line.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from monitor.particulars import TO_DO, particulars, seconds
from monitor.stages import Stage, stages
from probes.result import ProbeResult
from probes.target import Target
from probes.trace import Trace

LABEL_CHARS: Final = 15
TIME_CHARS: Final = 11
LEAST_BAR_CHARS: Final = 20
"""Below this nothing can be told from a bar: a narrower terminal wraps the lines instead."""
NAME_CHARS: Final = 42
"""The longest name of a header that is shown whole: servers choose names, and of eighty columns
the value needs some too. `anthropic-ratelimit-input-tokens-remaining` has so many."""
_INDENT: Final = " " * LABEL_CHARS


class Style(StrEnum):
    """What a piece of text is; whoever shows it chooses how that looks."""

    PLAIN = "plain"
    DIM = "dim"
    BOLD = "bold"
    GOOD = "good"
    BAD = "bad"
    ROAD = "road"
    """Time spent on the way: name, connection, TLS."""
    WAIT = "wait"
    """Time spent waiting for the provider."""
    FLOW = "flow"
    """Time in which the answer came."""


Span = tuple[str, Style]
Line = tuple[Span, ...]


_LABELS: Final = {
    "resolve": ("resolve name", Style.ROAD),
    "connect": ("connect", Style.ROAD),
    "proxy": ("wait for proxy", Style.ROAD),
    "tls": ("TLS handshake", Style.ROAD),
    "send": ("send request", Style.ROAD),
    "head": ("wait for head", Style.WAIT),
    "first_token": ("first token", Style.WAIT),
    "reasoning": ("reasoning", Style.WAIT),
    "answer": ("answer", Style.FLOW),
    "body": ("body", Style.FLOW),
    "end": ("end of stream", Style.FLOW),
}
"""What each stage is called, and how it looks."""


def waterfall(result: ProbeResult, target: Target, trace: Trace, width: int = 80) -> list[Line]:
    """Draw one probe, at most `width` columns wide."""
    lines = [_headline(result, target, width), ()]
    found = stages(result, trace.reached)
    if found:
        lines += _bars(found, result, width)
        lines.append(())
    for name, text in particulars(result, trace):
        lines += _fact(name, text, width)
    if trace.headers or trace.hidden_headers:
        lines += [(), *_headers(trace, width)]
    return lines


def plain(lines: Iterable[Line]) -> str:
    """Return the drawing without styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"


def _headline(result: ProbeResult, target: Target, width: int) -> Line:
    mark, style = ("✓", Style.GOOD) if result.ok else ("✗", Style.BAD)
    streamed = ", streamed" if target.stream else ""
    about = f"{result.model}, {result.operation}{streamed}, at {result.provider}"
    status = "" if result.status is None else f"HTTP {result.status}"
    verdict = f"{mark} {result.verdict}"
    room = width - len(verdict) - len(result.target) - len(status) - 6
    about = _short(about, max(1, room))
    return (
        (verdict, style),
        ("  ", Style.PLAIN),
        (result.target, Style.BOLD),
        ("  ", Style.PLAIN),
        (about.ljust(room + 2), Style.PLAIN),
        (status, Style.DIM),
    )


def _short(text: str, most: int) -> str:
    """Return at most so many characters of a text, at least one."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _bars(found: Sequence[Stage], result: ProbeResult, width: int) -> Iterator[Line]:
    cells = max(LEAST_BAR_CHARS, width - LABEL_CHARS - TIME_CHARS)
    end_s = max(stage.end_s for stage in found)
    scale = seconds(end_s)
    yield ((_INDENT + "0" + scale.rjust(cells - 1), Style.DIM),)
    for stage in found:
        label, style = _LABELS[stage.name]
        if not stage.ended:
            style = Style.BAD
        took = seconds(stage.end_s - stage.start_s)
        if not stage.ended:
            bound = "≥ " if result.censored else ""
            took = f"✗ {bound}{took}" if stage.end_s > stage.start_s else "✗ missing"
        yield (
            (label.ljust(LABEL_CHARS), Style.PLAIN),
            (_bar(stage.start_s, stage.end_s, end_s, cells), style),
            (took.rjust(TIME_CHARS), Style.PLAIN),
        )


def _bar(start_s: float, end_s: float, scale_s: float, cells: int) -> str:
    """Draw one bar, to half a cell; nothing is too short to be seen."""
    halves = 2 * cells
    scale_s = scale_s or 1.0
    first = min(halves - 1, round(start_s / scale_s * halves))
    last = max(first + 1, round(end_s / scale_s * halves))
    drawn = {(True, True): "━", (True, False): "╸", (False, True): "╺", (False, False): " "}
    return "".join(
        drawn[first <= half < last, first <= half + 1 < last] for half in range(0, halves, 2)
    )


def _fact(name: str, text: str, width: int) -> Iterator[Line]:
    room = max(LEAST_BAR_CHARS, width - LABEL_CHARS)
    first, *rest = textwrap.wrap(text, room) or [""]
    style = Style.BOLD if name == TO_DO else Style.PLAIN
    yield ((name.ljust(LABEL_CHARS), Style.DIM), (first, style))
    for more in rest:
        yield ((_INDENT, Style.PLAIN), (more, style))


def _headers(trace: Trace, width: int) -> Iterator[Line]:
    names = min(NAME_CHARS, max((len(name) for name, _ in trace.headers), default=0))
    for place, (name, value) in enumerate(trace.headers):
        label = "headers" if place == 0 else ""
        room = max(LEAST_BAR_CHARS, width - LABEL_CHARS - names - 2)
        first, *rest = textwrap.wrap(value, room) or [""]
        yield (
            (label.ljust(LABEL_CHARS), Style.DIM),
            (_short(name, names).ljust(names + 2), Style.DIM),
            (first, Style.PLAIN),
        )
        for more in rest:
            yield ((" " * (LABEL_CHARS + names + 2), Style.PLAIN), (more, Style.PLAIN))
    if trace.hidden_headers:
        label = "" if trace.headers else "headers"
        more = " more" if trace.headers else ""
        yield (
            (label.ljust(LABEL_CHARS), Style.DIM),
            (f"{trace.hidden_headers}{more} not shown", Style.DIM),
        )
