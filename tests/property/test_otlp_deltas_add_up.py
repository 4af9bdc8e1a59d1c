"""Whatever is lost on the way, and whenever: deltas that were taken add up to what there was."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from monitor.otlp.histograms import TOKEN_USAGE, Histogram, Histograms
from monitor.otlp.temporality import Temporality
from tests.unit.monitor.otlp.telling_values import answered, subject

STEPS = st.lists(
    st.one_of(
        st.integers(min_value=1, max_value=10**9),  # an answer with so many tokens
        st.sampled_from(["taken", "lost"]),  # an export, and what became of it
        st.just("half"),  # of which only the first series was taken
    ),
    max_size=40,
)


@given(STEPS)
def test_nothing_is_missing_and_nothing_told_twice(steps: list[int | str]) -> None:
    """Sums, counts, buckets, least and most; intervals of a series follow each other."""
    counted = Histograms(Temporality.DELTA, {"chat": subject()}, 0)
    told: list[tuple[Histogram, int]] = []
    wanted: Counter[int] = Counter()
    for now, step in enumerate([*steps, "taken"], start=1):
        if isinstance(step, int):
            counted.observe(answered(first_token_s=None, input_tokens=step, output_tokens=step + 1))
            wanted.update((step, step + 1))
            continue
        came = counted.collect(now)
        taken = {"taken": len(came), "lost": 0, "half": 1}[step]
        told += [(each, now) for each in came[:taken]]
        counted.put_back(came[taken:])
    usage = [(each, at) for each, at in told if each.key.instrument is TOKEN_USAGE]
    assert sum(each.count for each, _ in usage) == sum(wanted.values())
    assert sum(each.total for each, _ in usage) == sum(
        value * times for value, times in wanted.items()
    )
    for pairs in _by_series(usage).values():
        ends = [0, *(at for _, at in pairs)]
        assert all(since >= end for (since, _), end in zip(pairs, ends, strict=False))
    if wanted:
        assert min(each.least for each, _ in usage) == min(wanted)
        assert max(each.most for each, _ in usage) == max(wanted)


def _by_series(usage: list[tuple[Histogram, int]]) -> dict[object, list[tuple[int, int]]]:
    found: dict[object, list[tuple[int, int]]] = {}
    for each, at in usage:
        found.setdefault(each.key, []).append((each.since_ns, at))
    return found
