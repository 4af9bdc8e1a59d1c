"""The tables of docs/metrics.md: every metric there is, as a test has it compared with a daemon."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from monitor.metrics import SERIES
from tests.docs.blocks import ROOT

PAGE: Final = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
_ROW: Final = re.compile(
    r"^\| `(?P<name>sonde_\w+)` \| (?P<kind>\w+) \|(?P<labels>[^|]*)\| (?P<meaning>[^|]+) \|$",
    re.MULTILINE,
)
_LINK: Final = re.compile(r" ?\(?\[([^]]*)\]\([^)]*\)\)?")


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the page."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    """One sentence, with the page's own links."""

    @property
    def plain(self) -> str:
        """The meaning without links, for readers who have no pages beside it."""
        return _LINK.sub(_unlinked, self.meaning)


def _unlinked(link: re.Match[str]) -> str:
    return "" if link[0].startswith(" (") else link[0][:1].strip("[") + link[1]


@cache
def metrics() -> tuple[Metric, ...]:
    """Return the page's rows in their order; the word `series` stands for its labels."""
    return tuple(
        Metric(row["name"], row["kind"], _labels(row["labels"].strip()), row["meaning"])
        for row in _ROW.finditer(PAGE)
    )


def _labels(text: str) -> tuple[str, ...]:
    names = text.split(", ") if text else []
    return tuple(label for name in names for label in (SERIES if name == "series" else (name,)))
