"""A ping to a dead-man's switch while we are well: its silence is what tells of our own end.

Well is what /readyz says: the loop turns, slots run on time, the ledger takes writes. A daemon that
merely lives pings nobody.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

from alerting.notification import DeliveryError
from alerting.notifiers.pinned import PinnedClient, checked_url
from alerting.notifiers.status import judge
from monitor.clock import Clock
from monitor.config.values import Heartbeat
from probes.secret import SecretError

DEADLINE_S: Final = 10.0
"""One ping. The next one comes at its own time, whatever became of this one."""

log = structlog.get_logger("sonde.heartbeat")


class Ping(StrEnum):
    """What became of one beat: a metric label."""

    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"
    """Not sent, for we were not well."""


class Heart:
    """Beats for as long as it runs."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        clock: Clock,
        well: Callable[[], bool],
        on_ping: Callable[[Ping], None],
    ) -> None:
        self._heartbeat, self._clock, self._well = heartbeat, clock, well
        self._on_ping = on_ping
        self._client = PinnedClient(allow_private=heartbeat.allow_private)
        self._last: Ping | None = None

    async def run(self) -> None:
        """Beat for ever, at once and then on a beat that does not drift."""
        beat = self._clock.monotonic()
        while True:
            await self.beat()
            beat = max(beat + self._heartbeat.every_s, self._clock.monotonic())
            await asyncio.sleep(beat - self._clock.monotonic())

    async def beat(self) -> None:
        """Ping once, if we are well. Nothing is raised: a switch that is down is its own alarm."""
        ping, error = Ping.WITHHELD, "not ready"
        if self._well():
            ping, error = Ping.SENT, ""
            try:
                async with asyncio.timeout(min(DEADLINE_S, self._heartbeat.every_s)):
                    await self._ping()
            except (DeliveryError, SecretError, TimeoutError) as failure:
                ping, error = Ping.FAILED, str(failure) or "no answer in time"
        self._on_ping(ping)
        if ping is not self._last:  # told when it changes, counted always
            tell = log.info if ping is Ping.SENT else log.warning
            tell(f"heartbeat.{ping}", error=error)
        self._last = ping

    async def close(self) -> None:
        """Release the connection."""
        await self._client.close()

    async def _ping(self) -> None:
        # An empty POST is a ping as a GET is: https://healthchecks.io/docs/http_api/
        beating = self._heartbeat
        url = checked_url(beating.url.read().reveal(), allow_http=beating.allow_http)
        answer = await self._client.post(url, {}, b"")
        judge(answer, self._clock.wall(), who="the switch", taken=range(200, 300))
