"""A ledger with a past to try rules on."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from aggregator.ledger_file import make_file, open_writer
from aggregator.results import RESULTS, insert_results
from probes.result import Fault, ProbeResult, Verdict
from tests.unit.aggregator.samples import result

BEGAN = 1_790_000_040.0
MINUTES = 240
CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets:
  - {name: a, provider: p, model: m}
  - {name: b, provider: p, model: m}
store: {path: past.db}
"""


def past(name: str, failed: range) -> Iterator[ProbeResult]:
    """Four hours of minutes; those in `failed` failed."""
    for minute in range(MINUTES):
        bad = minute in failed
        yield result(
            target=name,
            slot=minute,
            at=BEGAN + 60.0 * minute,
            total_s=2.0,
            verdict=Verdict.SERVER_ERROR if bad else Verdict.OK,
            fault=Fault.PROVIDER if bad else Fault.NONE,
        )


def write(folder: Path) -> Path:
    """Write a ledger in which `a` fails for ten minutes, and `b` for two; return its path."""
    path = folder / "past.db"
    make_file(path)
    (folder / "sonde.yaml").write_text(CONFIG)
    with closing(open_writer(path, (RESULTS,))) as connection:
        connection.execute("BEGIN")
        insert_results(connection, past("a", range(100, 110)))
        insert_results(connection, past("b", range(50, 52)))
        connection.execute("COMMIT")
    return path
