"""Windows kept as plain lists: slow, obvious, and independent of the real ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor

from aggregator.summary import QUANTILES, RECENT_FAULTS, Distribution, Summary, enough
from probes.result import Fault, Operation, Verdict
from probes.target import Target

CHAT = Target(
    name="gpt-chat",
    provider="openai",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt="Answer with the single word: ok",
)
GROK = Target(
    name="grok-code",
    provider="grok",
    preset="xai",
    model="grok-code-fast-1",
    operation=Operation.CHAT,
    prompt="Answer with the single word: ok",
    interval_s=120.0,
    deadline_s=90.0,
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One result: when it was had, whose fault it was, and its figure if it has one."""

    at: float
    fault: Fault = Fault.NONE
    latency_s: float | None = None
    verdict: Verdict = Verdict.OK


@dataclass(slots=True)
class ListedWindows:
    """All samples of one target, in the order they were had."""

    samples: list[Sample] = field(default_factory=list)
    missed: list[float] = field(default_factory=list)

    def summary(self, over_s: float, now: float) -> Summary:
        """Describe (now - over_s, now]."""
        seen = [sample for sample in self.samples if sample.at <= now]
        inside = [sample for sample in seen if sample.at > now - over_s]
        return Summary(
            over_s=over_s,
            n=len(inside),
            missed=sum(now - over_s < at <= now for at in self.missed),
            by_fault=Counter(sample.fault for sample in inside),
            by_verdict=Counter(sample.verdict for sample in inside),
            latency=distribution(
                [sample.latency_s for sample in inside if sample.latency_s is not None],
                [sample.latency_s or 0.0 for sample in inside if sample.verdict is Verdict.TIMEOUT],
            ),
            rate_per_min=60.0 * len(inside) / over_s if inside else None,
            recent_faults=tuple(sample.fault for sample in seen)[-RECENT_FAULTS:],
        )


def distribution(
    values: Sequence[float], censored: Iterable[float] = (), *, kept: bool = True
) -> Distribution | None:
    """Describe samples, by the definitions of `aggregator.summary`."""
    n = len(values)
    if not n:
        return None
    samples = tuple(sorted(values))
    mean = sum(samples) / n
    return Distribution(
        n=n,
        mean=mean,
        std=(sum((value - mean) ** 2 for value in samples) / n) ** 0.5,
        max=samples[-1],
        quantiles={q: samples[floor(q * (n - 1))] for q in QUANTILES if enough(n, q)},
        censored_from=min(censored, default=None),
        samples=samples if kept else (),
    )
