"""What a seat is asked to do, and what it answers: plain values that travel as JSON."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LEAD_S: Final = 1.0
"""Seconds at the start of each run that are not counted: connections are being opened."""
BLOCK_S: Final = 0.1
"""How long other work holds the loop, once a second, where a cell asks for it."""
KEY: Final = "sk-bench-0123456789abcdef"
PROMPT: Final = "Answer with the single word: ok"


class Pattern(StrEnum):
    """How probes are spread over a second."""

    EVEN = "even"
    BURST = "burst"
    """All of a second's probes at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One load for one client."""

    rate: int
    """Probes a second."""
    pattern: Pattern = Pattern.EVEN
    tls: bool = False
    fresh: bool = False
    """A connection for each probe."""
    blocked: bool = False
    """Whether other work holds the client's loop for BLOCK_S each second."""
    chunks: int = 0
    """Content chunks of a streamed answer; 0: not streamed."""
    delay_us: int = 200_000
    chunk_us: int = 20_000
    seconds: float = 4.0
    """How long, without the lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A cell, and where to send it."""

    cell: Cell
    url: str
    ca: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a client reported of one probe. Seconds; None where it cannot tell."""

    id: int | None
    """The request's id in the truth server's log; None: it got no answer."""
    ok: bool = True
    whole_s: float = 0.0
    """The latency it shows to people."""
    answer_s: float | None = None
    """From the request's departure to the end of the answer (blackbox: `processing`)."""
    first_token_s: float | None = None
    inter_token_s: float | None = None
    tainted: bool = False
    """It says itself that `whole_s` may be wrong."""
    stream_tainted: bool = False
    """It says itself that it cannot tell this stream's token times apart."""
    stamps: str = ""
    """Sonde: where its receive times come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What came of one run of a cell."""

    samples: tuple[Sample, ...]
    lost: int
    """Probes that had not ended some seconds after the last one began."""
    cpu_s: float
    """CPU time of the client under test for the counted probes; what held the loop is not in it."""
    probes: int
    """The number of probes that CPU time is for."""
