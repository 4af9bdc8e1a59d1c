"""/api/v1 put together: routes, what stands before them, how they refuse."""

from collections.abc import Iterable, Iterator, Mapping
from re import Pattern

from fastapi import Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, compile_path

from monitor.api.access import Door
from monitor.api.alerts import alert_routes
from monitor.api.audit import audit_routes
from monitor.api.cluster import cluster_routes
from monitor.api.costs import cost_routes
from monitor.api.etag import Tagging
from monitor.api.feed import Feed
from monitor.api.gate import Gate
from monitor.api.instance import instance_routes
from monitor.api.limits import limit_routes
from monitor.api.openapi import PREFIX, as_json, document
from monitor.api.paths import AsSent
from monitor.api.problems import RefusedError, add_problems
from monitor.api.silences import silence_routes
from monitor.api.slos import slo_routes
from monitor.api.sources import Current
from monitor.api.stream import stream_routes
from monitor.api.targets import target_routes


def api_routes(current: Current, door: Door, feed: Feed) -> list[BaseRoute]:
    """Return everything under /api/v1. `feed` is what the stream tells; its `run` must run."""
    return [Mount(PREFIX, app=Gate(Tagging(api_app(current, feed)), door))]


def api_app(current: Current, feed: Feed) -> FastAPI:
    """Return the routes alone, open to whoever asks."""
    app = FastAPI(
        title="Sonde",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(known_parameters)],
        generate_unique_id_function=_name,
    )
    for router in (
        instance_routes(current),
        cluster_routes(current),
        target_routes(current),
        alert_routes(current),
        silence_routes(current),
        slo_routes(current),
        cost_routes(current),
        limit_routes(current),
        audit_routes(current),
        stream_routes(feed, lambda: _count_refused(current)),
    ):
        app.include_router(router)
    add_problems(app, lambda path: ", ".join(_methods(paths, path)))
    app.add_middleware(AsSent)
    made = document(app)
    paths = [(compile_path(PREFIX + path)[0], each) for path, each in made["paths"].items()]
    text = as_json(made).encode()

    async def openapi() -> Response:
        return Response(text, media_type="application/json")

    app.add_api_route("/openapi.json", openapi, include_in_schema=False)
    return app


def _methods(
    paths: Iterable[tuple[Pattern[str], Mapping[str, object]]], path: str
) -> Iterator[str]:
    """Yield what the document has of a path; of one that is not in it, its own."""
    for pattern, operations in paths:
        if pattern.match(path):
            yield from (method.upper() for method in operations)
            return
    yield "GET"


def _name(route: APIRoute) -> str:
    """Name an operation as its function, for those who make types of the document."""
    return route.name


def _count_refused(current: Current) -> None:
    current().metrics.streams_refused.inc()


async def known_parameters(request: Request) -> None:
    """Refuse parameters that mean nothing here: a slip of the pen must not look like an answer."""
    known = set(_parameters(request.scope["route"].dependant))
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise RefusedError(422, f"{name[:50]}: no such parameter here; there is {there}")
        if given.count(name) > 1:
            raise RefusedError(422, f"{name}: given more than once")


def _parameters(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _parameters(each)
