"""What other replicas told, into the ledger: each attempt once, whoever had it.

A slot counts once, as what was first known of it. An attempt at a slot that was given up before is
written down and changes no figure any more: windows cannot be told that they were wrong.
"""

import sqlite3
from collections.abc import Mapping
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
_UNHEAR: Final = f"DELETE FROM results{_OF_SLOT} AND attempt = :attempt AND heard_from != ''"  # noqa: S608 - ours
_UNHEAR_SKIP: Final = f"DELETE FROM skips{_OF_SLOT} AND heard_from != ''"  # noqa: S608 - ours


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
    bound = _bound(news)
    if connection.execute(_HAS_ATTEMPT, bound).fetchone():
        return Standing.KNOWN
    if connection.execute(_HAS_SKIP, bound).fetchone():
        return Standing.LATE if isinstance(news, ProbeResult) else Standing.KNOWN
    return Standing.NEW


def _bound(news: ProbeResult | SkippedSlot) -> Mapping[str, object]:
    slot, attempt = (
        (news.slot, news.attempt) if isinstance(news, ProbeResult) else (news.slot.number, 1)
    )
    return {
        "target": news.target,
        "location": news.location,
        "slot": slot,
        "at": news.at,
        "attempt": attempt,
        "same_s": SAME_SLOT_S,
    }


def insert_ours(connection: sqlite3.Connection, result: ProbeResult) -> Standing:
    """Record an attempt of our own; say what had been heard of its slot before.

    What was heard of the same attempt gives way, so that the slot is once in every roll-up, and
    once after a restart. Of our own rows none is asked: each attempt is made once, and after our
    clock stepped the same number stands for another slot.
    """
    bound = _bound(result)
    known = connection.execute(_UNHEAR, bound).rowcount
    skipped = connection.execute(_UNHEAR_SKIP, bound).rowcount
    insert_result(connection, result)
    if known:
        return Standing.KNOWN
    return Standing.LATE if skipped else Standing.NEW


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
