"""A month in a ledger, with two outages, to make reports of."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from aggregator.results import RESULTS, insert_results, insert_skip
from aggregator.rollup.folding import fold
from aggregator.rollup.table import ROLLUPS
from monitor.report.figures import Report
from monitor.report.gathering import Question, gather
from monitor.report.subjects import Subject
from monitor.status_pages.statements import STATEMENTS
from probes.result import Failing, Fault, ProbeResult, RateLimit, SkipReason, Verdict
from probes.target import Slot
from tests.unit.aggregator.samples import result, stream, timeout

DAY = 86_400
START = 20_000 * DAY
INTERVAL_S = 900
HOSTILE = "<script>alert(1)</script> | `rm` \n# no\x1b[2J & more"


def month(target: str = "chat") -> Iterator[ProbeResult]:
    """Yield thirty days of results: errors for hours on day 10, timeouts on day 20."""
    for slot in range(30 * DAY // INTERVAL_S):
        at = START + slot * INTERVAL_S
        day, second = divmod(at - START, DAY)
        said = {"target": target, "slot": slot, "slot_at": float(at), "at": float(at)}
        if day == 10 and 3_600 <= second < 3 * 3_600:
            yield result(
                **said,
                verdict=Verdict.SERVER_ERROR,
                fault=Fault.PROVIDER,
                status=503,
                request_id=f"req_{slot}",
                detail=HOSTILE,
            )
        elif day == 20 and second < 8 * 3_600:
            yield timeout(30.0, **said)
        elif day != 25:
            limits = (RateLimit("requests", 500, 499 - slot % 7, 1.0),)
            slow = 0.3 + 0.01 * (slot % 96)
            yield stream(
                slow, slow * 3, 100, **said, cost_usd=0.001, input_tokens=10, rate_limits=limits
            )


SUBJECT = Subject("chat", "openai", "gpt-4o-mini", INTERVAL_S, "chat, every 15m, within 30s")


@contextmanager
def ledger() -> Iterator[sqlite3.Connection]:
    """Open a ledger in memory with the month in it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(
            ";".join((*RESULTS.migrations, *ROLLUPS.migrations, *STATEMENTS.migrations))
        )
        fill(connection)
        yield connection


def fill(connection: sqlite3.Connection) -> None:
    """Write the month, a refused slot within the first outage, and roll it up."""
    insert_results(connection, month())
    at = float(START + 10 * DAY + 3 * 3_600)
    insert_skip(
        connection,
        target="chat",
        location="here",
        slot=Slot(10**6, at),
        reason=SkipReason.BREAKER,
        at=at,
        failing=Failing(Verdict.SERVER_ERROR, Fault.PROVIDER),
    )
    while fold(connection, 1_000).rows:
        pass


def reported(
    connection: sqlite3.Connection,
    *subjects: Subject,
    since: float = START,
    until: float = START + 30 * DAY,
    now: float = START + 31 * DAY,
    locations: tuple[str, ...] = ("here",),
) -> Report:
    """Make a report of these, or else of the month's target."""
    asked = Question(since, until, locations, 0.995)
    return gather(connection, subjects or (SUBJECT,), asked, now, "1.2.3")
