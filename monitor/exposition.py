"""The text Prometheus reads, made of plain values: families, their series, the lines of each.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4). Thousands of
targets make hundreds of thousands of lines, and whoever writes them holds the loop. A family
therefore comes in pieces, one for each series, between which others may have their turn; a piece
is of one moment. Label texts are made once; the lines are not kept, for where there are thousands
of targets most have changed by the next scrape, and their text is some ten kilobytes each.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Generic, TypeVar

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def label_text(names: Iterable[str], values: Iterable[str]) -> str:
    """Return `name="value",…` as it stands between the braces."""
    pairs = zip(names, values, strict=True)
    return ",".join([f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs])


def more_labels(names: Iterable[str], values: Iterable[str]) -> str:
    """Return `,name="value",…` to stand behind a series' own labels."""
    return "," + label_text(names, values)


class Series:
    """What shares its first labels: one target, one provider."""

    __slots__ = ("labels",)

    def __init__(self, labels: str) -> None:
        self.labels: Final = labels
        """As `label_text` makes them; empty for none."""


class Buckets:
    """The figures of one histogram."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: Final = bounds
        # An array, not a list: thousands of these are nothing the garbage collector must look at.
        self.counts: Final = array("Q", bytes(8 * (len(bounds) + 1)))
        """Samples by bucket, not cumulated; the last one is +Inf."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one sample."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


S = TypeVar("S", bound=Series)


@dataclass(frozen=True, slots=True)
class Family(Generic[S]):
    """One metric: what it is, and how the lines of one series are written."""

    head: str
    lines: Callable[[S], str]
    """Empty for a series that has no such figure."""


def head(name: str, kind: str, text: str) -> str:
    """Return the lines before a family's samples. `text` is our own: nothing in it to escape."""
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def single(name: str, kind: str, text: str, read: Callable[[S], float | None]) -> Family[S]:
    """Return a family with at most one sample for each series; None for none."""

    def lines(row: S) -> str:
        value = read(row)
        return "" if value is None else f"{name}{{{row.labels}}} {value}\n"

    return Family(head(name, kind, text), lines)


def several(name: str, kind: str, text: str, read: Callable[[S], Mapping[str, float]]) -> Family[S]:
    """Return a family with samples by further labels (`more_labels`)."""

    def lines(row: S) -> str:
        first = f"{name}{{{row.labels}"
        return "".join([f"{first}{more}}} {value}\n" for more, value in read(row).items()])

    return Family(head(name, kind, text), lines)


def histogram(
    name: str, text: str, bounds: Sequence[float], read: Callable[[S], Buckets | None]
) -> Family[S]:
    """Return a family of histograms with these bounds; None for a series without samples."""
    ends = [f',le="{bound}"}} ' for bound in (*bounds, "+Inf")]

    def lines(row: S) -> str:
        found = read(row)
        if found is None:
            return ""
        first, labels = f"{name}_bucket{{{row.labels}", row.labels
        cumulated = list(accumulate(found.counts))
        pairs = zip(ends, cumulated, strict=True)
        buckets = "".join([f"{first}{end}{count}\n" for end, count in pairs])
        count = f"{name}_count{{{labels}}} {cumulated[-1]}\n"
        return f"{buckets}{count}{name}_sum{{{labels}}} {found.sum}\n"

    return Family(head(name, "histogram", text), lines)


def written(families: Iterable[Family[S]], rows: Sequence[S]) -> Iterator[str]:
    """Yield the text of families, family by family, in pieces of one series each."""
    for family in families:
        yield family.head
        yield from map(family.lines, rows)
