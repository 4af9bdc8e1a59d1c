"""Everybody else: our own way out, what providers say of themselves, what others measure.

One part for the daemon, so that what looks outside is made, run and closed in one place. Nothing of
it is on a probe's way but `judged`, which passes everything on at once that is no lost connection.
"""

# ruff: noqa: SLF001 - an Outside looks into the one before it

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from alerting.engine import Transition
from alerting.metric import Fact
from alerting.state import Edge
from monitor.baselines.watch import Baselines
from monitor.clock import Clock
from monitor.config.values import Check, Config, Egress
from monitor.egress.endpoint import is_loopback, is_outside
from monitor.egress.watch import EgressWatch
from monitor.polled.fetch import Fetcher
from monitor.road import Road, shown_window
from monitor.status_pages.watch import StatusPages
from probes.result import ProbeResult
from probes.target import Provider

_WORTH_A_LOOK: Final = frozenset({Edge.PENDING, Edge.FIRED, Edge.RELAPSED})


class Outside:
    """What one daemon asks of the world besides probing it."""

    def __init__(
        self, config: Config, road: Road, clock: Clock, before: "Outside | None" = None
    ) -> None:
        """Prepare, and tell the road what is known here; connects nowhere.

        What one of `before` knows of our own way out goes on, if it is watched as it was.

        Blocks for about 20 ms to load the trust store when anything is to be fetched.
        """
        self._clock = clock
        self._watched = _watched(config.egress, config.providers)
        wanted = self._watched or config.egress.check is Check.ON
        self._egress = config.egress
        self.egress = EgressWatch(config.egress, clock) if wanted else None
        if wanted and before is not None and before._egress == config.egress:
            self.egress = before.egress or self.egress
        over_s = shown_window(config.windows_s)
        self._pages = StatusPages(
            config.status_pages, config.targets, clock, road.windows, over_s, config.location
        )
        baselines = Baselines(
            config.baselines,
            config.targets,
            clock,
            lambda: road.metrics.newest.evaluated.readings,
            over_s,
            config.location,
        )
        self.sayings = self._pages.sayings
        self.polls = (*self._pages.polls, *baselines.polls)
        self._fetcher = Fetcher() if self.polls else None
        if self.egress is None:
            # Nobody looks any more: an alert of before, which holds back all others, must end.
            road.facts.add(lambda _now: ((Fact.EGRESS_FAILING, "", 0.0),))
        for part in (self.egress, self._pages, baselines):
            if part is not None:
                road.facts.add(part.facts)
                road.show(part)
        road.notes.add(self._pages.notes)

    async def judged(self, result: ProbeResult) -> ProbeResult:
        """Return a result as it is to be written down: with the fault it has in all we know."""
        egress = self.egress if result.provider in self._watched else None
        if egress is not None:
            egress.heard(result)
        if result.ok:
            return result
        if egress is not None:
            result = await egress.judged(result)
        self._pages.saw(result)
        return result

    def heard(self, transition: Transition) -> None:
        """Look closer when an alert begins."""
        if transition.edge in _WORTH_A_LOOK:
            self._pages.heard(transition)

    def eternal(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what must run for as long as we do, by name."""
        running: dict[str, Callable[[], Awaitable[None]]] = {}
        if self.egress is not None:
            running["check of our own way out"] = self.egress.run
        if self._fetcher is not None:
            running["status pages and baselines"] = partial(self._poll, self._fetcher)
        return running

    async def _poll(self, fetcher: Fetcher) -> None:
        async with asyncio.TaskGroup() as group:
            for poll in self.polls:
                group.create_task(poll.run(fetcher, self._clock), name=poll.name)

    async def close(self) -> None:
        """Close what is open."""
        if self._fetcher is not None:
            await self._fetcher.close()


def _watched(egress: Egress, providers: Sequence[Provider]) -> frozenset[str]:
    """Return the providers whose failures our own way out can explain.

    Behind a proxy of its own a provider is reached another way.
    """
    if egress.check is Check.OFF:
        return frozenset()
    direct = (each for each in providers if each.proxy is None)
    hosts = {each.name: urlsplit(each.base_url).hostname or "" for each in direct}
    if egress.check is Check.ON:
        return frozenset(name for name, host in hosts.items() if not is_loopback(host))
    return frozenset(name for name, host in hosts.items() if is_outside(host))
