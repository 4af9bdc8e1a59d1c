"""/probe?target=NAME: one configured target probed once, for a Prometheus that drives probing.

As blackbox_exporter does it: https://github.com/prometheus/blackbox_exporter#prometheus-configuration.
A probe spends money, so the page's token guards it where the page has one, and a browser that
another site sent here gets nothing.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from monitor.asked import Asked, exposition
from monitor.on_demand import Answer, Busy, OnDemand
from monitor.waterfall import plain, waterfall
from probes.result import SkipReason
from probes.target import Target

TIMEOUT_HEADER: Final = "x-prometheus-scrape-timeout-seconds"
"""How long the Prometheus that asks will wait; it sends this with every scrape.
https://prometheus.io/docs/guides/multi-target-exporter/"""
SPARE_S: Final = 0.5
"""How much sooner than that we are done, so that a timeout arrives as a result and not as nothing;
blackbox_exporter's own --timeout-offset. Of a shorter patience than twice this, half."""
HASTE_S: Final = 0.05
"""The shortest time in which anything can be asked."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What may be asked for."""

    targets: Mapping[str, Target]
    on_demand: OnDemand
    labels: Callable[[Target], str]
    """The labels of a target's series."""

    async def answer(self, request: Request) -> Response:
        """Answer a request that may be answered."""
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return _plain("A probe costs money: not on another site's behalf.\n", 403)
        name = request.query_params.get("target", "")
        target = self.targets.get(name)
        if target is None:
            known = "\n".join(self.targets)
            return _plain(f"?target= must name a configured target:\n{known}\n", 404)
        patience_s = patience(request.headers.get(TIMEOUT_HEADER))
        if patience_s is None:
            return _plain(f"{TIMEOUT_HEADER}: not a number of seconds\n", 400)
        # Twice the deadline: once for a place among the provider's, once for the exchange.
        found = await self.on_demand.ask(target, min(patience_s, 2 * target.deadline_s))
        if isinstance(found, Busy):
            return _plain(f"{_WORDS[found]}\n", 503, {"Retry-After": "1"})
        text = self._text(target, found)
        if request.query_params.get("debug") == "true":
            return _plain(f"{_drawn(target, found)}\n{text}")
        return Response(text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, **_FRESH})

    def _text(self, target: Target, found: Answer | SkipReason) -> str:
        result = found.result if isinstance(found, Answer) else found
        return exposition(Asked(self.labels(target), result))


_FRESH: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_WORDS: Final = {
    Busy.IN_FLIGHT: "The target is being probed, and that takes longer than you wait.",
    Busy.CROWDED: "Too many probes were asked for at once.",
    Busy.STUCK: "We did not get round to sending it in time: the fault is Sonde's own.",
}


def _plain(text: str, status: int = 200, headers: Mapping[str, str] = _FRESH) -> Response:
    return PlainTextResponse(text, status_code=status, headers={**_FRESH, **headers})


def _drawn(target: Target, found: Answer | SkipReason) -> str:
    if isinstance(found, SkipReason):
        return f"{target.name} was not probed: {found}\n"
    return plain(waterfall(found.result, target, found.trace))


def patience(header: str | None) -> float | None:
    """Read how long we may take, in seconds: infinite when nobody says, None for nonsense."""
    if header is None:
        return math.inf
    try:
        waits_s = float(header)
    except ValueError:
        return None
    if not waits_s > 0.0:  # nor NaN
        return None
    return max(HASTE_S, waits_s - min(SPARE_S, waits_s / 2))
