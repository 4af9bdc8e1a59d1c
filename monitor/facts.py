"""What rules may ask about that is in no window of results: gathered anew for each evaluation."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from alerting.metric import AnyFact, Between, BurnRate, Value, Whose, whose
from monitor.exposition import head, label_text

Reading = tuple[AnyFact, str, Value]
"""What, of whom (a target's or a provider's name; "" for this instance), and how much."""
Source = Callable[[float], Iterable[Reading]]
"""Given the steady time, says what it knows. What it does not know it leaves out."""
Known = Mapping[tuple[AnyFact, str], Value]
"""What is known, by what and of whom."""
_NAME: Final = "sonde_fact"


def written_facts(known: Known, location: str) -> Iterator[str]:
    """Yield what is known as lines of one metric, a fact at a time."""
    yield head(_NAME, "gauge", "What rules are told that is in no window.")
    for (fact, subject), value in known.items():
        first = _labelled(fact, subject, location)
        if isinstance(value, Between):
            yield f'{first},bound="low"}} {value.low}\n{first},bound="high"}} {value.high}\n'
        else:
            yield f"{first}}} {value}\n"


@lru_cache(maxsize=10_000)  # a few facts of each target, told at every scrape
def _labelled(fact: AnyFact, subject: str, location: str) -> str:
    labels = {"fact": str(fact), "location": location}
    if subject:
        labels["provider" if Whose.PROVIDER in whose(fact) else "target"] = subject
    if isinstance(fact, BurnRate):
        labels["slo"] = fact.slo
    return f"{_NAME}{{{label_text(labels, labels.values())}"


class Facts:
    """Everybody who knows a fact.

    A bug in one source costs what that source knows, not the evaluation.
    """

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._broken: dict[str, str] = {}

    @property
    def broken(self) -> Mapping[str, str]:
        """Sources that raised the last time, with what they raised."""
        return MappingProxyType(self._broken)

    def add(self, source: Source) -> None:
        """Ask this source too, at every evaluation from now on."""
        self._sources.append(source)

    def gathering(
        self, now: float, into: MutableMapping[tuple[AnyFact, str], Value]
    ) -> Iterator[None]:
        """Gather what is known at the steady time `now`, in small steps."""
        self._broken = {}
        for source in self._sources:
            try:
                for fact, subject, value in source(now):
                    into[fact, subject] = value if isinstance(value, Between) else float(value)
                    yield
            except Exception as error:  # noqa: BLE001 - it must not silence what others know
                name = getattr(source, "__qualname__", type(source).__name__)
                self._broken[name] = f"{type(error).__name__}: {error}"

    def gathered(self, now: float) -> Known:
        """Return what is known at the steady time `now`."""
        known: dict[tuple[AnyFact, str], Value] = {}
        for _ in self.gathering(now, known):
            pass
        return known
