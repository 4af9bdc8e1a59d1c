"""Histograms of results, counted until they are told. Pure.

Cumulative ones go on for as long as the process does. Of a delta each export takes what came since
the one before; what could not be delivered is put back, so that nothing is missing later.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#temporality
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from monitor.otlp.subject import Subject, Value
from monitor.otlp.temporality import Temporality
from probes.result import ProbeResult

SECONDS: Final = tuple(0.01 * 2**i for i in range(14))
"""0.01 s to 81.92 s, as the conventions want it."""
TOKENS: Final = tuple(4**i for i in range(14))
"""1 to 67,108,864, as the conventions want it."""
MOST_MODELS: Final = 8
"""Models one target's answers may name. It is the provider who names them: those beyond are
counted under none, or somebody's mistake would make a series of every answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """One metric, as the conventions name it. Its identity tells it apart, which is quick."""

    name: str
    unit: str
    description: str
    bounds: tuple[float, ...]


DURATION: Final = Instrument(
    "gen_ai.client.operation.duration", "s", "GenAI operation duration.", SECONDS
)
FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_to_first_chunk",
    "s",
    "Time to receive the first token of a stream.",
    SECONDS,
)
PER_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_per_output_chunk",
    "s",
    "Mean time between two output tokens of a stream: one value a probe.",
    SECONDS,
)
TOKEN_USAGE: Final = Instrument(
    "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", TOKENS
)
INSTRUMENTS: Final = (DURATION, FIRST_CHUNK, PER_CHUNK, TOKEN_USAGE)


@dataclass(frozen=True, slots=True)
class Key:
    """Which series a value belongs to."""

    instrument: Instrument
    target: str
    own: tuple[tuple[str, Value], ...] = ()
    """Attributes beside those of its target."""


@dataclass(slots=True)
class Histogram:
    """The values of one series since a moment."""

    key: Key
    subject: Subject
    since_ns: int
    counts: list[int]
    """One more than there are bounds: value <= bound, and what is above all."""
    total: float = 0.0
    least: float = inf
    most: float = -inf

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def add(self, other: "Histogram") -> None:
        """Take in what another one counted: the moment is the earlier one."""
        self.since_ns = min(self.since_ns, other.since_ns)
        self.counts = [
            ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)
        ]
        self.total += other.total
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)


class Histograms:
    """Every series of one exporter."""

    def __init__(
        self, temporality: Temporality, subjects: Mapping[str, Subject], now_ns: int
    ) -> None:
        self.temporality = temporality
        self._subjects = subjects
        self._since_ns = now_ns
        self._series: dict[Key, Histogram] = {}
        self._models: dict[str, set[str]] = {}

    def observe(self, result: ProbeResult) -> None:
        """Count a result. Of a confirming attempt only its tokens count, as everywhere."""
        if result.target not in self._subjects:
            return
        model = self._model(result)
        if result.attempt == 1:
            self._times(result, model)
        for kind, tokens in (("input", result.input_tokens), ("output", result.output_tokens)):
            if tokens is not None:
                own = (*model, ("gen_ai.token.type", kind))
                self._add(Key(TOKEN_USAGE, result.target, own), tokens)

    def _times(self, result: ProbeResult, model: tuple[tuple[str, Value], ...]) -> None:
        if not result.latency_tainted:
            failed = (("error.type", result.verdict.value), ("sonde.fault", result.fault.value))
            own = model if result.ok else (*model, *failed)
            self._add(Key(DURATION, result.target, own), result.latency_s)
        if result.first_token_s is not None and result.answered and not result.tainted:
            self._add(Key(FIRST_CHUNK, result.target, model), result.first_token_s)
        if result.inter_token_s is not None:
            self._add(Key(PER_CHUNK, result.target, model), result.inter_token_s)

    def _model(self, result: ProbeResult) -> tuple[tuple[str, Value], ...]:
        named = result.returned_model
        if named is None:
            return ()
        known = self._models.setdefault(result.target, set())
        if named not in known and len(known) >= MOST_MODELS:
            return ()
        known.add(named)
        return (("gen_ai.response.model", named),)

    def _add(self, key: Key, value: float) -> None:
        if not (0.0 <= value < inf):  # nor NaN: it would spoil the sum for ever
            return
        bounds = key.instrument.bounds
        found = self._series.get(key)
        if found is None:
            subject, counts = self._subjects[key.target], [0] * (len(bounds) + 1)
            found = self._series[key] = Histogram(key, subject, self._since_ns, counts)
        found.counts[bisect_left(bounds, value)] += 1
        found.total += value
        found.least, found.most = min(found.least, value), max(found.most, value)

    def keep_only(self, subjects: Mapping[str, Subject]) -> None:
        """Go on with these targets, and begin anew with those that are others by the same name."""
        gone = {name for name, each in self._subjects.items() if subjects.get(name) != each}
        self._series = {key: each for key, each in self._series.items() if key.target not in gone}
        for name in gone & self._models.keys():
            del self._models[name]
        self._subjects = subjects

    def collect(self, now_ns: int) -> tuple[Histogram, ...]:
        """Return what is to be told; deltas are out of our hands then, until they are put back.

        What is counted afterwards changes what is cumulative.
        """
        taken = tuple(self._series.values())
        if self.temporality is Temporality.DELTA:
            self._series, self._since_ns = {}, now_ns
        return taken

    def put_back(self, histograms: Iterable[Histogram]) -> None:
        """Count again what was not delivered; of no account for what is cumulative."""
        if self.temporality is Temporality.CUMULATIVE:
            return
        for each in histograms:
            if self._subjects.get(each.key.target) != each.subject:
                continue
            newer = self._series.get(each.key)
            if newer is not None:
                each.add(newer)
            self._series[each.key] = each
