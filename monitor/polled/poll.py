"""A document that is polled: on a beat, sooner when somebody needs it, never often."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2s
from typing import Final

import structlog

from monitor.clock import Clock
from monitor.polled.fetch import Fetcher, FetchError, Validators
from monitor.polled.unreadable import UnreadableError

DEADLINE_S: Final = 10.0
"""A whole fetch, redirects included."""
LEAST_APART_S: Final = 60.0
"""However often somebody asks."""
LONGEST_AWAY_S: Final = 3600.0
"""However long a Retry-After asks for: a mistaken one must not end the polling."""
FIRST_WITHIN_S: Final = 5.0
"""The first fetches of a process are spread over this, so that a start does not begin with all."""
JITTER_RATIO: Final = 0.1
"""By how much beats differ between documents, and between instances of one."""

log = structlog.get_logger("sonde.polled")


@dataclass(slots=True)
class Poll:
    """One document. `take` reads a body and raises UnreadableError for what it cannot read."""

    name: str
    url: str
    every_s: float
    take: Callable[[bytes], None]
    seed: str = ""
    """Sets this instance's beats apart from those of others."""
    confirmed_at: float | None = None
    """Steady time of the newest fetch that gave a readable document, or the one we know; None
    before the first."""
    failure: str | None = None
    """Why the newest fetch gave none; None when it did."""
    _validators: Validators = field(default_factory=Validators)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def share(self) -> float:
        """A number from 0 to 1 that is this document's own."""
        digest = blake2s(f"{self.seed}\n{self.url}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) / 2**32

    def want(self) -> None:
        """Ask for a fetch sooner than the beat has it, at least LEAST_APART_S after the newest."""
        self._wanted.set()

    async def run(self, fetcher: Fetcher, clock: Clock) -> None:
        """Poll for ever. What fails is noted and logged; nothing is raised but cancellation."""
        await asyncio.sleep(self.share * FIRST_WITHIN_S)
        while True:
            away_s = await self._once(fetcher, clock)
            self._wanted.clear()
            await asyncio.sleep(max(away_s, min(LEAST_APART_S, self.every_s)))
            rest_s = self.every_s * (1 + JITTER_RATIO * self.share) - LEAST_APART_S - away_s
            try:
                async with asyncio.timeout(max(0.0, rest_s)):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def _once(self, fetcher: Fetcher, clock: Clock) -> float:
        """Fetch once; return for how many seconds they asked us to stay away."""
        away_s = 0.0
        failure: str | None = None
        try:
            async with asyncio.timeout(DEADLINE_S):
                found = await fetcher.fetch(self.url, self._validators, clock.wall())
            if found is not None:
                self.take(found.body)
                self._validators = found.validators
            self.confirmed_at = clock.steady()
        except TimeoutError:
            failure = f"no document within {DEADLINE_S:g} s"
        except FetchError as error:
            failure, away_s = str(error), min(error.retry_after_s or 0.0, LONGEST_AWAY_S)
        except UnreadableError as error:
            failure = f"unreadable: {error}"
        except Exception:  # the edge of one document: a bug in reading it must stop no other
            failure = "a bug of ours"
            log.exception("polled.crashed", name=self.name)
        self._tell(failure)
        return away_s

    def _tell(self, failure: str | None) -> None:
        if failure != self.failure:
            if failure is None:
                log.info("polled.read_again", name=self.name)
            else:
                log.warning("polled.failed", name=self.name, reason=failure)
        self.failure = failure
