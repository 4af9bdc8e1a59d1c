"""A purse in memory, which outlives the keepers that use it and fails on command."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import Enum, auto

from aggregator.ledger import LedgerError
from monitor.budget.purse import Drawn


class Disk(Enum):
    """How the purse takes the next draws."""

    GOOD = auto()
    FULL = auto()
    """Nothing is drawn, and that is said."""
    SLOW = auto()
    """It is drawn, and nobody hears of it: the wait was given up."""


class MemoryPurse:
    """Draws as the ledger does."""

    shared = False

    def __init__(self) -> None:
        self.disk = Disk.GOOD
        self.drawn: Counter[tuple[str, date]] = Counter()
        self.draws = 0
        self._overruns: Counter[tuple[str, date]] = Counter()

    async def draw(self, subject: str, day: date, wanted_nusd: int, cap_nusd: int) -> Drawn:
        if self.disk is Disk.FULL:
            raise LedgerError("the disk is full")
        granted_nusd = max(0, min(wanted_nusd, cap_nusd - self.drawn[subject, day]))
        self.drawn[subject, day] += granted_nusd
        self.draws += 1
        if self.disk is Disk.SLOW:
            raise LedgerError("no answer within 5 s")
        return Drawn(granted_nusd, self.drawn[subject, day])

    async def give_back(self, subject: str, day: date, amount_nusd: int) -> None:
        if self.disk is not Disk.GOOD:
            raise LedgerError("the disk is full")
        self.drawn[subject, day] -= amount_nusd

    async def overrun(self, provider: str, day: date) -> None:
        if self.disk is not Disk.GOOD:
            raise LedgerError("the disk is full")
        self._overruns[provider, day] += 1

    async def overruns(self, day: date) -> Mapping[str, int]:
        return {provider: count for (provider, on), count in self._overruns.items() if on == day}
