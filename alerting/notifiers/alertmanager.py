"""Alertmanagers: alerts go to every one of a cluster, which agree among themselves on who tells.

https://prometheus.io/docs/alerting/latest/alerts_api/
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import structlog

from alerting.alertmanager_alerts import BATCH, alertmanager_alerts
from alerting.notification import SEND_BUDGET_S, DeliveryError, News, Notification, Status
from alerting.notifiers.pinned import PinnedClient, checked_url
from alerting.notifiers.status import judge
from probes.secret import SecretError, SecretSource

_PATH: Final = "api/v2/alerts"

log = structlog.get_logger("sonde.alertmanager")


class AlertmanagerNotifier:
    """Posts to each Alertmanager; one that takes it is enough, the others are told of the rest."""

    def __init__(
        self,
        name: str,
        urls: tuple[str, ...],
        *,
        wall: Callable[[], float],
        token: SecretSource | None = None,
        allow_http: bool = False,
        allow_private: bool = False,
    ) -> None:
        self.name = name
        self._urls, self._token, self._wall = urls, token, wall
        self._allow_http = allow_http
        self._client = PinnedClient(allow_private=allow_private)
        self._over: dict[str, float] = {}
        """When the alerts that this process reported as over had fired, by fingerprint: as many at
        most as there are alerts."""

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: 200 of one Alertmanager is success, for the others are told by `repeat`.

        One that misses an end lets the alert run out by itself.
        """
        for each in notification.alerts:
            if each.status is Status.RESOLVED:
                self._over[each.fingerprint] = each.fired_at
            else:
                self._over.pop(each.fingerprint, None)
        await self._post([(each, notification.url) for each in notification.alerts])

    async def repeat(
        self, notifications: Iterable[Notification], firing: AbstractSet[str], /
    ) -> None:
        """Tell of alerts that fire still, so that they do not run out. Raises DeliveryError."""
        standing = [
            (each, notification.url)
            for notification in notifications
            for each in notification.alerts
            if each.status is Status.FIRING
            and each.fingerprint in firing
            and self._over.get(each.fingerprint) != each.fired_at
        ]
        if standing:
            async with asyncio.timeout(SEND_BUDGET_S):
                await self._post(standing)

    async def close(self) -> None:
        """Release the client."""
        await self._client.close()

    async def _post(self, alerts: Sequence[tuple[News, str | None]]) -> None:
        headers = {"Content-Type": "application/json"}
        try:
            if self._token is not None:
                headers["Authorization"] = f"Bearer {self._token.read().reveal()}"
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        for first in range(0, len(alerts), BATCH):
            body = alertmanager_alerts(alerts[first : first + BATCH], self._wall())
            await self._post_to_all(headers, body)

    async def _post_to_all(self, headers: dict[str, str], body: bytes) -> None:
        async with asyncio.TaskGroup() as group:
            posts = [
                group.create_task(self._failure_at(url, headers, body), name=f"{self.name} {place}")
                for place, url in enumerate(self._urls)
            ]
        failures = [failure for failure in (post.result() for post in posts) if failure]
        if len(failures) == len(posts):
            raise max(failures, key=lambda failure: failure.retryable)
        for failure in failures:
            log.warning("alertmanager.missed", channel=self.name, error=str(failure))

    async def _failure_at(
        self, base: str, headers: dict[str, str], body: bytes
    ) -> DeliveryError | None:
        try:
            url = checked_url(f"{base.rstrip('/')}/{_PATH}", allow_http=self._allow_http)
            answer = await self._client.post(url, headers, body)
            judge(answer, self._wall(), who="Alertmanager", taken=(200,))
        except DeliveryError as error:
            return error
        return None
