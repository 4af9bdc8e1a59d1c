"""docs/faults.md and docs/verdicts.md say what the tables say."""

import re
from collections import Counter
from typing import Final

from probes.result import Verdict
from tests.faults.matrix import ROWS
from tests.faults.pages import FAULTS, VERDICTS_PAGE, told, verdicts_page

LINE: Final = re.compile(
    r"^\| (.+?) \| (.+?) \| (`\w+`) \| (\w+) \| (.+?) \| (.+?) \|$", re.MULTILINE
)


def test_the_page_of_faults_has_every_row() -> None:
    """Names, ways of asking, verdicts and faults, in the table's order; figures are of a run."""
    written = LINE.findall(FAULTS.read_text(encoding="utf-8"))
    assert [tuple(line[:4]) for line in written] == [told(row) for row in ROWS]


def test_the_page_of_faults_keeps_the_promises() -> None:
    """What was measured when it was written: half a second and a few MiB at the very most."""
    written = LINE.findall(FAULTS.read_text(encoding="utf-8"))
    assert {line[4] for line in written} == {"–", "< 0.5 s"}
    assert {line[5] for line in written} <= {f"< {mib} MiB" for mib in (1, 2, 4, 8)}


def test_the_page_of_verdicts_is_the_tables() -> None:
    """Written by `python -m tests.faults --write`, and by nobody's hand."""
    assert VERDICTS_PAGE.read_text(encoding="utf-8") == verdicts_page()


def test_every_verdict_comes_of_a_fault() -> None:
    """The matrix leaves none out, and names no fault twice."""
    assert {row.verdict for row in ROWS} == set(Verdict)
    assert Counter(row.name for row in ROWS).most_common(1)[0][1] == 1
