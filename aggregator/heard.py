"""What other replicas told, into the ledger: each attempt once, whoever had it.

A slot counts once, as what was first known of it. An attempt at a slot that was given up before is
written down and changes no figure any more: windows cannot be told that they were wrong.
"""

import sqlite3
from enum import StrEnum
from typing import Final

from aggregator.results import SkippedSlot, insert_result, insert_skipped
from probes.result import ProbeResult

SAME_SLOT_S: Final = 3_600.0
"""A slot's number that comes again within this time is the same slot. Replicas' clocks may be apart
and step; after a step further back than this, numbers come again that are others' slots."""

_OF_SLOT: Final = (
    " WHERE target = :target AND location = :location AND slot = :slot"
    " AND at BETWEEN :at - :same_s AND :at + :same_s"
)
_HAS_ATTEMPT: Final = f"SELECT 1 FROM results{_OF_SLOT} AND attempt = :attempt LIMIT 1"  # noqa: S608 - ours
_HAS_SKIP: Final = f"SELECT 1 FROM skips{_OF_SLOT} LIMIT 1"  # noqa: S608 - ours


class Standing(StrEnum):
    """What is known of the slot of an attempt, or of a skip, before it is recorded."""

    NEW = "new"
    """Nothing: it is to be counted."""
    LATE = "late"
    """It was skipped, or given up for lost: an attempt is recorded, and counted no more."""
    KNOWN = "known"
    """The same attempt was made or heard of before; the slot of a skip was dealt with."""


def standing(connection: sqlite3.Connection, news: ProbeResult | SkippedSlot) -> Standing:
    """Say what this ledger has of the slot."""
    slot, attempt = (
        (news.slot, news.attempt) if isinstance(news, ProbeResult) else (news.slot.number, 1)
    )
    bound = {
        "target": news.target,
        "location": news.location,
        "slot": slot,
        "at": news.at,
        "attempt": attempt,
        "same_s": SAME_SLOT_S,
    }
    if connection.execute(_HAS_ATTEMPT, bound).fetchone():
        return Standing.KNOWN
    if connection.execute(_HAS_SKIP, bound).fetchone():
        return Standing.LATE if isinstance(news, ProbeResult) else Standing.KNOWN
    return Standing.NEW


def insert_heard(
    connection: sqlite3.Connection, news: ProbeResult | SkippedSlot, heard_from: str
) -> Standing:
    """Record what another replica told, unless it is known; say what was known before.

    `heard_from` "" records a skip of our own on the same condition.
    """
    found = standing(connection, news)
    if found is not Standing.KNOWN:
        if isinstance(news, ProbeResult):
            insert_result(connection, news, heard_from)
        else:
            insert_skipped(connection, news, heard_from)
    return found
