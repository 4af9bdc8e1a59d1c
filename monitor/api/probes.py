"""A target's attempts, one by one, the newest first."""

import math
import re
import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Final

from aggregator.results import LARGEST, Asked, Key, page
from monitor.api.asking import deadline
from monitor.api.models.targets import ProbeRow, Stage
from monitor.api.problems import RefusedError
from monitor.api.sources import Sources
from monitor.stages import stages
from probes.result import ProbeResult, Verdict
from probes.wire.timeline import Phase

_CURSOR: Final = re.compile(r"(-?[0-9a-fx.p+-]{1,40})_(-?[0-9]{1,19})")

_FAILED_IN: Final = {
    Verdict.DNS_ERROR: (Phase.RESOLVE, "resolve_s"),
    Verdict.CONNECT_ERROR: (Phase.CONNECT, "connect_s"),
    Verdict.TLS_ERROR: (Phase.TLS, "tls_s"),
}
"""What a failure to connect was in, and the duration that is known if that part had ended."""


async def probes_of(
    sources: Sources, asked: Asked, cursor: str, limit: int
) -> tuple[Sequence[ProbeRow], str | None]:
    """Return a page of a target's attempts, and the cursor of the next; None: that was all.

    Raises RefusedError for a cursor that is none.
    """
    before = key_of(cursor) if cursor else None
    work = partial(_rows, asked=asked, before=before, limit=limit)
    async with deadline():
        rows, end = await sources.ledger.read(work)
    return rows, None if end is None else cursor_of(end)


def _rows(
    connection: sqlite3.Connection, asked: Asked, before: Key | None, limit: int
) -> tuple[Sequence[ProbeRow], Key | None]:
    """Read and describe, in the reader's thread: of 500 it takes 20 ms."""
    found, end = page(connection, asked, before, limit)
    return [row_of(number, result) for number, result in found], end


def cursor_of(key: Key) -> str:
    """Return what a client goes on with; the time is written to the last bit."""
    return f"{key[0].hex()}_{key[1]}"


def key_of(cursor: str) -> Key:
    """Return the place a cursor names. Raises RefusedError."""
    found = _CURSOR.fullmatch(cursor)
    try:
        at, number = (math.nan, 0) if found is None else (float.fromhex(found[1]), int(found[2]))
    except (ValueError, OverflowError):
        at, number = math.nan, 0
    if not math.isfinite(at) or abs(number) > LARGEST:
        raise RefusedError(422, "cursor: expected the next_cursor of an earlier answer")
    return at, number


def reached(result: ProbeResult) -> Phase:
    """Return how far an attempt came, as far as what is kept of it tells.

    START where that is not known: what it ended in is then no stage of it.
    """
    if result.first_byte_s is not None:
        return Phase.BODY
    if result.sent_s is not None:
        return Phase.HEAD
    if result.verdict in _FAILED_IN:
        phase, ended = _FAILED_IN[result.verdict]
        return phase if getattr(result, ended) is None else Phase.START
    return Phase.START if result.tls_s is None else Phase.SEND


def row_of(number: int, result: ProbeResult) -> ProbeRow:
    """Return one attempt."""
    return ProbeRow(
        id=str(number),
        at=result.at,
        slot=result.slot,
        attempt=result.attempt,
        verdict=result.verdict.value,
        fault=result.fault.value,
        detail=result.detail,
        hint=result.hint,
        status=result.status,
        total_s=result.total_s,
        first_token_s=result.first_token_s,
        input_tokens=result.input_tokens,
        output_tokens=result.output_tokens,
        cost_usd=result.cost_usd,
        request_id=result.request_id,
        returned_model=result.returned_model,
        tainted=result.tainted,
        stages=[
            Stage(name=each.name, start_s=each.start_s, end_s=each.end_s, ended=each.ended)
            for each in stages(result, reached(result))
        ],
    )
