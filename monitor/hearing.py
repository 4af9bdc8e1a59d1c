"""What other replicas found, taken in as if it had been found here.

Of our own location it goes where our own results go, but for what is done once: confirming a
failure, telling others, and what only our own results are for. Of other locations it goes into
windows of theirs. Of targets that are not in our configuration it is counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aggregator.heard import Standing
from aggregator.results import had_at
from monitor.clock import Clock
from monitor.cluster.protocol import UNKNOWN, Heard, Keep, News
from monitor.cluster.rank import slot_life_s
from monitor.elsewhere import Elsewhere
from monitor.pipeline import Pipeline
from probes.result import ProbeResult
from probes.target import Target

AT_ONCE: Final = 50
"""News that are counted in one go: some 3 ms of the loop."""


class Hearing:
    """The ears of one road."""

    def __init__(
        self,
        targets: Mapping[str, Target],
        location: str,
        pipeline: Pipeline,
        elsewhere: Elsewhere,
        learn: Callable[[Target, ProbeResult], None],
        clock: Clock,
    ) -> None:
        """`learn`: what else wants to know what an attempt found."""
        self._targets = targets
        self._location = location
        self._pipeline = pipeline
        self._elsewhere = elsewhere
        self._learn = learn
        self._clock = clock

    async def take(self, heard: Sequence[Heard], keep: Keep) -> Counter[str]:
        """Commit and count what was heard; return what became of how many."""
        wall = self._clock.wall()
        known = [each for each in heard if self._knows(each.news, wall)]
        found = await self._pipeline.commit_heard(known, keep)
        fresh = [each.news for each, how in zip(known, found, strict=True) if how is Standing.NEW]
        counted = 0
        for first in range(0, len(fresh), AT_ONCE):
            if first:
                await asyncio.sleep(0)
            counted += sum(map(self._count, fresh[first : first + AT_ONCE]))
        became = Counter(how.value for how in found)
        became[UNKNOWN] += len(heard) - len(known)
        became[Standing.NEW.value] = counted
        became[Standing.LATE.value] += len(fresh) - counted
        return became

    def _knows(self, news: News, wall: float) -> bool:
        """Say whether it is of a target of ours, and of a slot that may have been by now.

        A clock that is further ahead than slots are remembered writes down what is still to come:
        when it comes, what we find would count as known.
        """
        target = self._targets.get(news.target)
        if target is None or news.at > wall + slot_life_s(target.interval_s):
            return False
        return not isinstance(news, ProbeResult) or news.provider == target.provider

    def _count(self, news: News) -> bool:
        now = self._clock.steady()
        wall = had_at(news) if isinstance(news, ProbeResult) else news.at
        at = min(now, wall + now - self._clock.wall())
        if news.location != self._location:
            return self._elsewhere.take(news, at)
        target = self._targets[news.target]
        counted = self._pipeline.count_heard(target, news, at)
        if counted and isinstance(news, ProbeResult):
            self._learn(target, news)
        return counted
