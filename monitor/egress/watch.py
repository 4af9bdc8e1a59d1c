"""Keeps asking whether our own way out works, and judges failed probes by it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerting.metric import Fact
from monitor.clock import Clock
from monitor.config.values import Check, Egress
from monitor.egress.attribution import attributed, is_suspect
from monitor.egress.dial import DIAL_S, dial
from monitor.egress.endpoint import Endpoint, Scheme
from monitor.egress.verdict import Contact, Way, known
from monitor.facts import Reading
from monitor.trust import trusted
from probes.result import ProbeResult
from probes.wire.resolver import ThreadResolver

FRESH_S: Final = 2.0
"""A round this young is asked again for nobody: the most rounds that failing probes can cause."""
FAILING_EVERY_S: Final = 5.0
"""While nothing answers it is asked more often, so that the end is noticed as soon as a fault of a
provider could be."""

PROVEN_S: Final = 300.0
"""A provider that answered so lately is better evidence than endpoints that do not: somebody may
keep us from those alone, and what a provider fails at then is news. Long enough for Down to fire on
a target that is probed each minute."""

log = structlog.get_logger("sonde.egress")


Dial = Callable[[Endpoint], Awaitable[Contact]]


class EgressWatch(Collector):
    """Our own way out, asked in rounds."""

    def __init__(self, egress: Egress, clock: Clock, ask: Dial | None = None) -> None:
        """`ask` stands for the sockets in tests. Blocks for about 20 ms when an endpoint is https.

        To be run in one loop: `run` is what asks.
        """
        self._egress = egress
        self._clock = clock
        self._ask = ask or _dialer(egress.endpoints)
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._began_at = self._concluded_at = float("-inf")
        self._contacts: Mapping[Endpoint, Contact] = {}
        self._ever = egress.check is Check.ON
        self.way = Way.UNKNOWN
        """As of the newest round that said something, and of providers that answer."""
        self._found = Way.UNKNOWN
        """What that round said by itself."""
        self._failed = (Way.UNKNOWN, float("-inf"))
        """How the way was last found failing, and when, on the monotonic clock."""
        self._failing_since: float | None = None
        """When endpoints began to fail, on the monotonic clock; None while they do not."""
        self._answered_at = float("-inf")
        """When a provider last answered what was sent while endpoints failed; the same clock."""

    async def run(self) -> None:
        """Ask for ever: on a beat, and at once when a failed probe wants to know."""
        while True:
            await self._round()
            self._wanted.clear()
            self._settled = asyncio.Event()
            every_s = self._egress.every_s
            pause_s = min(every_s, FAILING_EVERY_S) if self.way.failing else every_s
            try:
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    def heard(self, result: ProbeResult) -> None:
        """Take note of a result of a provider our way out leads to.

        An answer to what was sent after the endpoints fell silent proves the way, and with a name
        that was looked up also that names are found.
        """
        if result.status is None or self._failing_since is None:
            return
        now = self._clock.monotonic()
        sent_since = now - result.total_s > self._failing_since
        if sent_since and (result.resolve_s is not None or self._found is not Way.NAMELESS):
            self._answered_at = now

    async def judged(self, result: ProbeResult) -> ProbeResult:
        """Return the result with the fault it has in the light of our own way out.

        A failure that may be ours waits for a round, at most about DIAL_S and mostly a round trip;
        not when a young one is known, or one that found our way shut. No other result waits. What
        waited in vain while the way was shut is judged by that, though it may be open again.
        """
        if not is_suspect(result):
            return result
        began_at = self._clock.monotonic() - result.total_s
        way = await self._newest()
        failed, failed_at = self._failed
        return attributed(result, failed if failed_at >= began_at else way)

    async def _newest(self) -> Way:
        young = self._clock.monotonic() - self._concluded_at <= FRESH_S
        if young or self.way.failing or not self._ever:
            return self.way
        settled = self._settled
        self._wanted.set()
        try:
            async with asyncio.timeout(DIAL_S + 0.5):
                await settled.wait()
        except TimeoutError:
            log.warning("egress.round_late")
        return self.way

    async def _round(self) -> None:
        self._began_at = self._clock.monotonic()
        contacts: dict[Endpoint, Contact] = {}

        async def look(endpoint: Endpoint) -> None:
            contacts[endpoint] = await self._ask(endpoint)
            self._conclude(contacts)

        async with asyncio.TaskGroup() as group:
            for endpoint in self._egress.endpoints:
                group.create_task(look(endpoint), name=f"egress by {endpoint.text}")
        self._contacts = contacts

    def _conclude(self, contacts: Mapping[Endpoint, Contact]) -> None:
        found = known(contacts, self._egress.endpoints)
        if found is None:
            return
        self._concluded_at = self._began_at
        self._ever = self._ever or Contact.REACHED in contacts.values()
        before, self.way = self.way, self._believed(found)
        if self.way.failing:
            self._failed = self.way, self._clock.monotonic()
        if self.way.failing != before.failing:
            asked = {endpoint.text: contact.value for endpoint, contact in contacts.items()}
            tell = log.error if self.way.failing else log.info
            tell("egress.changed", way=self.way.value, endpoints=asked)
        self._settled.set()

    def _believed(self, found: Way) -> Way:
        """Return what to make of what the endpoints say."""
        now = self._clock.monotonic()
        self._found = found
        if not found.failing:
            self._failing_since, self._answered_at = None, float("-inf")
            return found
        if self._failing_since is None:
            self._failing_since = now
        if now - self._answered_at <= PROVEN_S:
            return Way.OPEN
        return found if self._ever else Way.UNKNOWN

    def facts(self, _now: float) -> Iterable[Reading]:
        """Say whether our way out is down; nothing while that is not known."""
        if self.way is not Way.UNKNOWN:
            yield Fact.EGRESS_FAILING, "", float(self.way.failing)

    def collect(self) -> Iterable[Metric]:
        """Return what the newest whole round found; nothing before the first."""
        text = "Whether an endpoint that has nothing to do with a provider answers."
        family = GaugeMetricFamily("sonde_egress_up", text, labels=("endpoint",))
        for endpoint, contact in self._contacts.items():
            family.add_metric((endpoint.text,), float(contact is Contact.REACHED))
        yield family


def _dialer(endpoints: Iterable[Endpoint]) -> Dial:
    resolver = ThreadResolver()
    tls = trusted() if any(each.scheme is Scheme.HTTPS for each in endpoints) else None
    return lambda endpoint: dial(endpoint, resolver, tls)
