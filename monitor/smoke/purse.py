"""The money of one round: a day's budget, kept in memory and gone with the process."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from monitor.budget.purse import Drawn


class RoundPurse:
    """Lets each budget's cap be drawn once. It knows nothing of other rounds, or of a daemon."""

    shared = False

    def __init__(self) -> None:
        self._drawn: Counter[str] = Counter()
        self._overruns: Counter[str] = Counter()

    async def draw(self, subject: str, _day: date, wanted_nusd: int, cap_nusd: int, /) -> Drawn:
        """Draw up to `wanted_nusd`, as far as the cap allows."""
        granted_nusd = max(0, min(wanted_nusd, cap_nusd - self._drawn[subject]))
        self._drawn[subject] += granted_nusd
        return Drawn(granted_nusd, self._drawn[subject])

    async def give_back(self, subject: str, _day: date, amount_nusd: int, /) -> None:
        """Put back what was drawn and will surely not be spent."""
        self._drawn[subject] -= amount_nusd

    async def overrun(self, provider: str, _day: date, /) -> None:
        """Remember that the provider billed more than it could have."""
        self._overruns[provider] += 1

    async def overruns(self, _day: date, /) -> Mapping[str, int]:
        """Return how often that was so, by provider."""
        return self._overruns
