"""A report while another process writes results: figures of one moment, and no hold on the log."""

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

from aggregator.ledger_file import open_reader, open_writer
from monitor.daemon import SCHEMAS
from monitor.report.gathering import Question, gather
from monitor.report.subjects import Subject

WRITER = """
import sys
from contextlib import closing
from pathlib import Path
from aggregator.ledger_file import open_writer
from aggregator.results import insert_result
from monitor.daemon import SCHEMAS
from tests.unit.aggregator.samples import timeout

with closing(open_writer(Path(sys.argv[1]), SCHEMAS)) as connection:
    for slot in range(1_000_000):
        insert_result(connection, timeout(1.0, slot=slot, at=86_400.0 + slot / 1_000))
        if slot == 100:
            print("writing", flush=True)
"""
SUBJECT = Subject("chat", "openai", "m", 60.0, "chat")
ASKED = Question(86_400.0, 2 * 86_400.0, ("here",))


def test_figures_and_incidents_are_of_one_moment(tmp_path: Path) -> None:
    """Every failure is in both or in neither, however fast results come; the writer goes on."""
    path = tmp_path / "sonde.db"
    path.touch()
    open_writer(path, SCHEMAS).close()
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
            with closing(open_reader(path)) as connection:
                counted = [_counts(connection) for _ in range(20)]
        finally:
            writer.kill()
    assert all(results == failures for results, failures in counted)
    assert counted[-1][0] > counted[0][0] >= 100


def _counts(connection: sqlite3.Connection) -> tuple[int, int]:
    report = gather(connection, [SUBJECT], ASKED, 2 * 86_400.0, "1")
    return report.targets[0].total.results, report.incidents[0].failures
