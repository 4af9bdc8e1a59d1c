"""/status: the public page, which anybody may ask; gathered at most once a minute for all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aggregator.ledger import LedgerError
from aggregator.stores.history import HistoryError
from monitor.public.page import STYLE, as_json, render, stylesheet
from monitor.public.view import PublicView

FRESH_S: Final = 60.0
ANSWER_S: Final = 10.0
"""How long gathering may take; whoever asks meanwhile waits for the same."""
CACHED: Final = f"public, max-age={FRESH_S:.0f}"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": CACHED,
}

log = structlog.get_logger("sonde.web")


class PublicPages:
    """Serves the page under /status, when there is one."""

    def __init__(
        self, gather: Callable[[], Awaitable[PublicView | None]], steady: Callable[[], float]
    ) -> None:
        """`gather` returns None when no page is configured."""
        self._gather = gather
        self._steady = steady
        self._lock = asyncio.Lock()
        self._view: PublicView | None = None
        self._gathered_at: float | None = None

    def routes(self) -> Sequence[Route]:
        """Return the page's routes."""
        return (
            Route("/status", self._page, methods=["GET", "HEAD"]),
            Route("/status.json", self._json, methods=["GET", "HEAD"]),
            Route(f"/{STYLE}", _style, methods=["GET", "HEAD"]),
        )

    async def _page(self, _request: Request) -> Response:
        view = await self._fresh()
        if isinstance(view, Response):
            return view
        return Response(render(view), media_type="text/html; charset=utf-8", headers=HEADERS)

    async def _json(self, _request: Request) -> Response:
        view = await self._fresh()
        if isinstance(view, Response):
            return view
        return JSONResponse(as_json(view), headers=HEADERS)

    async def _fresh(self) -> PublicView | Response:
        try:
            async with asyncio.timeout(ANSWER_S), self._lock:
                now = self._steady()
                if self._gathered_at is None or now - self._gathered_at > FRESH_S:
                    self._view = await self._gather()
                    self._gathered_at = now
        except (TimeoutError, HistoryError, LedgerError) as error:
            log.warning("public_page.not_gathered", error=str(error) or "too slow")
            return PlainTextResponse("The past cannot be read now; try again.\n", status_code=503)
        if self._view is None:
            text = "There is no public page: public_page is not configured.\n"
            return PlainTextResponse(text, status_code=404)
        return self._view


async def _style(_request: Request) -> Response:
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=3600"}
    return Response(stylesheet(), media_type="text/css; charset=utf-8", headers=headers)
