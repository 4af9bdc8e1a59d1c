"""Writes down what status pages say, so that a report can tell it weeks later."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from monitor.status_pages.statements import Saying, note

EVERY_S: Final = 60.0
"""No page is read more often."""

log = structlog.get_logger("sonde.status_pages")


async def keep_statements(
    ledger: Ledger, sayings: Callable[[], Iterable[Saying]], kept_s: float
) -> None:
    """Write down, for ever, what pages say; what is older than `kept_s` seconds is deleted.

    What the disk does not take now is offered again at the next turn, as long as it still stands.
    """
    written: dict[str, Saying] = {}
    while True:
        for saying in sayings():
            if written.get(saying.provider) == saying:
                continue  # not read again since
            try:
                await ledger.write(partial(note, saying=saying, kept_s=kept_s))
            except LedgerError as error:
                log.error("status_pages.not_written", provider=saying.provider, error=str(error))
            else:
                written[saying.provider] = saying
        await asyncio.sleep(EVERY_S)
