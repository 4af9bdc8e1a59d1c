"""Reads what a benchmark wants to know from an exposition of /metrics. Pure."""

import re
from collections.abc import Mapping
from math import inf


def total(text: str, name: str) -> float | None:
    """Return the sum of all samples of a name; None without any."""
    found = [float(value) for _, value in _samples(text, name)]
    return sum(found) if found else None


def buckets(text: str, name: str) -> dict[float, float]:
    """Return the cumulative buckets of a histogram, of all its label sets together."""
    found: dict[float, float] = {}
    for labels, value in _samples(text, f"{name}_bucket"):
        bound = re.search(r'le="([^"]+)"', labels)
        if bound is not None:
            at = inf if bound[1] == "+Inf" else float(bound[1])
            found[at] = found.get(at, 0.0) + float(value)
    return found


def _samples(text: str, name: str) -> list[tuple[str, str]]:
    return re.findall(rf"^{name}(\{{.*\}})? (\S+)", text, re.MULTILINE)


def quantile(cumulative: Mapping[float, float], q: float) -> float | None:
    """Return a quantile as Prometheus does (linear within a bucket); None of an empty histogram.

    https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    bounds = sorted(cumulative)
    if not bounds or not cumulative[bounds[-1]]:
        return None
    rank, below, lower = q * cumulative[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if cumulative[bound] >= rank:
            inside = cumulative[bound] - below
            if bound == inf or not inside:
                return lower
            return lower + (bound - lower) * (rank - below) / inside
        below, lower = cumulative[bound], bound
    raise AssertionError("unreachable: the last bucket holds all")


def since(later: Mapping[float, float], earlier: Mapping[float, float]) -> dict[float, float]:
    """Return what came into a histogram between two looks."""
    return {bound: count - earlier.get(bound, 0.0) for bound, count in later.items()}
