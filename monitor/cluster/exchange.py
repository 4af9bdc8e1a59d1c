"""What replicas tell each other, put together: news out and in, who is there, what is awaited."""

from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex

from prometheus_client import CollectorRegistry

from aggregator.ledger import Ledger
from monitor.clock import Clock
from monitor.cluster.awaited import Awaited
from monitor.cluster.link import Link
from monitor.cluster.members import About, Busy, Members
from monitor.cluster.metrics import ClusterCollector, Pieces
from monitor.cluster.protocol import Hearer, Member, News, Running, Turn
from monitor.cluster.publisher import Publisher
from monitor.cluster.reader import Reader
from probes.target import Slot, Target


class Exchange:
    """A replica's mouth and ears."""

    def __init__(
        self,
        link: Link,
        ledger: Ledger,
        clock: Clock,
        about: About,
        busy: Callable[[], Busy],
        turns: Callable[[], Mapping[Turn, int]],
    ) -> None:
        """Connect nowhere yet. `turns`: how often asking for a slot came to what."""
        self._clock = clock
        self._awaited = Awaited()
        self._members = Members(link, about, busy, clock)
        mark = token_hex(8).encode()
        self._publisher = Publisher(link, about.name, mark, clock.monotonic)
        self._reader = Reader(link, ledger, mark, about.location, self._awaited, clock.monotonic)
        self._pieces = Pieces(
            link, self._members, self._publisher, self._reader, self._awaited, turns
        )

    @property
    def ahead_s(self) -> float:
        """How far our wall clock is ahead of that of Redis; 0 before it is known."""
        return self._members.ahead_s

    def members(self) -> Sequence[Member]:
        """Return the replicas heard of lately, by name."""
        return self._members.members

    def tell(self, news: News) -> None:
        """Tell all others of a slot of ours; returns at once."""
        self._publisher.tell(news)

    def expect(self, target: Target, slot: Slot) -> None:
        """Await news of a slot that another replica has: without any it is lost."""
        self._awaited.expect(target, slot, self._clock.monotonic())

    def running(self, hearer: Callable[[], Hearer]) -> Running:
        """Return what must run for as long as we do, by name."""
        return {
            "telling of news": self._publisher.run,
            "hearing of news": lambda: self._reader.run(hearer),
            "beating of the group's heart": lambda: self._members.run(hearer),
        }

    def show(self, registry: CollectorRegistry) -> None:
        """Have /metrics show the group."""
        registry.register(ClusterCollector(self._pieces))

    async def start(self, hearer: Hearer) -> None:
        """Say that we are there, and hear what was told while we were away; some ten seconds."""
        await self._members.beat(hearer.config)
        await self._reader.start(hearer)

    async def close(self) -> None:
        """Tell what is left and say that we go, within a second."""
        await self._publisher.flush()
        await self._members.leave()
