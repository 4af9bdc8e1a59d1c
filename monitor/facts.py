"""What rules may ask about that is in no window of results: gathered anew for each evaluation."""

from collections.abc import Callable, Iterable, Mapping

from alerting.metric import Fact

Reading = tuple[Fact, str, float]
"""What, of whom (a target's or a provider's name; "" for this instance), and how much."""
Source = Callable[[float], Iterable[Reading]]
"""Given the steady time, says what it knows. What it does not know it leaves out."""


class Facts:
    """Everybody who knows a fact."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        """Ask this source too, at every evaluation from now on."""
        self._sources.append(source)

    def gathered(self, now: float) -> Mapping[tuple[Fact, str], float]:
        """Return what is known at the steady time `now`, by what and of whom."""
        return {
            (fact, subject): value
            for source in self._sources
            for fact, subject, value in source(now)
        }
