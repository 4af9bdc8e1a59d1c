"""The HTTP side: /livez, /health, /readyz, /metrics, /probe, /status, the dashboard and its API.

Health and metrics need no token: they hold nothing secret and their readers are machines. Pages and
API name providers and errors, and a probe costs money, so wider than loopback they ask for
`http.token_file`. The public status page shows what was chosen for everybody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route

from monitor.api.access import Door
from monitor.health import Readiness
from monitor.metrics import Metrics
from monitor.web.assets import Assets, dashboard_routes
from monitor.web.probe import Probes
from monitor.web.scrape import Scrapes


@dataclass(frozen=True, slots=True)
class Pages:
    """What is served."""

    readiness: Callable[[], Readiness]
    metrics: Metrics
    probes: Callable[[], Probes]
    assets: Assets
    api: Sequence[BaseRoute] = ()
    public: Sequence[BaseRoute] = ()


def build_app(pages: Pages, door: Door) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Sonde", docs_url=None, redoc_url=None, openapi_url=None)
    routes = app.router.routes
    _add_health(app, pages.readiness)
    routes.append(Route("/metrics", Scrapes(pages.metrics), methods=["GET", "HEAD"]))
    _add_probe(app, pages.probes, door)
    routes.extend(pages.api)
    routes.extend(pages.public)
    routes.extend(dashboard_routes(pages.assets, lambda request: _refusal(door, request)))
    return app


def _add_health(app: FastAPI, readiness: Callable[[], Readiness]) -> None:
    async def livez() -> PlainTextResponse:
        # Answering at all proves that the loop turns; nothing else may make a process restart.
        return PlainTextResponse("ok\n")

    async def readyz() -> JSONResponse:
        found = readiness()
        checks = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in found.checks]
        body = {"ready": found.ready, "checks": checks}
        return JSONResponse(body, status_code=200 if found.ready else 503)

    app.add_api_route("/livez", livez, methods=["GET", "HEAD"])
    app.add_api_route("/health", livez, methods=["GET", "HEAD"])
    app.add_api_route("/readyz", readyz, methods=["GET", "HEAD"])


def _add_probe(app: FastAPI, probes: Callable[[], Probes], door: Door) -> None:
    async def probe(request: Request) -> Response:
        return _refusal(door, request) or await probes().answer(request)

    app.add_api_route("/probe", probe, methods=["GET"])


def _refusal(door: Door, request: Request) -> Response | None:
    """Return the answer for somebody who may not come in, None for who may."""
    denial = door.denial(request)
    if denial is None:
        return None
    text = f"{denial.detail}\n"
    return PlainTextResponse(text, status_code=denial.status, headers=denial.headers)
