"""Rolls up what was committed, a few rows at a time, and folds what is over."""

from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger
from aggregator.rollup.folding import fold
from aggregator.rollup.table import Level, compact

FOLD_ROWS: Final = 200
"""Rows rolled up in one transaction: some 10 ms of the writer's thread, after each of which it
lingers five times as long. So it takes a sixth of a core at most, and some 3,000 rows a second."""
FOLDS_A_TURN: Final = 1_000
"""Transactions in one turn: 200,000 rows, six times what 5,000 targets every 10 s commit in the
minute between turns; so a ledger from before there were roll-ups catches up beside them."""
COMPACT_GROUPS: Final = 4
"""Coarser buckets made in one transaction: some 5 ms of hours, of 60 probes each."""
GRACE_S: Final = 300.0
"""How long after its end an hour or a day is left open. A matter of cost alone: what comes later is
added to it too, one by one."""

log = structlog.get_logger("sonde.rollup")


class Roller:
    """Keeps a ledger's roll-ups up to date; call `turn` again and again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._compacted: dict[Level, float] = {}
        """The newest end up to which a level was compacted, so that it is done once an hour."""

    async def turn(self, wall: float) -> bool:
        """Roll up what was committed; say whether nothing is left, or there is more for a turn.

        Raises LedgerError when the ledger does not take it: what was committed until then stays.
        """
        caught_up = await self._roll_up()
        for level, above in ((Level.MINUTE, Level.HOUR), (Level.HOUR, Level.DAY)):
            until = (wall - GRACE_S) // above * above
            if self._compacted.get(level) != until:
                await self._compact(level, until)
                self._compacted[level] = until
        return caught_up

    async def _roll_up(self) -> bool:
        for _ in range(FOLDS_A_TURN):
            folded = await self._ledger.write(lambda c: fold(c, FOLD_ROWS))
            if folded.left_out:
                log.warning("rollup.left_out", rows=folded.left_out)
            if folded.rows < FOLD_ROWS:
                return True
        return False

    async def _compact(self, level: Level, until: float) -> None:
        after: int | None = 0
        while after is not None:
            after = await self._ledger.write(
                partial(compact, level=level, before=until, after=after, groups=COMPACT_GROUPS)
            )
