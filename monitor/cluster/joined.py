"""The replicas through one Redis: every part of what they settle and tell, put together."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from secrets import token_hex
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from aggregator.ledger import Ledger
from alerting.consent import Consent
from monitor.budget.purse import Purse
from monitor.clock import Clock
from monitor.cluster.claims import Claims
from monitor.cluster.exchange import Exchange
from monitor.cluster.leases import Leases
from monitor.cluster.link import Link
from monitor.cluster.members import About, Busy
from monitor.cluster.places import SharedPlaces
from monitor.cluster.protocol import Hearer, Member, News, Running, Turn
from monitor.cluster.purse import RedisPurse
from monitor.cluster.reloads import SharedReloads
from monitor.cluster.silences import SharedSilences
from monitor.cluster.ways import Source
from monitor.config.values import Config
from probes.result import SkipReason
from probes.target import Slot, Target


class Joined:
    """A replica's side of its group."""

    alone = False

    def __init__(self, config: Config, ledger: Ledger, clock: Clock) -> None:
        """`config` names a cluster; connects nowhere yet."""
        cluster = config.cluster
        if cluster is None:
            raise ValueError("no cluster is configured")
        source = Source(cluster.redis, cluster.papers)
        self._link = Link(source.first(), cluster.name, source)
        self._claims = Claims(
            self._link,
            clock,
            replica=cluster.replica,
            location=config.location,
            members=self.members,
        )
        about = About(cluster.replica, config.location, version("sonde"), clock.wall())
        self._exchange = Exchange(
            self._link, ledger, clock, about, self._busy, lambda: self._claims.turns
        )
        token = f"{cluster.replica}:{token_hex(4)}"
        self._leases = Leases(self._link, token, clock.wall, self.members)
        self._silences = SharedSilences(self._link, ledger, clock.wall)
        self._reloads = SharedReloads(self._link)
        self.places = SharedPlaces(self._link)
        zones = [ZoneInfo(budget.timezone) for budget in config.budgets]
        self._purse = RedisPurse(self._link, ledger, clock, cluster.replica, zones)

    @property
    def connected(self) -> bool:
        """Whether Redis answers."""
        return self._link.connected

    @property
    def consent(self) -> Consent:
        """Return who is asked before a message goes out."""
        return self._leases

    def yield_while(self, hindered: Callable[[], bool]) -> None:
        """Come last for slots while `hindered`."""
        self._claims.hindered = hindered

    def heed(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever another replica took up a configuration."""
        self._reloads.heed(heard)

    def reloaded(self) -> None:
        """Tell the others that a configuration was taken up here; returns at once."""
        self._reloads.tell()

    def purse(self) -> Purse:
        """Return where budgets are kept."""
        return self._purse

    async def claim(self, target: Target, slot: Slot) -> Turn:
        """Ask for a slot that is due now."""
        turn = await self._claims.claim(target, slot)
        if turn is Turn.TAKEN:
            self._exchange.expect(target, slot)
        return turn

    async def claim_skip(self, target: Target, slot: Slot, _reason: SkipReason) -> bool:
        """Ask whether it is on us to count a slot as skipped that we do not probe."""
        ours = await self._claims.claim_skip(target, slot)
        if not ours:
            self._exchange.expect(target, slot)
        return ours

    async def claim_further(self, target: Target, slot: Slot, attempt: int) -> bool:
        """Ask for the place in flight for a confirming attempt."""
        return await self._claims.claim_further(target, slot, attempt)

    def release(self, target: Target, attempt: int = 1) -> None:
        """Say that what was in flight has ended."""
        self._claims.release(target, attempt)

    def tell(self, news: News) -> None:
        """Tell all others of a slot of ours."""
        self._exchange.tell(news)

    def members(self) -> Sequence[Member]:
        """Return the replicas heard of lately."""
        return self._exchange.members()

    def _busy(self) -> Busy:
        claims = self._claims
        taken = claims.turns[Turn.OURS] + claims.turns[Turn.UNASKED]
        return Busy(claims.in_flight, claims.load_ratio, taken)

    def show(self, registry: CollectorRegistry) -> None:
        """Have /metrics show the group."""
        self._exchange.show(registry)

    def running(self, hearer: Callable[[], Hearer]) -> Running:
        """Return what must run for as long as we do, by name."""
        return {
            "reaching of Redis": self._link.run,
            "claiming of slots": self._claims.run,
            **self._exchange.running(hearer),
            "keeping of what people were told": self._leases.keep,
            "sharing of silences": self._silences.run,
            "sharing of reloads": self._reloads.run,
            "sharing of budgets": self._purse.run,
        }

    async def start(self, hearer: Hearer) -> None:
        """Hear what was told while we were away."""
        await self._link.look()
        await self._exchange.start(hearer)

    async def close(self) -> None:
        """Leave, and close connections."""
        await self._purse.leave()
        await self._exchange.close()
        await self._link.close()
